# SPDX-License-Identifier: Apache-2.0
"""Starts and watches an smp_child, and makes small MCUboot images for it."""
import ctypes
import hashlib
import json
import os
import pathlib
import select
import signal
import struct
import subprocess
import time

from smp_client import SmpClient

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HEADGATE_BIN", SOURCE / "build/dev/bin"))
VECTORS = SOURCE / "tests/vectors/mcuboot"
DEADLINE = 20.0
LOOK_AGAIN = 0.1  # for what changes no file


class Changes:
    """Wakes when anything changes in some directories: inotify, which Python's library does not have."""

    MODIFY, MOVED_TO, CREATE, DELETE, NONBLOCK = 0x2, 0x80, 0x100, 0x200, os.O_NONBLOCK

    def __init__(self, *directories):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(self.NONBLOCK | os.O_CLOEXEC)
        for directory in directories:
            mask = self.MODIFY | self.MOVED_TO | self.CREATE | self.DELETE
            assert libc.inotify_add_watch(self.fd, os.fsencode(directory), mask) >= 0, os.strerror(ctypes.get_errno())

    def close(self):
        os.close(self.fd)

    def wait(self, seconds):
        if select.select([self.fd], [], [], max(0, seconds))[0]:
            os.read(self.fd, 65536)


class ChildProcess:
    """A running child with its state in `directory`; options are those of smp_child."""

    def __init__(self, directory, *options):
        self.state, self.link = pathlib.Path(directory) / "state", pathlib.Path(directory) / "tty"
        command = [BIN / "smp_child", "--state", self.state, "--link", self.link, "--die-with-parent", *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        self.where = self._ready()  # a tty, or "host:port"
        self.changes = Changes(self.state, directory)

    @property
    def tty(self):
        return self.where

    def _ready(self):
        assert select.select([self.process.stdout], [], [], DEADLINE)[0], "no ready line"
        word, path = self.process.stdout.readline().decode().split()
        assert word == "ready"
        return path

    def client(self, **arguments):
        """A client on the tty, or on UDP if the child has that."""
        return SmpClient(self.where if ":" in self.where else str(self.link), **arguments)

    def counter(self, name):
        return json.loads((self.state / "counters").read_text())[name]

    def log(self):
        return (self.state / "log").read_text()

    def wait_until(self, holds, deadline=DEADLINE):
        """Until holds() is true, asked again when the child wrote something; answers its value."""
        end = time.monotonic() + deadline
        while not (value := holds()):
            assert time.monotonic() < end, "did not happen in time"
            self.changes.wait(min(LOOK_AGAIN, end - time.monotonic()))
        return value

    def wait_up(self, resets):
        """Until the child has made this many resets and listens again."""
        self.wait_until(lambda: self.counter("resets") == resets)
        self.wait_until(lambda: self.log().rstrip().endswith(" up"))

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self._ended()

    def stop(self):
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            assert self._ended() == 0

    def _ended(self):
        self.changes.close()
        with self.process.stdout:
            return self.process.wait(DEADLINE)


def make_image(version, size=2000, dependency=None, build=0):
    """A plain, unsigned MCUboot image; dependency = (image number, version)."""
    protected = b""
    if dependency:
        number, (major, minor, revision) = dependency
        value = struct.pack("<B3xBBHI", number, major, minor, revision, 0)
        protected = struct.pack("<HHHH", 0x6908, 8 + len(value), 0x40, len(value)) + value
    header = struct.pack("<IIHHIIBBHII", 0x96f3b83d, 0, 32, len(protected), size, 0, *version, build, 0)
    body = header + hashlib.shake_128(bytes(version)).digest(size) + protected
    return body + struct.pack("<HHHH", 0x6907, 8 + 32, 0x10, 32) + hashlib.sha256(body).digest()


def image_hash(image_file):
    """The value of the SHA-256 TLV."""
    header, protected, size = struct.unpack("<8xHHI", image_file[:16])
    offset = header + size + protected + 4
    while offset < len(image_file):
        kind, length = struct.unpack("<HH", image_file[offset:offset + 4])
        if kind == 0x10:
            return image_file[offset + 4:offset + 4 + length]
        offset += 4 + length
    raise ValueError("no hash")
