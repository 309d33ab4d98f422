# SPDX-License-Identifier: Apache-2.0
"""udp_relay between libcoap's client and server, and between an echo and bare sockets."""

import hashlib
import socket
import time

import pytest

from coap_child_process import CoapProgram, free_udp_port
from libcoap_tools import SERVER, Running, client


@pytest.fixture
def relay():
    programs = []

    def start_relay(port, *options):
        programs.append(CoapProgram("udp_relay", "--to", f"127.0.0.1:{port}", *options))
        return programs[-1], programs[-1].events[0]["port"]

    yield start_relay
    for program in programs:
        program.stop()


@pytest.fixture
def gateway():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.settimeout(10)
        yield plain


@pytest.fixture
def child():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(10)
        yield plain


def test_libcoap_gets_a_body_through_loss(relay, tmp_path):
    body = hashlib.shake_128(b"body").digest(60_000)
    (tmp_path / "body").write_bytes(body)
    with Running(SERVER, free_udp_port(), "-d", 2) as server:
        client("-m", "put", "-t", 42, "-f", tmp_path / "body", f"coap://127.0.0.1:{server.port}/fw")
        program, port = relay(server.port, "--delay-ms", 5, "--loss", 3, "--seed", 5)
        client("-o", tmp_path / "got", f"coap://127.0.0.1:{port}/fw")
        stats = program.ask("stats", "stats")
    assert (tmp_path / "got").read_bytes() == body
    assert stats["up"]["lost"] + stats["down"]["lost"] > 0
    assert stats["children"] == 1


def test_delay_is_each_way(relay, gateway, child):
    _, port = relay(gateway.getsockname()[1], "--delay-ms", 50)
    started = time.monotonic()
    child.sendto(b"x", ("127.0.0.1", port))
    data, where = gateway.recvfrom(10)
    gateway.sendto(data + b"y", where)
    assert child.recv(10) == b"xy"
    assert 0.1 <= time.monotonic() - started < 5


def test_rebinding_changes_the_port_and_deafens_the_old_one(relay, gateway, child):
    program, port = relay(gateway.getsockname()[1])
    child.sendto(b"1", ("127.0.0.1", port))
    _, old = gateway.recvfrom(10)
    program.ask("rebind", "rebind")
    gateway.sendto(b"to the old one", old)
    child.sendto(b"2", ("127.0.0.1", port))
    _, new = gateway.recvfrom(10)
    assert new != old
    gateway.sendto(b"to the new one", new)
    assert child.recv(100) == b"to the new one"


def test_a_hole_swallows_and_ends(relay, gateway, child):
    program, port = relay(gateway.getsockname()[1])
    program.ask("hole", "hole", on=True)
    child.sendto(b"1", ("127.0.0.1", port))
    program.ask("stats", "stats")
    program.ask("hole", "hole", on=False)
    child.sendto(b"2", ("127.0.0.1", port))
    assert gateway.recv(10) == b"2"
    assert program.ask("stats", "stats")["up"]["lost"] == 1


def test_doubles(relay, gateway, child):
    program, port = relay(gateway.getsockname()[1], "--duplicate", 100)
    child.sendto(b"1", ("127.0.0.1", port))
    assert [gateway.recv(10), gateway.recv(10)] == [b"1", b"1"]
    assert program.ask("stats", "stats")["up"] == {"datagrams": 1, "bytes": 1, "lost": 0, "doubled": 1}
