#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Peak memory of the daemon (VmHWM) while an image of 16 MiB and one of 256 MiB is fetched, verified and sealed: below
32 MiB for both."""

import pathlib
import sys
import tempfile

from gateway import Gateway
from mcuboot_image import write_image

MIB = 1 << 20
SIZES_MIB = (16, 256)
PROMISED_MIB = 32


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def sealing_peak(directory, size_mib):
    image = directory / "image.bin"
    write_image(image, size_mib * MIB)
    with Gateway(directory) as gateway:
        gateway.start(plugin=False)
        before = peak_mib(gateway.daemon.pid)
        gateway.announce(gateway.publish(image, version="2.0.0"))
        gateway.wait_until_sealed("2.0.0", deadline_s=240)
        return before, peak_mib(gateway.daemon.pid)


def main():
    kept = True
    for size_mib in SIZES_MIB:
        with tempfile.TemporaryDirectory(prefix="hg-") as top:
            before, peak = sealing_peak(pathlib.Path(top), size_mib)
        kept = kept and peak < PROMISED_MIB
        print(f"{size_mib:4} MiB sealed: peak {peak:.1f} MiB (idle {before:.1f} MiB, promised < {PROMISED_MIB} MiB)",
              flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
