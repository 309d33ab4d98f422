#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""1 MiB to a child on an unpaced pty: the running gateway against a bare loop of upload packets of the same size.
Both are timed by the child's own log, from its first packet of the image to its last. At least half the bare rate."""

import pathlib
import subprocess
import sys
import tempfile

from gateway import BIN, PROFILE, Gateway
from mcuboot_image import write_image

SIZE = 1 << 20
PACKET = 1020  # what smp_child takes: its buffer of 1024 less 4
CHILD = ("--slot-size", 2 * SIZE)
PROMISED_RATIO = 0.5
ROUNDS = 3


def upload_time(child):
    """Seconds between the beginning and the end of the last upload, as the child saw them."""
    times = {}
    for line in child.log():
        stamp, text = line.split(" ", 1)
        if text.startswith("upload: image"):
            times["begin"] = float(stamp)
        elif text == "upload: complete":
            times["end"] = float(stamp)
    return times["end"] - times["begin"]


def gateway_round(directory, image):
    profile = PROFILE.replace("[serial]\n", f"[serial]\npacket = {PACKET}\n")
    with Gateway(directory, profile) as gateway:
        gateway.add_child(options=CHILD)
        gateway.start()
        gateway.announce(gateway.publish(image, version="2.0.0"))
        gateway.start_rollout(gateway.wait_until_sealed("2.0.0"))
        gateway.wait_for_phase("confirmed")
        return upload_time(gateway.child), gateway.child.counters()["packets"]


def bare_round(directory, image):
    with Gateway(directory) as gateway:
        child = gateway.add_child(options=CHILD)
        child.start()
        subprocess.run([BIN / "bare_loop", child.tty, image, str(PACKET)], check=True, timeout=120,
                       stdout=subprocess.DEVNULL)
        gateway.happenings.wait_for(lambda: child.counters().get("uploads_completed"), 10, "the upload to be complete")
        return upload_time(child), child.counters()["packets"]


def main():
    rates = {"gateway": [], "bare loop": []}
    with tempfile.TemporaryDirectory(prefix="hg-") as top:
        image = pathlib.Path(top) / "image.bin"
        write_image(image, SIZE - 0x200 - 40)
        for number in range(ROUNDS):
            for name, run in (("bare loop", bare_round), ("gateway", gateway_round)):
                directory = pathlib.Path(top) / f"{name.split()[0]}{number}"
                directory.mkdir()
                seconds, packets = run(directory, image)
                rates[name].append(SIZE / seconds / 1024)
                print(f"{name:9}: {seconds:6.2f} s  {rates[name][-1]:7.0f} KiB/s  {packets} packets in all", flush=True)
    ratio = max(rates["gateway"]) / max(rates["bare loop"])
    print(f"throughput: {ratio:.2f} of the bare loop's rate (promised: {PROMISED_RATIO})")
    return 0 if ratio >= PROMISED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
