#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A thousand LwM2M children of one gateway: what each costs headgate-coap in memory, and a hundred of them that pull
256 KiB each at once, beside one that is dead and one that floods. All others finish."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from coap_children import CoapGateway, Lwm2mChild, write_firmware

REGISTERED, PULLING = 1000, 100
SIZE = 256 * 1024
PROMISED_PLAIN_KIB = 2.0
DEADLINE_S = 400
FLOOD_PER_SECOND = 2000  # twenty times what one address may ask; more would measure the kernel's queue
PROFILE = "[patience]\nanswer_ms = 15000\nstall_ms = 60000\nswap_ms = 60000\nattempts = 1\n[coap]\npoll_ms = 10000\n"
FLOOD = """
import select, socket, sys, time
sys.path[:0] = sys.argv[2].split(":")
import coap_wire as wire
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.connect(("127.0.0.1", int(sys.argv[1])))
line.setblocking(False)
count, begin = 0, time.monotonic()
while True:
    if count > PER_SECOND * (time.monotonic() - begin):
        select.select([line], [], [], 0.001)
        continue
    count += 1
    message = wire.request(wire.POST, "rd", query=[f"ep=flood{count % 5000}", "lt=300", "lwm2m=1.1"], payload=b"</5/0>",
                           content=wire.LINK)
    message.mid, message.token = count % 65536, (count % 65536).to_bytes(2, "big")
    try:
        line.send(message.encode())
        line.recv(1500)
    except (BlockingIOError, ConnectionRefusedError):
        pass
"""


class Member:
    """One of many in one program."""

    def __init__(self, name):
        self.name = name
        self.configuration = ""

    def stop(self):
        pass

    def log(self):
        return []

    def counters(self):
        return {}


def rss_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith(("RssAnon:", "RssShmem:")))


def phases(gateway, names):
    return {child["id"]: child["phase"] for child in gateway.ctl("children") if child["id"] in names}


def main():
    names = [f"s{number}" for number in range(REGISTERED)]
    with tempfile.TemporaryDirectory(prefix="hg-") as top, CoapGateway(pathlib.Path(top), PROFILE) as gateway:
        for name in names:
            gateway.add_coap_child(Member(name), f"lwm2m:{name}")
        gateway.web.start(), gateway.start_bus(), gateway.start_daemon()
        gateway.start_coap()
        gateway.wait_for(lambda: any("enrolled, address lwm2m:s999" in line for line in gateway.coap.lines), 60,
                         "all to be enrolled")
        enrolled = rss_kib(gateway.coap.pid)
        fleet = Lwm2mChild(gateway, "s", ("--children", REGISTERED, "--stagger", "0.005", "--lifetime", "3600"))
        gateway.ends_with_test(fleet.stop)
        fleet.start()
        wait_online(gateway)
        registered = rss_kib(gateway.coap.pid)
        each = (registered - enrolled) / REGISTERED
        print(f"{REGISTERED} registered: {each:.2f} KiB each beside their enrollment ({enrolled} KiB with that)", flush=True)

        image = write_firmware(gateway.directory / "new.fw", "1.1.0", SIZE)
        deliverable = gateway.seal(image, "1.1.0")
        dead, chosen = names[PULLING], names[:PULLING]
        fleet.tell(do="set", child=dead, values={"no_answer": True})
        flood = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", "/usr/bin/python3", "-B", "-c",
                                  FLOOD.replace("PER_SECOND", str(FLOOD_PER_SECOND)),
                                  str(gateway.coap_port), os.environ["PYTHONPATH"]])
        begin = time.monotonic()
        gateway.start_rollout(deliverable, *chosen, dead)

        def all_finished():
            seen = phases(gateway, chosen)
            return all(phase == "confirmed" for phase in seen.values())

        try:
            gateway.wait_for(all_finished, DEADLINE_S, "all to finish but the dead one")
        finally:
            flood.kill()
            flood.wait()
        took = time.monotonic() - begin
        rate = PULLING * SIZE / 1024 / took
        print(f"{PULLING} pulled {SIZE // 1024} KiB each at once in {took:.0f} s ({rate:.0f} KiB/s), beside a dead one"
              f" ({phases(gateway, [dead])[dead]}) and a flood of {FLOOD_PER_SECOND} requests a second", flush=True)
    print(f"promised: at most {PROMISED_PLAIN_KIB} KiB each")
    return 0 if each <= PROMISED_PLAIN_KIB else 1


def wait_online(gateway):
    def all_online():
        return sum(child["online"] and bool(child["version"]) for child in gateway.ctl("children")) == REGISTERED

    gateway.wait_for(all_online, DEADLINE_S, "all to be online")


if __name__ == "__main__":
    sys.exit(main())
