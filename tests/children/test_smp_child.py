# SPDX-License-Identifier: Apache-2.0
"""smp_child against an independent client: framing limits, dialects, upload and resume, MCUboot's table, faults."""
import base64
import fcntl
import hashlib
import os
import select
import signal
import struct
import termios
import time

import cbor2
import pytest

from child_process import VECTORS, image_hash, make_image
from smp_client import IMAGE, OS, READ, WRITE, SmpError, SmpTimeout, frame

V100 = (VECTORS / "app-1.0.0.bin").read_bytes()
V110 = (VECTORS / "app-1.1.0.bin").read_bytes()
OLD, NEW = image_hash(V100), image_hash(V110)
TIOCGEXCL = 0x80045440
SILENCE = 0.3  # how long nothing must come where nothing may come
FLAGS = ("active", "confirmed", "pending", "permanent")


def table(images):
    """{(image, slot): (version, flags)} of a list."""
    return {(entry.get("image", 0), entry["slot"]):
            (entry["version"], " ".join(flag for flag in FLAGS if entry.get(flag))) for entry in images}


def echo_packet(client, size):
    """An echo request of exactly `size` bytes."""
    for digits in range(size):
        packet = client.packet(OS, 0, {"d": "x" * digits}, WRITE)
        if len(packet) == size:
            return packet
    raise ValueError(size)


def answers(client, packet, timeout=2.0):
    try:
        client.raw_request(packet, timeout)
        return True
    except SmpTimeout:
        return False


def error_of(call, *arguments, **more):
    with pytest.raises(SmpError) as caught:
        call(*arguments, **more)
    return caught.value.group, caught.value.rc


def stage(client, image_file=V110, confirm=False, image=0):
    client.upload(image_file, image=image)
    return client.set_state(image_hash(image_file), confirm=confirm)


def reset(child, client):
    resets = child.counter("resets")
    client.reset()
    child.wait_up(resets + 1)
    return table(client.list())


# --- the line ---

def test_a_clear_answer_through_the_link(start):
    child = start()
    assert os.readlink(child.link) == child.tty
    with child.client() as client:
        assert client.echo("hello") == "hello"


def test_clients_come_and_go(start):
    child = start()
    for text in "abc":
        with child.client() as client:
            assert client.echo(text) == text


@pytest.mark.parametrize("length, heard", [(127, True), (128, True), (129, False), (131, False), (500, False)])
def test_line_length(start, length, heard):
    with start().client() as client:
        line, = frame(client.packet(OS, 0, {"d": "x"}, WRITE))
        client.write(b"#" * (length - len(line)) + line)
        if heard:
            assert cbor2.loads(client.receive()[8:]) == {"r": "x"}
        else:
            with pytest.raises(SmpTimeout):
                client.receive(SILENCE)


@pytest.mark.parametrize("buf_size", [384, 1024])
def test_packet_length(start, buf_size):
    with start("--buf-size", buf_size).client() as client:
        assert answers(client, echo_packet(client, buf_size - 4))
        assert not answers(client, echo_packet(client, buf_size - 3), SILENCE)
        assert client.echo("still there") == "still there"


def test_broken_frames_are_dropped_silently(start):
    with start().client() as client:
        first, second = frame(echo_packet(client, 150))
        for broken in (second, first[:-6] + b"AAAA=\n", first[:20] + b"!" + first[21:] + second,
                       first[:20] + (b"A" if first[20:21] != b"A" else b"B") + first[21:] + second):
            client.write(broken)
            with pytest.raises(SmpTimeout):
                client.receive(0.1)
        client.write(first + first + second)
        assert len(client.receive()) > 140


def test_answers_are_cut_as_zephyr_does(start):
    with start().client() as client:
        for size in range(1, 400):
            assert len(client.echo("x" * size)) == size
        lines = client.deframer.lines
    sizes = [len(base64.b64decode(line[2:])) for line in lines]
    is_last = [line is lines[-1] or following.startswith(b"\x06") for line, following in zip(lines, lines[1:] + [b""])]
    assert max(map(len, lines)) == 126  # and the newline
    assert {size for size, last in zip(sizes, is_last) if not last} == {92, 93}
    assert min(size for size, last in zip(sizes, is_last) if last) == 2  # the CRC is never cut


