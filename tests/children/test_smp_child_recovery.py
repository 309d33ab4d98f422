# SPDX-License-Identifier: Apache-2.0
"""smp_child in MCUboot's serial recovery (smp.md 6): how it is entered and left, and how it differs from Zephyr."""
import os
import select

import cbor2

from child_process import VECTORS, image_hash, make_image
from smp_client import IMAGE, OS, WRITE
from smp_table import NEW, OLD, SILENCE, V110, answers, echo_packet, error_of, silent, stage, table

BROKEN = VECTORS / "app-1.1.0-flipped-payload-byte.bin"


def body(client, group, command, request=None, op=0):
    """The whole answer, with its first byte."""
    answer = client.raw_request(client.packet(group, command, request or {}, op))
    return answer[0], cbor2.loads(answer[8:])


def test_recovery_when_nothing_can_boot(start):
    child = start("--recovery", "auto", image=BROKEN)
    with child.client() as client:
        assert client.list() == []
        client.upload(V110)
        assert client.list() == [{"slot": 0, "hash": NEW, "version": "1.1.0"}]
        client.reset()
        child.wait_up(1)
        assert table(client.list()) == {(0, 0): ("1.1.0", "active confirmed")}  # at once, no test
    assert child.counter("recoveries") == 1


def test_without_recovery_nothing_runs(start):
    child = start(image=BROKEN, ready=False)
    child.wait_until(lambda: "nothing runs" in child.log())
    with child.client() as client:
        assert not answers(client, echo_packet(client, 20), SILENCE)


def test_answers_are_those_of_v1_under_the_version_of_the_request(start):
    with start("--recovery", "only", "--recovery-echo").client() as client:
        for version, write, read in ((1, 0x0b, 0x09), (0, 0x03, 0x01)):
            client.version = version
            assert body(client, OS, 0, {"d": "x"}, WRITE) == (write, {"r": "x"})
            assert body(client, OS, 1, {}, WRITE) == (write, {"rc": 0})
            assert body(client, IMAGE, 1, {"off": 7, "data": b""}, WRITE) == (write, {"rc": 0, "off": 0})
            assert body(client, OS, 6) == (read, {"rc": 8})
            assert body(client, IMAGE, 5, {}, WRITE) == (write, {"rc": 8})
            assert body(client, IMAGE, 0, {"hash": OLD, "confirm": False}, WRITE) == (write, {"rc": 8})
            assert body(client, IMAGE, 6) == (read, {"rc": 8})
            assert body(client, IMAGE, 0) == (read, {"images": [{"slot": 0, "hash": OLD, "version": "1.0.0"}]})


def test_echo_is_not_answered_unless_it_is_built_in(start):
    with start("--recovery", "only").client() as client:
        assert not answers(client, echo_packet(client, 20), SILENCE)
        assert client.request(OS, 1, {}, WRITE) == {"rc": 0}


def test_recovery_without_hashes(start):
    with start("--recovery", "only", "--recovery-hashless").client() as client:
        assert client.list() == [{"slot": 0, "version": "1.0.0"}]


def test_recovery_with_options(start):
    with start("--recovery", "only", "--recovery-options").client() as client:
        assert client.request(OS, 6) == {"buf_size": 1024, "buf_count": 1}
        info, = client.request(IMAGE, 6)["images"]
        assert info == {"image": 0, "max_image_size": 421888, "slots": [
            {"slot": 0, "size": 430080, "upload_image_id": 0}, {"slot": 1, "size": 430080}]}
        entry, = client.set_state(OLD)  # the primary's own: the list, no error
        assert (entry["active"], entry["confirmed"], entry["pending"]) == (True, True, False)


def test_a_packet_of_buf_size_less_4_is_one_byte_too_long(start):
    with start("--recovery", "only", "--recovery-echo", "--definite").client() as client:
        assert answers(client, echo_packet(client, 1019))
        assert not answers(client, echo_packet(client, 1020), SILENCE)


def test_the_text_of_all_bytes_is_cut_into_lines(start):
    with start("--recovery", "only", "--recovery-echo").client() as client:
        for size in range(60, 200):
            assert len(client.echo("x" * size)) == size
        lines = client.deframer.lines
    assert max(map(len, lines)) == 126
    assert not any(b"=" in line and following[:2] == b"\x04\x14" for line, following in zip(lines, lines[1:]))


def test_an_upload_begins_anew_at_offset_0(start):
    child = start("--recovery", "only", "--erase-ms", 50)
    with child.client() as client:
        client.upload(V110, chunk=500, stop_at=5000)
        assert client.upload_chunk(6000, V110[6000:6100])["off"] == 5000
        assert client.upload_chunk(0, V110[:500], len=len(V110))["off"] == 500
        assert client.list() == []
        assert error_of(client.upload_chunk, 0, b"", len=430081) == (None, 3)
    assert (child.counter("uploads_started"), child.counter("resumes")) == (2, 0)


def test_direct_upload_to_the_second_slot(start):
    child = start("--recovery", "only", "--recovery-direct-upload")
    with child.client() as client:
        client.upload(V110, image=2)
        assert [(entry["slot"], entry["hash"]) for entry in client.list()] == [(0, OLD), (1, NEW)]


def test_a_reset_with_boot_mode_1_enters_it_once(start):
    child = start("--boot-mode")
    with child.client() as client:
        client.reset(boot_mode=1)
        child.wait_until(lambda: child.counter("recoveries") == 1)
        assert "active" not in client.list()[0]
        client.reset()
        child.wait_up(2)
        assert client.list()[0]["active"]


def test_boot_mode_means_nothing_where_it_is_not_built_in(start):
    child = start("--recovery", "auto")
    with child.client() as client:
        client.reset(boot_mode=1)
        child.wait_up(1)
    assert child.counter("recoveries") == 0


def test_a_packet_in_the_wait_for_dfu_window_latches(start):
    child = start("--wait-for-dfu-ms", 300)
    with child.client() as client:
        stage(client)
        client.reset()
        child.wait_until(lambda: child.log().rstrip().endswith("waits for a packet"))
        assert "active" not in client.list()[0]
        child.wait_until(lambda: child.counter("recoveries") == 1)
        silent(client.receive, 0.5)  # the window is long over
        assert client.request(OS, 1, {}, WRITE) == {"rc": 0}
        client.reset()
        child.wait_up(2)  # nobody spoke: the swap that waited happens
        assert table(client.list())[0, 0] == ("1.1.0", "active")
    assert child.counter("recoveries") == 1


def test_raw_framing_in_recovery(start):
    with start("--recovery", "only", "--framing", "raw").client(framing="raw") as client:
        client.upload(V110)
        assert client.list()[0]["hash"] == NEW


def test_a_usb_tty_goes_and_comes_between_recovery_and_application(start):
    child = start("--usb", "--boot-mode", "--boot-ms", 50)
    with child.client() as client:
        client.reset(boot_mode=1)
        assert select.select([client.fd], [], [], 5)[0] and os.read(client.fd, 10) == b""
    child.wait_until(lambda: child.counter("recoveries") == 1)
    first = os.readlink(child.link)
    with child.client() as client:
        client.reset()
    child.wait_up(2)
    assert os.readlink(child.link) != first


def test_two_images(start):
    radio = make_image((5, 0, 0))
    child = start("--recovery", "only", "--image", f"1={VECTORS / 'radio-1.0.0.bin'}")
    with child.client() as client:
        client.upload(radio, image=1)
        assert [(entry["image"], entry["slot"]) for entry in client.list()] == [(0, 0), (1, 0)]
        assert client.list()[1]["hash"] == image_hash(radio)
