# SPDX-License-Identifier: Apache-2.0
"""smp_child's SMP server: dialects, errors, optional commands, reset."""
import struct

import cbor2
import pytest

from smp_client import IMAGE, OS, WRITE, SmpTimeout
from smp_table import OLD, V110, answers, error_of


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
