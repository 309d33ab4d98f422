# SPDX-License-Identifier: Apache-2.0
"""What tests/demo shows: one update of one child, told by the running system. Ends with 0 when the child is confirmed."""

import pathlib
import subprocess
import sys
import tempfile
import time

from gateway import BIN, PROFILE, Gateway
from mcuboot_image import write_image

IMAGE_SIZE = 320 * 1024
# A real line's pace, and a bootloader that takes its time: the progress is to be seen.
CHILD = ("--baud", "921600", "--boot-ms", "300", "--swap-ms", "2000", "--erase-ms", "400")
IS_TERMINAL = sys.stdout.isatty()
DEADLINE_S = 150


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n\033[1m{text}\033[0m" if IS_TERMINAL else f"\n== {text}")


def run_ctl(gateway, *words):
    """Runs headgatectl as a person would; its output is the show."""
    say(f"$ headgatectl {' '.join(words)}")
    subprocess.run([str(BIN / "headgatectl"), "--bus", gateway.bus_address, *words], check=True, timeout=DEADLINE_S)


def start_parts(gateway):
    child = gateway.add_child(image=gateway.directory / "1.0.0.bin", options=CHILD)
    gateway.start()
    say(f"  broker      mosquitto, {gateway.broker.url}")
    say(f"  web server  nginx, {gateway.web.url}")
    say(f"  daemon      headgated, pid {gateway.daemon.pid}")
    say(f"  plugin      headgate-serial, pid {gateway.plugin.pid}")
    say(f"  child       smp_child (SMP, MCUboot) on {child.tty.resolve()}, 921600 baud")


def show(gateway):
    heading("A gateway with one child, all on this machine")
    start_parts(gateway)
    before = gateway.wait_for_child("boiler", lambda seen: seen["version"], "to say its version")["version"]
    run_ctl(gateway, "children")

    heading("The vendor signs version 1.1.0, and the broker announces it")
    deliverable = gateway.publish(gateway.directory / "1.1.0.bin", version="1.1.0")
    gateway.announce(deliverable)
    sealed = gateway.wait_until_sealed("1.1.0")
    run_ctl(gateway, "deliverables")

    heading("The operator brings it to the child")
    run_ctl(gateway, "rollout", "start", sealed["id"][:12])
    run_ctl(gateway, "monitor", "--until-idle")

    heading("What the child says now")
    after = gateway.wait_for_child("boiler", lambda seen: seen["phase"] in ("confirmed", "reverted", "split", "refused"),
                                   "to be through")
    run_ctl(gateway, "children")
    run_ctl(gateway, "history", "boiler")
    return before, after


def main():
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hg-") as path:
        directory = pathlib.Path(path)
        write_image(directory / "1.0.0.bin", IMAGE_SIZE, (1, 0, 0), seed=1)
        write_image(directory / "1.1.0.bin", IMAGE_SIZE, (1, 1, 0), seed=2)
        with Gateway(directory, PROFILE) as gateway:
            before, after = show(gateway)
    say(f"\nboiler: {before} -> {after['version']}, {after['phase']}  ({time.monotonic() - begin:.0f} s)")
    return 0 if after["phase"] == "confirmed" and before != after["version"] else 1


if __name__ == "__main__":
    sys.exit(main())
