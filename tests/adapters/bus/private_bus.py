# SPDX-License-Identifier: Apache-2.0
"""A dbus-daemon of a test's own, and the face_server on it. Everything started here dies with the test."""

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile

BIN = os.environ["HEADGATE_BIN"]
SOURCE = os.environ["HEADGATE_SOURCE_DIR"]
NAME = "org.headgate.Headgate1"
ROOT = "/org/headgate/Headgate1"
DEADLINE = 20  # seconds, for whatever is waited for

SYSTEM_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={directory}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <includedir>/usr/share/dbus-1/system.d</includedir>
  <include>{policy}</include>
</busconfig>
"""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Processes:
    """Ended in the opposite order of their start."""

    def __init__(self):
        self.stack = contextlib.ExitStack()

    def start(self, command, ready=True, **options):
        """Waits for the first line on its standard output, and returns the process and that line."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE if ready else None, preexec_fn=die_with_parent, text=True, **options
        )
        self.stack.callback(self.end, process)
        line = process.stdout.readline() if ready else ""
        assert line or not ready, f"{command[0]} ended with {process.wait()}"
        return process, line.strip()

    def end(self, process):
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self):
        self.stack.close()


def session_bus(processes):
    """A bus of the session type at a fresh address."""
    _, address = processes.start(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"])
    return address


def system_bus(processes, policy):
    """A bus of the system type under Debian's own policies and the file `policy`."""
    directory = tempfile.TemporaryDirectory(prefix="headgate-bus-")
    processes.stack.enter_context(directory)
    os.chmod(directory.name, 0o755)
    config = os.path.join(directory.name, "bus.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(SYSTEM_BUS.format(directory=directory.name, policy=policy))
    _, address = processes.start(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"]
    )
    return address


def face_server(processes, address, children=0, **options):
    process, line = processes.start([f"{BIN}/face_server", address, str(children)], **options)
    assert line == "ready"
    return process


def make_group(address):
    """The group "house" of ok-1 and ok-2."""
    status, _, err = busctl(address, "call", NAME, ROOT + "/Manager", NAME + ".Manager", "CreateGroup", "ssa(ss)a{sv}",
                            "house", "pair", "2", "left", "ok-1", "right", "ok-2", "0")
    assert status == 0, err


def busctl(address, *arguments, prefix=(), interactive=False):
    """What busctl says: (status, standard output, standard error)."""
    done = subprocess.run(
        [*prefix, "busctl", f"--address={address}", f"--allow-interactive-authorization={'yes' if interactive else 'no'}",
         *arguments],
        capture_output=True, text=True, timeout=DEADLINE + 130, check=False,
    )
    return done.returncode, done.stdout, done.stderr
