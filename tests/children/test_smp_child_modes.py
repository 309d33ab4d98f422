# SPDX-License-Identifier: Apache-2.0
"""smp_child's bootloader modes (smp.md 3, 4.7), security counter and trailer in a file."""
import pytest

from child_process import image_hash, make_image, pad
from smp_client import IMAGE, OS, WRITE
from smp_table import IN_TEST, NEW, OLD, OLD_ONLY, UPLOADED, V110, error_of, reset, stage, table

RUNS_FROM_1 = {(0, 0): ("1.0.0", ""), (0, 1): ("1.1.0", "active confirmed")}
TESTED_IN_1 = {(0, 0): ("1.0.0", "confirmed"), (0, 1): ("1.1.0", "active")}


@pytest.mark.parametrize("mode", [-1, 1, 3, 9])
def test_swap_modes_revert(start, mode):
    child = start("--mode", mode)
    with child.client() as client:
        stage(client)
        assert reset(child, client) == IN_TEST
        assert reset(child, client) == UPLOADED


def test_overwrite_only_knows_no_test(start):
    child = start("--mode", 2)
    with child.client() as client:
        assert table(stage(client))[0, 1] == ("1.1.0", "pending")
        for _ in "ab":
            assert reset(child, client) == {(0, 0): ("1.1.0", "active confirmed")}
    assert (child.state / "slot1.bin").read_bytes() == b""


@pytest.mark.parametrize("mode", [0, 8])
def test_a_single_slot_takes_no_upload(start, mode):
    child = start("--mode", mode, "--slot-info")
    with child.client() as client:
        assert table(client.list()) == OLD_ONLY
        assert error_of(client.upload, V110) == (IMAGE, 9)
        assert error_of(client.request, IMAGE, 5, {}, WRITE) == (IMAGE, 9)
        assert error_of(client.set_state, OLD) == (IMAGE, 33)
        info, = client.request(IMAGE, 6)["images"]
        assert info["slots"] == [{"slot": 0, "size": 430080}]
        assert client.request(OS, 8, {"query": "mode"}) == {"mode": mode}
        assert reset(child, client) == OLD_ONLY


def test_an_application_beside_a_firmware_loader_takes_no_upload(start):
    with start("--mode", 7).client() as client:
        assert error_of(client.upload, V110) == (IMAGE, 9)


@pytest.mark.parametrize("mode", [4, 6])
def test_the_higher_version_runs_from_its_slot(start, mode):
    child = start("--mode", mode)
    with child.client() as client:
        client.upload(V110)
        assert table(client.list())[0, 1] == ("1.1.0", "pending")  # by its version alone
        assert reset(child, client) == RUNS_FROM_1
        newer = make_image((1, 2, 0))
        client.upload(newer)  # goes to slot 0 now
        assert table(client.list())[0, 0] == ("1.2.0", "pending")
        assert reset(child, client) == {(0, 0): ("1.2.0", "active confirmed"), (0, 1): ("1.1.0", "")}
    assert (child.state / "slot1.bin").read_bytes() == V110


def test_a_lower_version_is_not_pending_and_does_not_run(start):
    child = start("--mode", 4)
    with child.client() as client:
        lower = make_image((0, 9, 0))
        assert table(stage(client, lower))[0, 1] == ("0.9.0", "")
        assert reset(child, client)[0, 0] == ("1.0.0", "active confirmed")


def test_direct_xip_with_revert(start):
    child = start("--mode", 5)
    with child.client() as client:
        client.upload(V110)
        assert table(client.list()) == UPLOADED
        assert table(client.set_state(NEW))[0, 1] == ("1.1.0", "pending")
        assert reset(child, client) == TESTED_IN_1
        assert error_of(client.upload, V110) == (IMAGE, 9)
        assert table(client.set_state(confirm=True)) == RUNS_FROM_1
        assert reset(child, client) == RUNS_FROM_1


def test_direct_xip_erases_what_is_not_confirmed(start):
    child = start("--mode", 5)
    with child.client() as client:
        stage(client)
        assert reset(child, client) == TESTED_IN_1
        assert reset(child, client) == OLD_ONLY
    assert child.counter("reverts") == 1


@pytest.mark.parametrize("confirm, flags", [(False, "active"), (True, "active confirmed")])
def test_direct_xip_takes_the_trailer_of_a_padded_file(start, confirm, flags):
    child = start("--mode", 5, "--slot-size", 32768)
    with child.client() as client:
        client.upload(pad(V110, 32768, confirm))
        assert table(client.list())[0, 1] == ("1.1.0", "pending")
        assert reset(child, client)[0, 1] == ("1.1.0", flags)


def test_direct_xip_with_revert_erases_what_is_neither_marked_nor_padded(start):
    child = start("--mode", 5)
    with child.client() as client:
        client.upload(V110)
        assert reset(child, client) == OLD_ONLY
    assert child.counter("refused") == 1


def test_a_lower_security_counter_is_refused(start):
    child = start("--security-counter")
    with child.client() as client:
        for version, counter, runs in (((2, 0, 0), 7, True), ((3, 0, 0), 6, False), ((3, 0, 1), None, False),
                                       ((3, 0, 2), 7, True)):
            image = make_image(version, security_counter=counter)
            stage(client, image, confirm=True)
            reset(child, client)
            assert (client.list()[0]["hash"] == image_hash(image)) == runs
    child.kill()
    child = start("--security-counter")
    with child.client() as client:
        stage(client, make_image((4, 0, 0), security_counter=6), confirm=True)
        assert reset(child, client)[0, 0] == ("3.0.2", "active confirmed")


def test_a_test_does_not_raise_the_security_counter(start):
    child = start("--security-counter")
    with child.client() as client:
        stage(client, make_image((2, 0, 0), security_counter=7))
        reset(child, client)
        reset(child, client)
        image = make_image((3, 0, 0), security_counter=1)
        stage(client, image)
        assert reset(child, client)[0, 0] == ("3.0.0", "active")
        assert table(client.set_state(confirm=True))[0, 0] == ("3.0.0", "active confirmed")
