# SPDX-License-Identifier: Apache-2.0
"""smp_child over a SOCK_SEQPACKET socket: packets, clients that come and go, and a link that a reset drops."""
import signal

import pytest

from smp_client import OS, WRITE
from smp_table import CONFIRMED, IN_TEST, NEW, SILENCE, V110, answers, echo_packet, silent, stage, table


@pytest.fixture
def path(tmp_path):
    return tmp_path / "smp"


def dropped(client):
    with pytest.raises(ConnectionError):
        client.receive()
    return True


def test_upload_and_swap(start, path):
    child = start("--seqpacket", path)
    assert child.where == str(path)
    with child.client() as client:
        assert client.request(OS, 6) == {"buf_size": 1024, "buf_count": 2}
        stage(client)
        client.reset()
        assert dropped(client)
    child.wait_up(1)
    with child.client() as client:
        assert table(client.list()) == IN_TEST
        client.set_state(NEW, confirm=True)
        assert table(client.list()) == CONFIRMED


def test_longest_packet(start, path):
    child = start("--seqpacket", path, "--buf-size", 600, "--definite")  # an answer to echo as long as its request
    with child.client() as client:
        assert answers(client, echo_packet(client, 600))
        assert not answers(client, echo_packet(client, 601), SILENCE)
    assert child.counter("link_drops") == 1


def test_clients_come_and_go_one_at_a_time(start, path):
    child = start("--seqpacket", path)
    with child.client() as first:
        with child.client() as waiting:
            assert first.echo("a") == "a"
            waiting.send(waiting.packet(OS, 0, {"d": "b"}, WRITE))
            silent(waiting.receive, SILENCE)
            first.close()
            assert len(waiting.receive()) > 8
    with child.client() as client:
        assert client.echo("c") == "c"


def test_the_answer_to_a_client_that_went_is_not_for_the_next(start, path):
    child = start("--seqpacket", path, "--work-us", 100000)
    with child.client() as client:
        client.send(client.packet(OS, 0, {"d": "late"}, WRITE))
        child.wait_until(lambda: child.counter("packets") == 1)
    with child.client() as client:
        child.wait_until(lambda: "client that is gone" in child.log())
        silent(client.receive, SILENCE)
        assert client.echo("x") == "x"


def test_a_child_that_is_gone_and_back(start, path):
    child = start("--seqpacket", path)
    with child.client() as client:
        child.signal(signal.SIGUSR1)
        assert dropped(client)
    child.wait_until(lambda: not path.exists())
    child.signal(signal.SIGUSR2)
    child.wait_until(path.exists)
    with child.client() as client:
        assert client.echo("x") == "x"


def test_an_upload_goes_on_after_a_lost_link(start, path):
    child = start("--seqpacket", path)
    with child.client() as client:
        client.upload(V110, stop_at=len(V110) // 2)
    with child.client() as client:
        client.upload(V110)
    assert child.counter("uploads_started") == 1 and child.counter("resumes") == 1


def test_a_server_that_hangs_when_its_link_drops(start, path):
    child = start("--seqpacket", path, "--hang-on-lost-link", "--work-us", 100000)
    with child.client() as client:
        client.send(client.packet(OS, 0, {"d": "x"}, WRITE))
        child.wait_until(lambda: child.counter("packets") == 1)
    child.wait_until(lambda: "the server hangs" in child.log())
    with child.client() as client:
        silent(client.echo, "x", SILENCE)