def test_two_line_buffers_hold_two_lines_of_a_burst(start):
    with start("--line-buffers", 2, "--buf-size", 384).client() as client:
        assert answers(client, echo_packet(client, 182))
        assert not answers(client, echo_packet(client, 184), SILENCE)
        assert answers(client, echo_packet(client, 182))


def test_a_paced_line_needs_no_more_buffers(start):
    with start("--line-buffers", 2, "--buf-size", 384, "--baud", 115200).client() as client:
        before = time.monotonic()
        assert answers(client, echo_packet(client, 380))
        assert time.monotonic() - before > 2 * 527 * 10 / 115200


def test_a_closed_client_leaves_the_tty_to_the_next(start):
    child = start()
    with child.client() as client:
        fcntl.ioctl(client.fd, termios.TIOCEXCL)
    with child.client() as client:
        def exclusive():
            return struct.unpack("i", fcntl.ioctl(client.fd, TIOCGEXCL, b"\0" * 4))[0]
        child.wait_until(lambda: not exclusive())


def test_noise_and_boot_text(start):
    child = start("--noise")
    with child.client() as client:
        stage(client)
        assert reset(child, client)[0, 0] == ("1.1.0", "active")


def test_tty_vanishes_and_returns_under_another_number(start):
    child = start()
    client = child.client()
    assert client.echo("a") == "a"
    child.signal(signal.SIGUSR1)
    assert select.select([client.fd], [], [], 5)[0] and os.read(client.fd, 10) == b""  # a hang-up
    assert not child.link.is_symlink()
    client.close()
    child.signal(signal.SIGUSR2)
    child.wait_until(child.link.exists)
    assert os.readlink(child.link) != child.tty
    with child.client() as client:
        assert client.echo("b") == "b"


# --- dialects ---

@pytest.mark.parametrize("options, first, last", [((), 0xbf, 0xff), (("--definite",), 0xa1, None)])
def test_length_form_of_answers(start, options, first, last):
    with start(*options).client() as client:
        body = client.raw_request(client.packet(OS, 0, {"d": "x"}, WRITE))[8:]
        assert body[0] == first and (last is None or body[-1] == last)
        body = client.raw_request(client.packet(IMAGE, 0, {}))[8:]
        assert (b"\x9f\xbf" in body) == (last is not None)


@pytest.mark.parametrize("body", [
    bytes.fromhex("bf6164" "6178ff"),                           # indefinite
    bytes.fromhex("a16164" "6178"),                             # definite
    bytes.fromhex("b900016164" "6178"),                         # a longer head than needed
    bytes.fromhex("bf63756e6b" "9f01a1616102ff" "61646178ff"),  # with {"unk": [1, {"a": 2}]}
])
def test_requests_of_either_form_with_unknown_keys(start, body):
    with start().client() as client:
        assert client.request(OS, 0, body, WRITE) == {"r": "x"}


@pytest.mark.parametrize("body", [b"\x80", b"\xbf", b"\xa1\x61", b"\xa0\xa0", b"\x00"])
def test_malformed_requests(start, body):
    with start().client() as client:
        assert error_of(client.request, OS, 0, body, WRITE) == (None, 3)


def test_an_empty_body_is_an_empty_map(start):
    with start().client() as client:
        for body in (b"", b"\xa0", b"\xbf\xff"):
            assert cbor2.loads(client.raw_request(client.packet(OS, 6, body))[8:]) == {"buf_size": 1024, "buf_count": 2}


def test_errors_of_v2_and_v1(start):
    child = start()
    with child.client() as client:
        assert error_of(client.request, 77, 0) == (None, 8)
        assert error_of(client.request, OS, 77) == (None, 8)
        assert error_of(client.set_state, b"x" * 32) == (IMAGE, 8)
    with child.client(version=0) as client:
        packet = client.packet(OS, 0, {"d": "x"}, WRITE)
        assert client.raw_request(packet)[:8] == bytes([3, 0]) + struct.pack(">H", 6) + packet[4:8]
        assert error_of(client.set_state, b"x" * 32) == (None, 1)


@pytest.mark.parametrize("dialect, first_byte", [("v1", 0x03), ("v1-echo", 0x0b)])
def test_a_server_that_knows_only_v1(start, dialect, first_byte):
    with start("--smp", dialect).client() as client:
        answer = client.raw_request(client.packet(OS, 0, {"d": "x"}, WRITE))
        assert (answer[0], cbor2.loads(answer[8:])) == (first_byte, {"rc": 0, "r": "x"})
        assert error_of(client.set_state, b"x") == (None, 3)
        assert client.upload(V110)["off"] == len(V110)


