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
    """A running child with its state in `directory`; options are those of smp_child. `ready`: wait until it listens."""

    def __init__(self, directory, *options, ready=True):
        self.state, self.link = pathlib.Path(directory) / "state", pathlib.Path(directory) / "tty"
        command = [BIN / "smp_child", "--state", self.state, "--link", self.link, "--die-with-parent", *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        self.state.mkdir(exist_ok=True)
        self.changes = Changes(self.state, directory)
        self.where = self._ready() if ready else ""  # a tty, "host:port", or the path of a socket

    @property
    def tty(self):
        return self.where

    def _ready(self):
        assert select.select([self.process.stdout], [], [], DEADLINE)[0], "no ready line"
        word, path = self.process.stdout.readline().decode().split()
        assert word == "ready"
        return path

    def client(self, **arguments):
        """A client on the tty, or on UDP or the socket if the child has that."""
        is_tty = not self.where or self.where.startswith("/dev/")
        return SmpClient(str(self.link) if is_tty else self.where, **arguments)

    def counter(self, name):
        return json.loads((self.state / "counters").read_text())[name]

    def log(self):
        log = self.state / "log"
        return log.read_text() if log.exists() else ""

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


HASHES = {32: (0x10, hashlib.sha256), 48: (0x11, hashlib.sha384), 64: (0x12, hashlib.sha512), 0: (None, None)}


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def tlv_area(magic, entries):
    return struct.pack("<HH", magic, 4 + len(entries)) + entries


def make_image(version, size=2000, dependency=None, build=0, security_counter=None, hash_size=32, flags=0, payload=None,
               more=b""):
    """A plain, unsigned MCUboot image; dependency = (image number, version). hash_size 0: without a hash. `payload` is
    what stands in the file, where it is not what is hashed; `more` are TLVs."""
    protected = b""
    if dependency:
        number, (major, minor, revision) = dependency
        protected += tlv(0x40, struct.pack("<B3xBBHI", number, major, minor, revision, 0))
    if security_counter is not None:
        protected += tlv(0x50, struct.pack("<I", security_counter))
    protected = tlv_area(0x6908, protected) if protected else b""
    header = struct.pack("<IIHHIIBBHII", 0x96f3b83d, 0, 32, len(protected), size, flags, *version, build, 0)
    plain = image_payload(version, size)
    kind, digest = HASHES[hash_size]
    hashes = tlv(kind, digest(header + plain + protected).digest()) if kind else b""
    return header + (payload or plain) + protected + tlv_area(0x6907, hashes + more)


def image_payload(version, size=2000):
    return hashlib.shake_128(bytes(version)).digest(size)


def pad(image_file, slot_size=430080, confirm=False):
    """The image with the trailer of imgtool --pad (--confirm) for alignment 8."""
    magic = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
    end = (b"\x01" + b"\xff" * 7 if confirm else b"\xff" * 8) + magic
    return image_file + b"\xff" * (slot_size - len(image_file) - len(end)) + end


def image_hash(image_file):
    """The value of the SHA TLV."""
    header, protected, size = struct.unpack("<8xHHI", image_file[:16])
    offset = header + size + protected + 4
    while offset < len(image_file):
        kind, length = struct.unpack("<HH", image_file[offset:offset + 4])
        if kind in (0x10, 0x11, 0x12):
            return image_file[offset + 4:offset + 4 + length]
        offset += 4 + length
    raise ValueError("no hash")
