# SPDX-License-Identifier: Apache-2.0
"""smp_child's upload: resume, erase, refusals."""
import hashlib
import time

import cbor2
import pytest

from child_process import make_image
from smp_client import IMAGE, OS, WRITE, SmpTimeout
from smp_table import NEW, OLD, SILENCE, V100, V110, error_of, reset, stage, table


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
    child = start("--erase-ms", 300, "--buf-count", 3)
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
            client.receive(SILENCE)  # the erase, a and b hold all three buffers