def test_a_server_that_refuses_a_version(start):
    child = start("--unsupported-version", 13)
    with child.client() as client:
        assert error_of(client.echo, "x") == (None, 13)
    with child.client(version=0) as client:
        assert client.echo("x") == "x"


def test_optional_commands(start):
    child = start("--os-info", "Zephyr", "--slot-info", "--mode", 1)
    with child.client() as client:
        assert client.request(OS, 7, {"format": "s"}) == {"output": "Zephyr"}
        assert client.request(OS, 8) == {"bootloader": "MCUboot"}
        assert client.request(OS, 8, {"query": "mode"}) == {"mode": 1}
        assert error_of(client.request, OS, 8, {"query": "what"}) == (OS, 3)
        info, = client.request(IMAGE, 6)["images"]
        assert info == {"image": 0, "max_image_size": 421888, "slots": [
            {"slot": 0, "size": 430080}, {"slot": 1, "size": 430080, "upload_image_id": 0}]}


def test_optional_commands_that_are_not_there(start):
    with start("--no-params", "--no-bootloader-info").client() as client:
        for group, command in ((OS, 6), (OS, 7), (OS, 8), (IMAGE, 6)):
            assert error_of(client.request, group, command) == (None, 8)


def test_frugal_list(start):
    with start("--frugal").client() as client:
        assert client.list() == [{"slot": 0, "version": "1.0.0", "hash": OLD, "bootable": True, "active": True,
                                  "confirmed": True}]


# --- reset ---

def test_two_requests_within_the_delay_are_one_reset(start):
    child = start("--reset-delay-ms", 200)
    with child.client() as client:
        client.reset()
        client.reset()
        child.wait_up(1)
        assert client.echo("x") == "x"
    assert (child.counter("resets"), child.counter("reset_requests")) == (1, 2)


def test_a_busy_child_refuses_resets_unless_forced(start):
    child = start("--refuse-resets", 2)
    with child.client() as client:
        assert error_of(client.reset) == (None, 10)
        client.reset(force=1)
        child.wait_up(1)
        assert error_of(client.reset) == (None, 10)
        client.reset()
        child.wait_up(2)


def test_a_booting_child_is_deaf(start):
    child = start("--boot-ms", 300)
    with child.client() as client:
        client.reset()
        child.wait_until(lambda: child.counter("resets") == 1)
        assert not answers(client, client.packet(OS, 0, {"d": "x"}, WRITE), 0.1)
        child.wait_up(1)
        with pytest.raises(SmpTimeout):
            client.receive(0.1)
        assert client.echo("x") == "x"


# --- upload ---

def test_upload_lists_the_image(start):
    child = start()
    with child.client() as client:
        assert table(client.list()) == {(0, 0): ("1.0.0", "active confirmed")}
        client.upload(V110, chunk=900)
        assert table(client.list()) == {(0, 0): ("1.0.0", "active confirmed"), (0, 1): ("1.1.0", "")}
        assert [entry["hash"] for entry in client.list()] == [OLD, NEW]
    assert (child.state / "slot1.bin").read_bytes() == V110
    child.wait_until(lambda: child.counter("upload_bytes") == len(V110))


def test_a_wrong_offset_is_answered_with_the_right_one(start):
    with start().client() as client:
        first = {"len": len(V110), "sha": b"tag"}
        assert client.upload_chunk(400, V110[:100])["off"] == 0
        assert client.upload_chunk(0, V110[:200], **first)["off"] == 200
        assert client.upload_chunk(400, V110[400:500])["off"] == 200
        assert client.upload_chunk(0, V110[:200], **first)["off"] == 200
        assert client.upload_chunk(200, V110[200:300])["off"] == 300


def test_resume_after_the_client_was_lost(start):
    child = start()
    with child.client() as client:
        client.upload(V110, chunk=500, stop_at=10000)
    with child.client() as client:
        assert client.upload_chunk(0, V110[:64], len=len(V110), sha=hashlib.sha256(V110).digest())["off"] == 10000
        assert client.upload(V110)["off"] == len(V110)
    assert (child.counter("uploads_started"), child.counter("resumes")) == (1, 2)


