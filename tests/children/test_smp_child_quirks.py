# SPDX-License-Identifier: Apache-2.0
"""smp_child's options for the known faults of servers: each is named after its row in smp.md section 8."""
import cbor2
import pytest

from child_process import VECTORS, image_hash, make_image
from smp_client import IMAGE, OS, READ, WRITE
from smp_table import (CONFIRMED, IN_TEST, NEW, OLD, OLD_ONLY, UPLOADED, V100, V110, answers, error_of, reset, silent,
                       stage, table)

RADIO1 = VECTORS / "radio-1.0.0.bin"


def first_chunk(client, image=V110):
    return client.packet(IMAGE, 1, {"off": 0, "len": len(image), "data": image[:64]}, WRITE)


def test_row_2_the_second_upload_waits_for_an_erase(start):
    with start("--erase-ms", 400).client() as client:
        assert answers(client, first_chunk(client), 0.2)
        assert not answers(client, first_chunk(client), 0.2)


def test_row_5_an_upload_goes_on_after_an_erase(start):
    child = start("--erase-keeps-upload")
    with child.client() as client:
        client.upload(V110, chunk=500, stop_at=5000)
        client.request(IMAGE, 5, {}, WRITE)
        assert client.upload(V110)["off"] == len(V110)  # resumed at 5000, in an empty slot
        assert table(client.list())[0, 0] == ("1.0.0", "active confirmed") and len(client.list()) == 1
    assert (child.state / "slot1.bin").read_bytes()[:5000] == b"\x00" * 5000


def test_row_7_an_image_without_hash_lists_that_of_the_slot_before(start):
    with start("--stale-hash").client() as client:
        client.upload(make_image((3, 0, 0), hash_size=0))
        assert [(entry["version"], entry["hash"]) for entry in client.list()] == [("1.0.0", OLD), ("3.0.0", OLD)]


def test_row_7_without_the_fault_it_is_not_listed(start):
    with start().client() as client:
        client.upload(make_image((3, 0, 0), hash_size=0))
        assert table(client.list()) == OLD_ONLY


def test_row_8_a_mark_is_silently_ignored(start):
    child = start("--ignore-marks", 1)
    with child.client() as client:
        assert table(stage(client)) == UPLOADED
        client.set_state(NEW)
        assert reset(child, client) == IN_TEST


def test_row_8_the_flags_after_a_state_write_are_old(start):
    with start("--stale-flags").client() as client:
        assert table(stage(client)) == UPLOADED
        assert table(client.list())[0, 1] == ("1.1.0", "pending")


def test_row_8_an_image_in_test_is_listed_as_confirmed(start):
    child = start("--wrong-confirmed")
    with child.client() as client:
        stage(client)
        assert reset(child, client) == CONFIRMED
        assert reset(child, client) == UPLOADED


def test_row_9_after_a_write_error_nothing_helps_but_an_erase(start):
    child = start("--write-error-at", 5000)
    with child.client() as client:
        assert error_of(client.upload, V110, chunk=500) == (IMAGE, 12)
        for chunk in (V110[5000:5500], V110[5000:5100]):
            assert client.upload_chunk(5000, chunk)["off"] == 5000
        assert client.upload_chunk(0, V100[:64], len=len(V100), sha=b"other")["off"] == 5000
        client.request(IMAGE, 5, {}, WRITE)
        client.upload(V110)
        assert table(client.list()) == UPLOADED


def test_row_11_an_image_is_missing_in_the_list_for_its_hash(start):
    with start("--hide", NEW[:2].hex()).client() as client:
        client.upload(V110)
        assert table(client.list()) == OLD_ONLY
        client.upload(make_image((1, 1, 0), build=1))
        assert table(client.list())[0, 1] == ("1.1.0.1", "")


@pytest.mark.parametrize("size", [48, 64])
def test_row_12_long_hashes(start, tmp_path, size):
    old, new = make_image((1, 0, 0), hash_size=size), make_image((1, 1, 0), hash_size=size)
    (tmp_path / "old.bin").write_bytes(old)
    child = start("--sha-size", size, image=tmp_path / "old.bin")
    with child.client() as client:
        stage(client, new)
        assert error_of(client.set_state, image_hash(new)[:32]) == (IMAGE, 24)
        assert reset(child, client) == IN_TEST
        assert [len(entry["hash"]) for entry in client.list()] == [size, size]
        client.set_state(image_hash(new), confirm=True)
        client.upload(make_image((1, 2, 0)))  # another kind of hash: no hash
        assert len(client.list()) == 1


def test_row_15_one_image_in_test_delays_the_revert_of_the_other(start):
    child = start("--image", f"1={RADIO1}", "--one-revert-per-reset")
    with child.client() as client:
        stage(client, make_image((2, 0, 0)))
        stage(client, make_image((2, 0, 1)), image=1)
        reset(child, client)
        after = reset(child, client)
        assert (after[0, 0], after[1, 0]) == (("1.0.0", "active confirmed"), ("2.0.1", "active"))
        assert reset(child, client)[1, 0] == ("1.0.0", "active confirmed")


def test_row_16_leftovers_beyond_a_new_image(start):
    child = start("--leftovers")
    with child.client() as client:
        client.upload(V110)
        shorter = make_image((3, 0, 0))
        stage(client, shorter)
        assert (child.state / "slot1.bin").read_bytes() == shorter + V110[len(shorter):]
        assert reset(child, client)[0, 0] == ("3.0.0", "active")


def test_row_18_params_are_not_answered(start):
    with start("--silent-params").client() as client:
        silent(client.request, OS, 6, {}, READ, 0.2)
        assert client.echo("x") == "x"


def test_row_17_an_unknown_command_is_not_answered(start):
    with start("--silent-unknown").client() as client:
        for group, command in ((OS, 77), (77, 0), (OS, 7)):
            silent(client.request, group, command, {}, READ, 0.1)
        assert cbor2.loads(client.raw_request(client.packet(OS, 6, {}))[8:])["buf_size"] == 1024
