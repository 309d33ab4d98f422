#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rate over a network with 100 ms round trip that loses one datagram in twenty: ours, pulled and pushed, beside that
of libcoap's coap-client on the same relay, with the same losses (they are drawn from a seed). Both ends by ours are
headgate-coap and lwm2m_child, both by the other are coap-client and coap-server."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

from coap_children import CoapGateway, write_firmware
from gateway import SOURCE
from processes import Program, free_port

SIZE = 48 * 1024
LOSS, DELAY_MS = 2.5, 50  # of each direction: one in twenty of the round trips
SEEDS = (3, 4)
LEAST = 0.9  # what two runs of the same differ by: waits are drawn anew each time (RFC 7252, ACK_RANDOM_FACTOR)
DEADLINE_S = 300
PROFILE = "[patience]\nanswer_ms = 60000\nstall_ms = 120000\nswap_ms = 120000\n[coap]\nanswer_ms = 50000\npoll_ms = 60000\n"


def relay(happenings, port, seed, listen=0):
    program = Program("relay", ["/usr/bin/python3", "-B", SOURCE / "tests/children/udp_relay.py", "--to",
                                f"127.0.0.1:{port}", "--listen", f"127.0.0.1:{listen}", "--delay-ms", DELAY_MS, "--loss", LOSS,
                                "--seed", seed], happenings, listens=True)
    return program, json.loads(program.wait_until_said('"ready"'))["port"]


def by_libcoap(gateway, seed, way):
    """Seconds of coap-client and coap-server."""
    port = free_port()
    server = Program("coap-server", ["coap-server-openssl", "-A", "127.0.0.1", "-p", port, "-d", 10], gateway.happenings)
    gateway.ends_with_test(server.stop)
    file = gateway.directory / "body"
    file.write_bytes((gateway.directory / "new.fw").read_bytes())
    url = f"coap://127.0.0.1:{port}/body"
    client = ["coap-client-openssl", "-b", "1024", "-B", str(DEADLINE_S)]
    gateway.wait_for(lambda: subprocess.run([*client, "-m", "put", "-f", file, url], capture_output=True,
                                            check=False).returncode == 0, 10, "coap-server")
    program, through = relay(gateway.happenings, port, seed)
    url = f"coap://127.0.0.1:{through}/body"
    words = ["-m", "put", "-f", str(file)] if way == "push" else ["-m", "get", "-o", str(gateway.directory / "got")]
    begin = time.monotonic()
    subprocess.run([*client, *words, url], capture_output=True, check=True, timeout=DEADLINE_S)
    took = time.monotonic() - begin
    program.stop()
    server.stop()
    if way == "pull":
        assert (gateway.directory / "got").read_bytes() == file.read_bytes()
    return took


def by_us(gateway, seed, way):
    """Seconds from the first byte that has moved to the last."""
    name = f"{way}{seed}"
    child = gateway.children[name]
    program, through = relay(gateway.happenings, gateway.coap_port, seed, gateway.relay_port)
    child.server = f"127.0.0.1:{through}"
    child.start()
    gateway.wait_until_online(name, deadline_s=DEADLINE_S)
    gateway.start_rollout(gateway.sealed("1.1.0"), name)
    def begun():
        return any(event["state"] == 1 for event in child.events("state")) and time.monotonic()

    begin = gateway.wait_for(begun, DEADLINE_S, "the transfer to begin")
    child.wait_for_event("pull_done" if way == "pull" else "push_done", deadline_s=DEADLINE_S)
    took = time.monotonic() - begin
    gateway.wait_for_phase("confirmed", name, DEADLINE_S)
    child.stop()
    program.stop()
    return took


def main():
    kept = True
    with tempfile.TemporaryDirectory(prefix="hg-") as top, CoapGateway(pathlib.Path(top), PROFILE) as gateway:
        for way in ("pull", "push"):
            for seed in SEEDS:
                gateway.add_lwm2m_child(f"{way}{seed}", ("--lifetime", "3600", *(("--delivery", "1") if way == "push"
                                                                                 else ("--block", "1024"))))
        gateway.relay_port = free_port()  # one after the other; URIs name it, so that what is pulled goes that way too
        gateway.coap_options = ["--public", f"127.0.0.1:{gateway.relay_port}"]
        gateway.web.start(), gateway.start_bus(), gateway.start_daemon(), gateway.start_coap()
        gateway.seal(write_firmware(gateway.directory / "new.fw", "1.1.0", SIZE), "1.1.0")
        for way in ("pull", "push"):
            ours = sum(by_us(gateway, seed, way) for seed in SEEDS)
            theirs = sum(by_libcoap(gateway, seed, way) for seed in SEEDS)
            ratio = theirs / ours
            kept = kept and ratio >= LEAST
            print(f"{way}: {len(SEEDS) * SIZE / 1024 / ours:.2f} KiB/s, coap-client {len(SEEDS) * SIZE / 1024 / theirs:.2f}"
                  f" KiB/s: {ratio:.2f} of it (at least {LEAST})", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