def test_another_file_starts_anew(start):
    child = start()
    with child.client() as client:
        client.upload(V110, stop_at=10000)
        other = make_image((3, 0, 0))
        assert client.upload(other)["off"] == len(other)
    assert (child.counter("uploads_started"), child.counter("erases")) == (2, 1)


def test_a_reset_forgets_the_upload(start):
    child = start()
    with child.client() as client:
        client.upload(V110, chunk=500, stop_at=10000)
        reset(child, client)
        assert client.upload_chunk(10000, V110[10000:10500])["off"] == 0


def test_a_repeated_last_chunk_is_answered_with_0(start):
    with start().client() as client:
        client.upload(V110, chunk=500)
        assert client.upload_chunk(25000, V110[25000:])["off"] == 0


@pytest.mark.parametrize("data, more, code", [
    (V110[:31], {}, 22), (b"x" * 32, {}, 23), (V110[:64], {"len": None}, 21), (V110[:64], {"len": 430081}, 30),
    (V110[:64], {"len": 40}, 31), (V110[:64], {"image": 1}, 9), (V100[:64], {"upgrade": True}, 27),
    (V110[:64], {"sha": b"x" * 33}, 24),
])
def test_refused_first_requests(start, data, more, code):
    with start().client() as client:
        first = {key: value for key, value in ({"len": len(V110)} | more).items() if value is not None}
        assert error_of(client.upload_chunk, 0, data, **first) == (IMAGE, code)


def test_overrun(start):
    with start().client() as client:
        client.upload_chunk(0, V110[:64], len=100)
        assert error_of(client.upload_chunk, 64, V110[64:101]) == (IMAGE, 31)


def test_image_check(start):
    child = start("--image-check")
    with child.client() as client:
        assert client.upload(V110) == {"off": len(V110), "match": True}
        assert client.upload(V110) == {"off": len(V110), "match": True}
    assert child.counter("uploads_started") == 1


def test_a_slot_in_use_takes_no_upload(start):
    child = start()
    with child.client() as client:
        stage(client)
        assert error_of(client.upload, V110) == (IMAGE, 9)
        assert error_of(client.request, IMAGE, 5, {}, WRITE) == (IMAGE, 9)
        reset(child, client)
        assert error_of(client.upload, V110) == (IMAGE, 9)
        client.version = 0
        assert error_of(client.upload, V110) == (None, 6)


def test_erase(start):
    child = start()
    with child.client() as client:
        client.upload(V110, stop_at=1000)
        assert error_of(client.request, IMAGE, 5, {"slot": 0}, WRITE) == (IMAGE, 9)
        assert error_of(client.request, IMAGE, 5, {"slot": 2}, WRITE) == (IMAGE, 14)
        assert client.request(IMAGE, 5, {}, WRITE) == {}
        assert client.upload_chunk(1000, V110[1000:1100])["off"] == 0
    assert child.counter("erases") == 1 and (child.state / "slot1.bin").read_bytes() == b""


def test_erasing_takes_its_time_and_requests_wait(start):
    child = start("--erase-ms", 300)
    with child.client() as client:
        client.upload(V110)
        before = time.monotonic()
        client.send(client.packet(IMAGE, 1, {"off": 0, "len": len(V100), "data": V100[:64]}, WRITE))
        for text in "abc":
            client.send(client.packet(OS, 0, {"d": text}, WRITE))
        assert cbor2.loads(client.receive()[8:]) == {"off": 64}
        assert time.monotonic() - before >= 0.3
        assert [cbor2.loads(client.receive()[8:])["r"] for _ in "ab"] == ["a", "b"]
        with pytest.raises(SmpTimeout):
            client.receive(SILENCE)  # --buf-count 2


# --- MCUboot's table (smp.md 4.7) ---

OLD_ONLY = {(0, 0): ("1.0.0", "active confirmed")}
UPLOADED = OLD_ONLY | {(0, 1): ("1.1.0", "")}
IN_TEST = {(0, 0): ("1.1.0", "active"), (0, 1): ("1.0.0", "confirmed")}
CONFIRMED = {(0, 0): ("1.1.0", "active confirmed"), (0, 1): ("1.0.0", "")}


def test_test_then_confirm(start):
    child = start()
    with child.client() as client:
        assert table(stage(client)) == OLD_ONLY | {(0, 1): ("1.1.0", "pending")}
        assert reset(child, client) == IN_TEST
        assert table(client.set_state(confirm=True)) == CONFIRMED
        assert reset(child, client) == CONFIRMED
    assert [child.counter(name) for name in ("tests", "swaps", "confirms", "reverts", "resets")] == [1, 1, 1, 0, 2]


