# SPDX-License-Identifier: Apache-2.0
"""Programs that a test starts: each dies with the test, its output is kept line by line, and every wait has a deadline."""

import fcntl
import os
import signal
import socket
import subprocess
import threading
import time


class Unmet(AssertionError):
    """What was waited for did not come."""


class Happenings:
    """Wakes whoever waits when some program said something, so that waiting needs no sleeping."""

    def __init__(self):
        self._condition = threading.Condition()
        self._count = 0

    def notify(self):
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait_for(self, predicate, deadline_s, what, look_again_s=0.2):
        """The first true value of predicate(), asked after each happening and now and then in between."""
        end = time.monotonic() + deadline_s
        while True:
            seen = self._count
            value = predicate()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise Unmet(f"waited {deadline_s} s in vain for {what}")
            with self._condition:
                self._condition.wait_for(lambda: self._count != seen, min(left, look_again_s))


class Program:
    """One running program. `lines` is what it has said so far on stdout and stderr. `listens`: tell() reaches it."""

    def __init__(self, name, command, happenings, environment=None, directory=None, listens=False):
        self.name = name
        self.lines = []
        self._happenings = happenings
        full = {**os.environ, **(environment or {})}
        # setpriv: the kernel ends the program when this process dies, however that comes about.
        self._popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], env=full,
                                       cwd=directory, stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._popen.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
            self._happenings.notify()
        self._popen.wait()
        self._happenings.notify()

    @property
    def pid(self):
        return self._popen.pid

    @property
    def exit_code(self):
        """None while it runs; -9 after SIGKILL."""
        return self._popen.poll()

    def is_running(self):
        return self.exit_code is None

    def kill(self):
        """SIGKILL: no chance to tidy up."""
        self._end(signal.SIGKILL, 10)

    def stop(self, deadline_s=20):
        """SIGTERM, and the exit code; SIGKILL when it does not follow."""
        self._end(signal.SIGTERM, deadline_s)
        return self.exit_code

    def signal(self, number):
        self._popen.send_signal(number)

    def tell(self, line):
        """A line on its stdin."""
        self._popen.stdin.write(line.encode() + b"\n")
        self._popen.stdin.flush()

    def runs_on_for(self, duration_s):
        """Lets it work that long; false when it ended by itself before."""
        try:
            self._popen.wait(duration_s)
            return False
        except subprocess.TimeoutExpired:
            return True

    def wait_for_end(self, deadline_s):
        try:
            code = self._popen.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise Unmet(f"{self.name} did not end within {deadline_s} s") from None
        self._reader.join(5)
        return code

    def said(self, *words):
        """The first line that has all the words."""
        return next((line for line in list(self.lines) if all(word in line for word in words)), None)

    def wait_until_said(self, *words, deadline_s=20):
        def found():
            line = self.said(*words)
            if line is None and not self.is_running():
                self._reader.join(5)
                line = self.said(*words)
                if line is None:
                    raise Unmet(f"{self.name} ended with {self.exit_code} and without saying {words}:\n{self.tail()}")
            return line

        return self._happenings.wait_for(found, deadline_s, f"{self.name} to say {words}")

    def tail(self, count=40):
        return "\n".join(f"  {self.name}: {line}" for line in self.lines[-count:])

    def _end(self, number, deadline_s):
        if self.is_running():
            self._popen.send_signal(number)
            if self._popen.poll() is None and number != signal.SIGKILL:
                try:
                    self._popen.wait(deadline_s)
                except subprocess.TimeoutExpired:
                    self._popen.kill()
        self._popen.wait()
        self._reader.join(5)
        self._popen.stdout.close()
        if self._popen.stdin:
            self._popen.stdin.close()


FIRST_PORT, LAST_PORT = 20_000, 32_000
_claims = []  # open until this process ends


def free_port():
    """A TCP port of loopback for this process alone: no other test is given it while this one runs (each is claimed by
    a locked file, as in tests/adapters/servers/program.hpp), and no outgoing connection takes it (it lies below the
    range of ip_local_port_range)."""
    count = LAST_PORT - FIRST_PORT
    for step in range(count):
        port = FIRST_PORT + (os.getpid() + len(_claims) + step) % count
        claim = open(f"/tmp/headgate-test-port-{port}", "a", encoding="ascii")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise RuntimeError("no free port")


def accepts_connections(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
