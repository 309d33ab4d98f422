# SPDX-License-Identifier: Apache-2.0
"""smp_child's faults: what is lost, late, doubled, stuck or forgotten."""
import signal

import cbor2
import pytest

from smp_client import IMAGE, OS, WRITE, SmpTimeout
from smp_table import SILENCE, UPLOADED, V110, answers, table


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


def test_every_third_answer_is_lost_its_request_carried_out(start):
    with start("--lose-every-answer", 3).client() as client:
        heard = [answers(client, client.packet(OS, 0, {"d": "x"}, WRITE), 0.1) for _ in range(6)]
        assert heard == [True, True, False] * 2


def test_an_answer_without_a_spare_buffer_is_lost_its_request_carried_out(start):
    child = start("--buf-count", 2, "--work-us", 20000, "--no-spare-buffer")
    with child.client() as client:
        first = client.packet(IMAGE, 1, {"off": 0, "len": len(V110), "data": V110[:64], "sha": b"tag"}, WRITE)
        client.send(first)
        client.send(client.packet(OS, 0, {"d": "second"}, WRITE))
        assert cbor2.loads(client.receive()[8:]) == {"r": "second"}
        assert client.upload_chunk(0, V110[:64], len=len(V110), sha=b"tag")["off"] == 64
    assert child.counter("uploads_started") == 1


def test_a_link_lost_with_an_answer_pending_hangs_the_server_until_a_reset(start):
    child = start("--hang-on-lost-link", "--work-us", 200000)
    with child.client() as client:
        client.send(client.packet(OS, 0, {"d": "x"}, WRITE))
        child.wait_until(lambda: child.counter("packets") == 1)
    child.wait_until(lambda: "the server hangs" in child.log())
    with child.client() as client:
        assert not answers(client, client.packet(OS, 0, {"d": "x"}, WRITE), 0.4)
        child.signal(signal.SIGHUP)
        child.wait_up(1)
        assert client.echo("x") == "x"