def test_test_then_revert(start):
    child = start()
    with child.client() as client:
        stage(client)
        assert reset(child, client) == IN_TEST
        assert reset(child, client) == UPLOADED
        assert reset(child, client) == UPLOADED
    assert [child.counter(name) for name in ("swaps", "reverts", "resets")] == [1, 1, 3]


def test_permanent(start):
    child = start()
    with child.client() as client:
        assert table(stage(client, confirm=True)) == OLD_ONLY | {(0, 1): ("1.1.0", "pending permanent")}
        assert reset(child, client) == CONFIRMED
        assert reset(child, client) == CONFIRMED


def test_repeat_rules(start):
    child = start()
    with child.client() as client:
        client.upload(V110)
        assert table(client.set_state(confirm=True)) == UPLOADED  # the running image is confirmed already
        assert error_of(client.set_state, OLD) == (IMAGE, 33)
        assert error_of(client.set_state) == (IMAGE, 24)
        assert error_of(client.set_state, NEW[:31]) == (IMAGE, 24)
        client.set_state(NEW)
        client.set_state(NEW)
        for image, confirm in ((None, True), (OLD, True), (NEW, True), (OLD, False)):
            assert error_of(client.set_state, image, confirm) == (IMAGE, 28)
        reset(child, client)
        for image in (NEW, OLD):
            assert error_of(client.set_state, image) == (IMAGE, 28)
        assert table(client.set_state(NEW, confirm=True)) == CONFIRMED
    assert child.counter("tests") == 1


def test_overwrite_only(start):
    child = start("--mode", 2)
    with child.client() as client:
        stage(client)
        assert reset(child, client) == {(0, 0): ("1.1.0", "active confirmed")}


@pytest.mark.parametrize("options, image", [
    (("--reject-image",), V110), (("--come-back-old",), V110), (("--corrupt-at", 5000), V110),
    ((), V110[:3000] + b"\x00" + V110[3001:]), (("--no-downgrade",), make_image((0, 9, 0))),
    (("--slot-size", 30000), V110),
])
def test_a_refused_image_is_erased(start, options, image):
    child = start(*options)
    with child.client() as client:
        stage(client, image)
        assert reset(child, client) == OLD_ONLY
    assert (child.counter("refused"), child.counter("swaps")) == (1, 0)


def test_only_the_next_image_is_rejected(start):
    child = start("--reject-image")
    with child.client() as client:
        stage(client)
        assert reset(child, client) == OLD_ONLY
        stage(client)
        assert reset(child, client) == IN_TEST


def test_an_application_that_confirms_itself(start):
    child = start("--self-confirm")
    with child.client() as client:
        stage(client)
        assert reset(child, client) == CONFIRMED
    assert (child.counter("self_confirms"), child.counter("confirms")) == (1, 0)


def test_an_application_that_refuses_to_be_confirmed(start):
    child = start("--refuse-confirm")
    with child.client() as client:
        stage(client)
        reset(child, client)
        assert error_of(client.set_state, None, True) == (IMAGE, 32)
        assert reset(child, client) == UPLOADED


def test_build_number_in_the_version(start, tmp_path):
    image = tmp_path / "image.bin"
    image.write_bytes(make_image((1, 2, 3), build=4))
    with start(image=image).client() as client:
        assert client.list()[0]["version"] == "1.2.3.4"


# --- more than one image ---

RADIO1 = VECTORS / "radio-1.0.0.bin"
RADIO2 = (VECTORS / "radio-2.0.0-needs-app-2.bin").read_bytes()
APP2 = make_image((2, 0, 0))


def test_two_images_swap_in_one_reset(start):
    child = start("--image", f"1={RADIO1}")
    with child.client() as client:
        stage(client, APP2)
        assert table(stage(client, RADIO2, image=1))[1, 1] == ("2.0.0", "pending")
        running = reset(child, client)
        assert (running[0, 0], running[1, 0]) == (("2.0.0", "active"), ("2.0.0", "active"))
        assert error_of(client.set_state, image_hash(RADIO2), True) == (IMAGE, 32)
        client.set_state(confirm=True)
        running = reset(child, client)
        assert (running[0, 0], running[1, 0]) == (("2.0.0", "active confirmed"), ("1.0.0", "active confirmed"))


