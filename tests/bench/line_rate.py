#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""512 KiB to a child on a tty by headgate-serial: against the time that its packets take on the wire (115200 and
1000000 baud), against a bare loop in C on an unpaced pty, and with one byte in 10,000 lost. Each time is the child's
own, from its first packet of the image to its last.
    line_rate.py {paced|bare|loss}"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

from child_process import BIN, ChildProcess
from mcuboot_image import running_digest, write_image

SIZE = 512 * 1024
BARE_SIZE = 4 * SIZE  # half a MiB is over too soon to be timed
SLOT = 2 * BARE_SIZE
BITS_PER_BYTE = 10
LONGEST_WIRE_TIME = 1.1  # times what is calculated
LEAST_OF_BARE = 0.8
MOST_BYTES_UNDER_LOSS = 1.3
ROUNDS = 3
BARE_ROUNDS = 12
PIPELINED = ("--buf-count", 8, "--line-buffers", 256)


def wire_bytes(packet_size):
    """Of a packet in the console framing: length and CRC, base64 in lines of 93 raw bytes, two marker bytes each."""
    stream = packet_size + 4
    full, rest = divmod(stream, 93)
    return full * 127 + (3 + (rest + 2) // 3 * 4 if rest else 0)


def uploads_in(recording):
    """The sizes of the upload's requests and answers, in the order of the recording."""
    requests, answers = [], []
    for line in recording.read_text().splitlines():
        if line.startswith("#"):
            continue
        _, way, text = line.split(" ", 2)
        packet = bytes.fromhex(text)
        if packet[4:6] == b"\0\1" and packet[7] == 1:  # image group, upload
            (requests if way == ">" else answers).append(len(packet))
    return requests, answers


class Round:
    """One upload to a fresh child; `run` uploads. Afterwards: seconds, as the child saw them, and its counters."""

    def __init__(self, top, options, run):
        with tempfile.TemporaryDirectory(dir=top) as directory:
            directory = pathlib.Path(directory)
            write_image(directory / "old.bin", 3000, version=(1, 0, 0))
            child = ChildProcess(directory, "--image", directory / "old.bin", "--slot-size", SLOT, *options)
            try:
                run(directory, child)
                child.wait_until(lambda: child.counter("uploads_completed"))
                self.seconds = self._seconds(child)
                self.requests, self.answers = [], []
                for recording in (directory / "record").glob("*"):
                    self.requests, self.answers = uploads_in(recording)
            finally:
                child.kill()

    @staticmethod
    def _seconds(child):
        times = {}
        for line in child.log().splitlines():
            stamp, text = line.split(" ", 1)
            if text.startswith("upload: image"):
                times["begin"] = float(stamp)
            elif text == "upload: complete":
                times["end"] = float(stamp)
        return times["end"] - times["begin"]


def by_plugin(image, *words, record=False):
    def run(directory, child):
        hashes = [hashlib.sha256(image.read_bytes()).hexdigest(), running_digest(image)]
        more = [f"--record={directory / 'record'}"] if record else []
        subprocess.run([BIN / "line_deliver", BIN / "headgate-serial", child.tty, image, *hashes, directory, *words, *more],
                       check=True, timeout=300)
    return run


def by_bare_loop(image, packet):
    def run(directory, child):
        subprocess.run([BIN / "bare_smp", child.tty, image, str(packet)], check=True, timeout=120)
    return run


def paced(top, image):
    """At most 1.1 x the wire time of the very packets that were sent; of the answers too where nothing overlaps."""
    worst = 0.0
    for baud in (115200, 1000000):
        for packet in (384, 1020):
            for name, options, words in (("one at a time", (), ()), ("pipelined", PIPELINED, ())):
                result = Round(top, ("--baud", baud, "--buf-size", packet + 4, *options),
                               by_plugin(image, f"baud={baud}", *words, record=True))
                sizes = result.requests[1:]  # the clock starts when the first is there
                if not options:
                    sizes = sizes + result.answers[:-1]
                calculated = sum(map(wire_bytes, sizes)) * BITS_PER_BYTE / baud
                ratio = result.seconds / calculated
                worst = max(worst, ratio)
                print(f"{baud:7} baud, {packet:4} bytes, {name:13}: {result.seconds:6.2f} s, {ratio:.3f} of the wire time "
                      f"of {len(result.requests)} packets (at most {LONGEST_WIRE_TIME})", flush=True)
    return worst <= LONGEST_WIRE_TIME


def bare(top, image):
    """At least 0.8 of the rate of a bare loop; the best of some rounds, side by side."""
    packet = 1020
    times = {"bare loop": [], "plugin": []}
    for _ in range(BARE_ROUNDS):
        for name, run in (("bare loop", by_bare_loop(image, packet)), ("plugin", by_plugin(image))):
            result = Round(top, ("--buf-size", packet + 4), run)
            times[name].append(result.seconds)
            print(f"{name:9}: {result.seconds:6.3f} s  {BARE_SIZE / 1024 / result.seconds:7.0f} KiB/s", flush=True)
    ratio = min(times["bare loop"]) / min(times["plugin"])
    print(f"bare: {ratio:.2f} of the bare loop's rate (promised: {LEAST_OF_BARE})")
    return ratio >= LEAST_OF_BARE


def loss(top, image):
    """With one byte in 10,000 lost either way: at most 1.3 x the bytes that the image takes without loss."""
    options = ("--baud", 1000000)
    straight = Round(top, options, by_plugin(image, "baud=1000000", record=True))
    bytes_without = sum(map(wire_bytes, straight.requests))
    worst = 0.0
    for seed in range(1, ROUNDS + 1):
        for more in ((), PIPELINED):
            lossy = Round(top, (*options, *more, "--lose-bytes-per-million", 100, "--seed", seed),
                          by_plugin(image, "baud=1000000", record=True))
            ratio = sum(map(wire_bytes, lossy.requests)) / bytes_without
            worst = max(worst, ratio)
            print(f"seed {seed}, {'pipelined' if more else 'one at a time'}: {lossy.seconds:6.2f} s "
                  f"({straight.seconds:.2f} s without), {len(lossy.requests)} packets, {ratio:.2f} x the bytes "
                  f"(at most {MOST_BYTES_UNDER_LOSS})", flush=True)
    return worst <= MOST_BYTES_UNDER_LOSS


def before_all_others():
    """Real-time priority for this and all that it starts, where that is allowed: what else runs on the machine shall
    not decide."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        print("without real-time priority: on a busy machine the figures say little", flush=True)


def main():
    measure = {"paced": paced, "bare": bare, "loss": loss}[sys.argv[1]]
    size = BARE_SIZE if measure is bare else SIZE
    before_all_others()
    with tempfile.TemporaryDirectory(prefix="hg-") as top:
        image = pathlib.Path(top) / "image.bin"
        write_image(image, size - 0x200 - 40)
        return 0 if measure(top, image) else 1


if __name__ == "__main__":
    sys.exit(main())
