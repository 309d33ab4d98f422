#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a block of 1 KiB costs the plugin's CoAP server, beside libcoap's coap-server for the same body of 16 MiB, the
same client and the same security, in turns within one run; the median of the ratios of CPU must stay within 1.1. With
`memory`: what a session costs, plain and DTLS, with 1,000 of them."""

import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ["HEADGATE_BIN"])
TLS = os.environ.get("HEADGATE_COAP_TLS", "openssl")
CLIENT = f"/usr/bin/coap-client-{TLS}"
SERVER = f"/usr/bin/coap-server-{TLS}"
BODY = 16 << 20
BLOCKS = BODY // 1024
KEY = ["-u", "child", "-k", "0123456789abcdef"]
ROUNDS = 7
PROMISED = 1.1
SESSIONS = 1000
PROMISED_KIB = {"plain": 2, "dtls": 64}


def free_ports():
    """Two in a row, as coap-server takes them."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port, port + 1
            except OSError:
                continue


def cpu_s(pid):
    """User and system time from schedstat: nanoseconds, where stat has hundredths of a second."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def rss_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def uri(security, ports, path):
    return f"coaps://127.0.0.1:{ports[1]}/{path}" if security == "dtls" else f"coap://127.0.0.1:{ports[0]}/{path}"


def fetch(security, ports, path, into):
    key = KEY if security == "dtls" else []
    subprocess.run([CLIENT, "-v", "0", "-B", "120", "-b", "1024", *key, "-o", into, uri(security, ports, path)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Ours:
    path = "image"

    def __init__(self, directory, body):
        self.ports = free_ports()
        arguments = [BIN / "coap_block_server", body, str(self.ports[0]), str(self.ports[1])]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"


class Libcoaps:
    """Its `example_data`, which it takes by PUT."""
    path = "example_data"

    def __init__(self, directory, body):
        self.ports = free_ports()
        arguments = [SERVER, "-A", "127.0.0.1", "-p", str(self.ports[0]), "-k", KEY[3], "-L", "1", "-v", "0"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            put = subprocess.run([CLIENT, "-v", "0", "-B", "120", "-m", "put", "-t", "42", "-b", "1024", "-f", body,
                                  uri("plain", self.ports, self.path)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            fetch("plain", self.ports, self.path, directory / "check")
            if (directory / "check").exists() and (directory / "check").stat().st_size == BODY:
                return
            assert time.monotonic() < end, f"coap-server does not take the body ({put.returncode})"


def measure(server, security, directory, body):
    into = directory / "got"
    into.unlink(missing_ok=True)
    before = cpu_s(server.process.pid)
    fetch(security, server.ports, server.path, into)
    spent = cpu_s(server.process.pid) - before
    assert into.read_bytes() == body.read_bytes(), "another body came than was served"
    return spent / BLOCKS * 1e6


def compare(directory):
    body = directory / "body"
    body.write_bytes(os.urandom(BODY))
    servers = [Libcoaps(directory, body), Ours(directory, body)]
    kept = True
    try:
        for security in ("plain", "dtls"):
            rows = [[measure(server, security, directory, body) for server in servers] for _ in range(ROUNDS)]
            theirs, ours = (statistics.median(column) for column in zip(*rows))
            ratio = statistics.median(row[1] / row[0] for row in rows)
            kept = kept and ratio <= PROMISED
            print(f"{security:5} us of CPU for a block of 1 KiB: coap-server {theirs:6.2f}, ours {ours:6.2f}, "
                  f"ratio {ratio:.3f} (promised {PROMISED})", flush=True)
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()
    return kept


def plain_sessions(ports):
    ask = bytes([0x40, 2, 0, 1]) + bytes([0xB2]) + b"rd"
    children = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SESSIONS)]
    for child in children:
        child.settimeout(10)
        child.sendto(ask, ("127.0.0.1", ports[0]))
        child.recv(100)
    return children


def dtls_sessions(ports):
    """One process makes them all: it keeps each open until it is told to go."""
    sessions = [subprocess.Popen([BIN / "coap_sessions", "127.0.0.1", str(ports[1]), str(SESSIONS)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)]
    assert sessions[0].stdout.readline() == b"ready\n"
    return sessions


def weigh(directory):
    body = directory / "body"
    body.write_bytes(os.urandom(1 << 20))
    kept = True
    for security, begin in (("plain", plain_sessions), ("dtls", dtls_sessions)):
        server = Ours(directory, body)
        fetch(security, server.ports, server.path, directory / "got")
        before = rss_kib(server.process.pid)
        sessions = begin(server.ports)
        each = (rss_kib(server.process.pid) - before) / SESSIONS
        kept = kept and each <= PROMISED_KIB[security]
        print(f"{security:5} KiB of RSS for a session, of {SESSIONS}: {each:.2f} (promised {PROMISED_KIB[security]}, "
              f"{TLS})", flush=True)
        for session in sessions:
            if security == "dtls":
                session.kill()
                session.wait()
            else:
                session.close()
        server.process.kill()
        server.process.wait()
    return kept


def main():
    with tempfile.TemporaryDirectory(prefix="hg-") as top:
        directory = pathlib.Path(top)
        return 0 if (weigh if "memory" in sys.argv else compare)(directory) else 1


if __name__ == "__main__":
    sys.exit(main())