def test_confirm_all(start):
    child = start("--image", f"1={RADIO1}", "--confirm-all")
    with child.client() as client:
        stage(client, APP2)
        stage(client, RADIO2, image=1)
        reset(child, client)
        client.set_state(confirm=True)
        assert reset(child, client)[1, 0] == ("2.0.0", "active confirmed")


@pytest.mark.parametrize("options, flags", [((), ""), (("--keep-cancelled-marks",), "pending")])
def test_a_dependency_that_does_not_hold_cancels(start, options, flags):
    child = start("--image", f"1={RADIO1}", *options)
    with child.client() as client:
        stage(client, V110)
        stage(client, RADIO2, image=1)
        running = reset(child, client)
        assert running == UPLOADED | {(0, 1): ("1.1.0", flags), (1, 0): ("1.0.0", "active confirmed"),
                                      (1, 1): ("2.0.0", flags)}


# --- kills ---

def test_state_survives_a_kill(start):
    child = start()
    with child.client() as client:
        stage(client)
    child.kill()
    child = start()
    with child.client() as client:
        assert table(client.list()) == IN_TEST
    child.kill()
    child = start()
    with child.client() as client:
        assert table(client.list()) == UPLOADED
    assert [child.counter(name) for name in ("power_ons", "resets", "swaps", "reverts")] == [3, 0, 1, 1]


def test_a_kill_in_an_upload_forgets_it(start):
    child = start()
    with child.client() as client:
        client.upload(V110, stop_at=5000)
    child.kill()
    with start().client() as client:
        assert client.upload_chunk(5000, V110[5000:5100])["off"] == 0


# --- faults ---

def heard_of_a_hundred(child):
    packets = child.counter("packets")
    with child.client() as client:
        for number in range(100):
            client.send(client.packet(OS, 0, {"d": str(number)}, WRITE))
        child.wait_until(lambda: child.counter("packets") == packets + 100)
        heard = []
        with pytest.raises(SmpTimeout):
            while True:
                heard.append(cbor2.loads(client.receive(SILENCE)[8:])["r"])
    return heard


def test_lost_packets_are_the_same_for_the_same_seed(start):
    runs = []
    for seed in (7, 7, 8):
        child = start("--drop-rx", 300, "--drop-tx", 300, "--seed", seed)
        runs.append(heard_of_a_hundred(child))
        child.stop()
    assert runs[0] == runs[1] != runs[2]
    assert 25 < len(runs[0]) < 75


def test_an_upload_over_a_bad_line(start):
    child = start("--drop-rx", 50, "--drop-tx", 50)
    with child.client() as client:
        client.upload(V110, timeout=0.15)
        assert table(client.list()) == UPLOADED


def test_late_and_duplicate_answers(start):
    with start("--late-answer-ms", 100, "--duplicate-answers").client() as client:
        assert not answers(client, client.packet(OS, 0, {"d": "a"}, WRITE), 0.03)
        assert client.echo("b") == "b"  # dropping both late ones to a
        assert cbor2.loads(client.receive()[8:]) == {"r": "b"}


def test_mute(start):
    child = start("--mute")
    with child.client() as client, pytest.raises(SmpTimeout):
        client.echo("x", SILENCE)


def test_mute_after_bytes(start):
    with start("--mute-after-bytes", 2000).client() as client, pytest.raises(SmpTimeout):
        client.upload(V110, timeout=0.05)


def test_stuck(start):
    with start("--stuck-at", 1000).client() as client:
        client.upload(V110, chunk=250, stop_at=1000)
        for _ in range(3):
            assert client.upload_chunk(1000, V110[1000:1250])["off"] == 1000


def test_a_lost_upload_state_once(start):
    child = start("--lose-upload-state-at", 5000)
    with child.client() as client:
        client.upload(V110)
        assert table(client.list()) == UPLOADED
    assert child.counter("uploads_started") == 2 and child.counter("resets") == 0


def test_a_spontaneous_reboot_once(start):
    child = start("--reboot-at", 5000)
    with child.client() as client:
        client.upload(V110, timeout=0.2)
        assert table(client.list()) == UPLOADED
    assert child.counter("uploads_started") == 2 and child.counter("resets") == 1


def test_an_unknown_option_is_an_error(start, capfd):
    with pytest.raises(ValueError):
        start("--no-such-option")
    assert "unknown option" in capfd.readouterr().err
