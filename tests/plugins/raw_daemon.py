# SPDX-License-Identifier: Apache-2.0
"""The daemon's end of the plugin socket by hand (docs/plugin-protocol.md), for one plugin's program at a time: frames by
Python's cbor2, so that what it says is a second opinion on the codec."""
import hashlib
import os
import socket
import subprocess

import cbor2

from child_process import BIN

HELLO, WELCOME, ENROLL, LINK = 1, 2, 4, 6
DELIVER, ACTIVATE, IDENTIFY, PROVE = 13, 14, 19, 30
PROGRESS, DELIVERED, ORDERED, FAILED, IDENTIFIED, PROVEN = 23, 24, 25, 28, 29, 31
DEADLINE = 30.0
STEP_MS = 20000
PROFILE = {"reset_delay_ms": 20, "boot_silence_ms": 50, "chunk_ms": 1000, "erase_ms": 4000}


def sha256(data):
    return hashlib.sha256(data).digest()


class RawDaemon:
    """Listens in `directory`; `transport`: "serial" or "udp", whose program is headgate-<transport>."""

    def __init__(self, directory, transport):
        self.path, self.transport = directory / "plugins.sock", transport
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(DEADLINE)
        self.plugin = self.connection = None
        self.requests = 0

    def close(self):
        self.stop_plugin()
        self.listener.close()

    def start_plugin(self, child, address, **profile):
        """Until the link of the one child is up; answers the Hello."""
        self.plugin = subprocess.Popen([BIN / f"headgate-{self.transport}", "--socket", self.path])
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(DEADLINE)
        hello = self.receive()
        self.send({0: WELCOME, 1: 1, 2: "a daemon by hand"})
        self.child = child
        self.send({0: ENROLL, 1: child, 2: str(address), 3: PROFILE | profile})
        while not (link := self.receive())[2]:
            assert link[0] == LINK
        return hello

    def stop_plugin(self, kill=False):
        if self.plugin is None:
            return
        self.connection.close()
        self.plugin.kill() if kill else self.plugin.terminate()
        self.plugin.wait(DEADLINE)
        self.plugin = None

    def send(self, frame, file=None):
        data = cbor2.dumps(frame, canonical=True)
        socket.send_fds(self.connection, [data], [] if file is None else [file])

    def receive(self):
        data = self.connection.recv(1 << 15)
        assert data, "the plugin has closed the connection"
        return cbor2.loads(data)

    def ask(self, kind, more, file=None):
        self.requests += 1
        self.send({0: kind, 1: self.requests, 2: self.child, 3: 1, 4: STEP_MS} | more, file)

    def answer(self, progress=lambda done: None):
        """The answer to what was asked last; what comes before it goes to `progress`, or is about the link."""
        while True:
            frame = self.receive()
            if frame[0] == PROGRESS:
                progress(frame[3])
            elif frame[0] != LINK:
                assert frame[1] == self.requests
                return frame

    def begin_deliver(self, file, digest, after, patches=(), record=b""):
        """`file`: the shared bytes; `digest`: of what the child is to get."""
        memory = os.memfd_create("image")
        try:
            os.write(memory, file)
            extra = {10: [list(patch) for patch in patches]} if patches else {}
            extra |= {11: record} if record else {}
            self.ask(DELIVER, {5: digest, 6: len(file), 7: 0, 8: after, 9: 0} | extra, memory)
        finally:
            os.close(memory)

    def activate(self, active, goal):
        self.ask(ACTIVATE, {5: [{1: 0, 2: active, 3: goal}]})
        return self.answer()
