# SPDX-License-Identifier: Apache-2.0
"""smp_child over UDP (smp.md 2.4, 4.4): sizes, buffers, addresses."""
import signal

import cbor2
import pytest

from smp_client import OS, WRITE, SmpClient
from smp_table import SILENCE, V110, answers, echo_packet, reset, silent


def test_udp(start):
    child = start("--udp", 0)
    with child.client() as client, child.client() as other:
        assert client.request(OS, 6) == {"buf_size": 2048, "buf_count": 2}
        assert (other.echo("b"), client.echo("a")) == ("b", "a")
        client.upload(V110, chunk=1000)
        assert reset(child, client)[0, 1] == ("1.1.0", "")


def test_udp_over_ipv6(start):
    port = start("--udp", 0).where.rsplit(":", 1)[1]
    with SmpClient(f"[::1]:{port}") as client:
        assert client.echo("x") == "x"


@pytest.mark.parametrize("host, longest", [("127.0.0.1", 1472), ("[::1]", 1452)])
def test_longest_datagram(start, host, longest):
    child = start("--udp", 0, "--definite")  # an answer to echo as long as its request
    with SmpClient(f"{host}:{child.where.rsplit(':', 1)[1]}") as client:
        assert answers(client, echo_packet(client, longest))
        assert not answers(client, echo_packet(client, longest + 1), SILENCE)
    assert child.counter("link_drops") == 1


def test_more_packets_at_once_than_buffers_answer_rc_2(start):
    """smp.md 4.4: with buf_count 4 a window of 3 works, of 4 ends in ENOMEM."""
    child = start("--udp", 0, "--buf-count", 4, "--work-us", 20000)
    with child.client() as client:
        for window, codes in ((3, [0, 0, 0]), (4, [2, 0, 0, 0])):
            for _ in range(window):
                client.send(client.packet(OS, 0, {"d": "x"}, WRITE))
            assert [cbor2.loads(client.receive()[8:]).get("rc", 0) for _ in range(window)] == codes
        for _ in range(6):
            client.send(client.packet(OS, 0, {"d": "x"}, WRITE))
        assert len([client.receive() for _ in range(4)]) == 4
        silent(client.receive, SILENCE)  # the fifth and sixth found no buffer at all
    assert child.counter("no_buffer") == 4


def test_a_udp_child_that_is_gone_and_back(start):
    child = start("--udp", 0)
    with child.client() as client:
        child.signal(signal.SIGUSR1)
        child.wait_until(lambda: "link vanishes" in child.log())
        silent(client.echo, "x", SILENCE)
        child.signal(signal.SIGUSR2)
        child.wait_until(lambda: f"link {child.where}" in child.log())
        assert client.echo("x") == "x"
