# SPDX-License-Identifier: Apache-2.0
"""libcoap's own programs (libcoap3-bin), to show that the CoAP children speak with a real one."""

import shutil
import socket
import subprocess

from coap_child_process import DEADLINE

CLIENT, SERVER, DIRECTORY = (shutil.which(f"coap-{name}-openssl") for name in ("client", "server", "rd"))


class Running:
    """A server of libcoap's on 127.0.0.1; with -k/-h also on the next port, with DTLS. It dies with the test."""

    def __init__(self, program, port, *options):
        command = ["setpriv", "--pdeathsig", "KILL", "--", program, "-A", "127.0.0.1", "-p", port, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port
        _ping(port)

    def stop(self):
        self.process.terminate()
        self.process.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def _ping(port):
    """Until the server answers CoAP's ping (RFC 7252 section 4.3) with a reset."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pinger:
        pinger.connect(("127.0.0.1", port))
        for _ in range(200):
            pinger.settimeout(0.05)
            try:
                pinger.send(b"\x40\x00\x00\x01")
                pinger.recv(64)
                return
            except (ConnectionRefusedError, TimeoutError):
                pinger.settimeout(0.05)
                try:
                    pinger.recv(64)
                except (ConnectionRefusedError, TimeoutError):
                    pass
    raise AssertionError("libcoap's server does not answer")


def client(*words, expect=0):
    """What coap-client writes."""
    done = subprocess.run([CLIENT, *[str(word) for word in words]], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=DEADLINE * 2, check=False)
    assert done.returncode == expect, done
    return done.stdout + done.stderr if b"" == done.stdout else done.stdout
