# SPDX-License-Identifier: Apache-2.0
"""Starts the programs of the CoAP children (lwm2m_child, suit_child, udp_relay), hears their events and tells them what
to do. They end with the test."""

import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 20.0


class CoapProgram:
    """`events` is all that it has said, as dictionaries, in order."""

    def __init__(self, program, *options, ready=True):
        command = [sys.executable, "-B", HERE / f"{program}.py", *options]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if ready:
            self.wait("ready")

    def _read(self):
        for line in self.process.stdout:
            with self._said:
                self.events.append(json.loads(line))
                self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def all(self, event, **values):
        """Those that say this, with these values."""
        return [each for each in list(self.events)
                if each["event"] == event and all(each.get(name) == value for name, value in values.items())]

    def wait(self, event, count=1, deadline=DEADLINE, since=0, **values):
        """The `count`th such event after the first `since` events of any kind."""
        def found():
            those = [each for each in self.events[since:] if each["event"] == event and
                     all(each.get(name) == value for name, value in values.items())]
            return those[count - 1] if len(those) >= count else None

        end = time.monotonic() + deadline
        with self._said:
            while not (one := found()):
                left = end - time.monotonic()
                assert left > 0 and (self._reader.is_alive() or found()), f"no {event} {values} in {self.events[-12:]}"
                self._said.wait(min(left, 0.5))
        return one

    def tell(self, do, **more):
        self.process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, do, event, **more):
        """Tells it, and the event that comes of it."""
        since = len(self.events)
        self.tell(do, **more)
        return self.wait(event, since=since)

    def set(self, child=None, **values):
        return self.ask("set", "set", values=values, **({"child": child} if child else {}))

    def stats(self, child=None):
        return self.ask("stats", "stats", **({"child": child} if child else {}))

    def kill(self):
        self.process.kill()
        self._ended()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._ended()

    def _ended(self):
        self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()


def free_udp_port():
    """A port that nobody has at this moment; below those that the kernel gives out."""
    for port in range(20_000 + time.monotonic_ns() % 11_000, 32_000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")
