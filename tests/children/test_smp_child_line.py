# SPDX-License-Identifier: Apache-2.0
"""smp_child's serial line against an independent client: framing limits, buffers, pacing, byte loss, raw framing, USB."""
import base64
import fcntl
import os
import select
import signal
import struct
import termios
import time

import cbor2
import pytest

from smp_client import OS, WRITE, SmpTimeout, frame
from smp_table import NEW, SILENCE, V110, answers, echo_packet, reset, silent, stage

TIOCGEXCL = 0x80045440


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


# --- rate ---

def wire_bytes(packet):
    return sum(map(len, frame(packet)))


def wire_time_ratio(start, baud, size, count, slow=0):
    """How long a stream of echo requests takes, in wire times of the same bytes."""
    child = start("--baud", baud, "--buf-count", count + 1, "--work-us", slow)
    with child.client(timeout=30) as client:
        packets = [echo_packet(client, size) for _ in range(count)]
        begin = time.monotonic()
        client.write(b"".join(b"".join(frame(packet)) for packet in packets))
        for _ in packets:
            answer = client.receive()
        took = time.monotonic() - begin
    child.stop()
    return took / ((sum(map(wire_bytes, packets)) + wire_bytes(answer)) * 10 / baud)


@pytest.mark.parametrize("baud, size, count", [(115200, 380, 8), (1000000, 1020, 40)])
def test_the_rate_of_a_paced_line_is_exact(start, baud, size, count):
    """Never faster than the wire, and within 2 % of it as soon as this machine is not too busy to measure that."""
    ratios = []
    while len(ratios) < 10 and (not ratios or min(ratios) >= 1.02):
        ratios.append(wire_time_ratio(start, baud, size, count))
    assert 0.995 <= min(ratios) < 1.02, ratios


def test_one_request_at_a_time_costs_no_more_than_the_wire_and_the_client(start):
    with start("--baud", 1000000).client() as client:
        packet = echo_packet(client, 380)
        took = []
        for _ in range(50):
            begin = time.monotonic()
            answer = client.raw_request(packet)
            took.append(time.monotonic() - begin)
        wire = (wire_bytes(packet) + wire_bytes(answer)) * 10 / 1000000
    assert wire <= min(took) < 1.05 * wire


# --- loss of bytes ---

def echoes_heard(child, count=60):
    """Which of a number of echo requests, sent without waiting for answers, are answered."""
    with child.client(bad_line=True) as client:
        for number in range(count):
            client.send(client.packet(OS, 0, {"d": f"{number:100}"}, WRITE))
        heard = []
        with pytest.raises(SmpTimeout):
            while True:
                heard.append(cbor2.loads(client.receive(SILENCE)[8:])["r"].strip())
    return heard


@pytest.mark.parametrize("option", ["--lose-bytes-per-million", "--garble-per-million"])
def test_lost_and_garbled_bytes_are_the_same_for_the_same_seed(start, option):
    runs = []
    for seed in (7, 7, 8):
        child = start(option, 1500, "--seed", seed)
        runs.append(echoes_heard(child))
        child.stop()
    assert runs[0] == runs[1] != runs[2]
    assert 15 < len(runs[0]) < 55


def test_an_upload_over_a_line_that_loses_a_byte_in_ten_thousand(start):
    with start("--lose-bytes-per-million", 100).client(bad_line=True) as client:
        client.upload(V110, timeout=0.1)
        assert client.list()[1]["hash"] == NEW


# --- raw framing ---

def test_raw_framing(start):
    with start("--framing", "raw").client(framing="raw") as client:
        assert client.echo("hello") == "hello"
        assert answers(client, echo_packet(client, 1024))
        client.upload(V110, chunk=900)
        assert client.list()[1]["hash"] == NEW


def test_half_a_raw_packet_is_forgotten_after_silence(start):
    with start("--framing", "raw", "--raw-timeout-ms", 100).client(framing="raw") as client:
        client.write(echo_packet(client, 50)[:20])
        packet = echo_packet(client, 50)
        assert not answers(client, packet, 0.05)  # its begin ended the packet that was half in
        silent(client.receive, 0.2)
        assert answers(client, packet)


def test_without_that_time_the_rest_of_a_raw_packet_is_awaited(start):
    with start("--framing", "raw", "--raw-timeout-ms", 0).client(framing="raw") as client:
        packet = echo_packet(client, 50)
        client.write(packet[:20])
        silent(client.receive, 0.1)
        client.write(packet[20:])
        assert client.receive()[:1] == b"\x0b"


def test_a_raw_packet_too_long_for_the_buffer(start):
    with start("--framing", "raw").client(framing="raw") as client:
        assert not answers(client, echo_packet(client, 1025), SILENCE)
        assert answers(client, echo_packet(client, 1024))


# --- buffers ---

def test_buffers_limit_a_serial_line_too(start):
    with start("--buf-count", 3, "--work-us", 20000).client() as client:
        client.write(b"".join(b"".join(frame(client.packet(OS, 0, {"d": "x"}, WRITE))) for _ in range(5)))
        assert [cbor2.loads(client.receive()[8:]).get("rc", 0) for _ in range(3)] == [2, 0, 0]
        silent(client.receive, SILENCE)


# --- USB ---

def test_a_usb_tty_vanishes_at_a_reset_and_returns_under_another_number(start):
    child = start("--usb", "--boot-ms", 100)
    with child.client() as client:
        assert client.echo("a") == "a"
        client.reset()
        assert select.select([client.fd], [], [], 5)[0] and os.read(client.fd, 10) == b""  # a hang-up
    child.wait_up(1)
    assert os.readlink(child.link) != child.where
    with child.client() as client:
        assert client.echo("b") == "b"
