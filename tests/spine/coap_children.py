# SPDX-License-Identifier: Apache-2.0
"""A whole gateway with headgate-coap, and children of it: LwM2M clients, and one that pulls by a SUIT manifest."""

import hashlib
import json
import os
import subprocess

from gateway import BIN, DEVICE_CLASS, SOON_S, SOURCE, VENDOR, Gateway
from processes import Program, free_port

PROFILE = """\
[patience]
answer_ms  = 10000
stall_ms   = 60000
swap_ms    = 30000
backoff_ms = 500
attempts   = 3

[serial]
reset_delay_ms = 100

[coap]
answer_ms  = 4000
poll_ms    = 2000
verdict_ms = 6000
refusal_ms = 4000
"""


def write_firmware(file, version, size=64 * 1024, device_class="", seed=1):
    """What lwm2m_child takes: a line that says what it is, and bytes that nothing compresses."""
    rest = b"".join(hashlib.sha256(f"{seed} {version} {i}".encode()).digest() for i in range(size // 32))
    head = f"FW1 {device_class or 'any'} {version} {hashlib.sha256(rest).hexdigest()}\n".encode()
    file.write_bytes(head + rest)
    return file


class CoapChild:
    """A program of tests/children that speaks CoAP. Its state file stays when it is killed."""

    def __init__(self, gateway, name, program, options):
        self.gateway, self.name, self._options = gateway, name, [str(each) for each in options]
        self._file = SOURCE / "tests/children" / program
        self.state = gateway.directory / f"state-{name}"
        self.program = None
        self.server = None  # another address of the gateway: a relay's

    def command(self):
        raise NotImplementedError

    def start(self, *more):
        self.program = Program(f"child {self.name}",
                               ["/usr/bin/python3", "-B", self._file, *self.command(), *self._options, *more],
                               self.gateway.happenings, listens=True)
        self.program.wait_until_said('"ready"', deadline_s=SOON_S)

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None

    def kill(self):
        self.program.kill()
        self.program = None

    def tell(self, **command):
        self.program.tell(json.dumps(command))

    def change(self, **values):
        self.tell(do="set", values=values)
        self.wait_for_event("set")

    def events(self, kind):
        lines = self.program.lines if self.program else []
        found = [json.loads(line) for line in list(lines) if line.startswith("{")]
        return [each for each in found if each["event"] == kind]

    def wait_for_event(self, kind, count=1, deadline_s=SOON_S):
        """The last of them when there are as many."""
        return self.gateway.wait_for(lambda: (found := self.events(kind)) and len(found) >= count and found[-1],
                                     deadline_s, f"{self.name} to say {kind} {count} times")

    def stats(self):
        before = len(self.events("stats"))
        self.tell(do="stats")
        return self.wait_for_event("stats", before + 1)

    def counters(self):
        return {}

    def log(self):
        return list(self.program.lines) if self.program else []


class Lwm2mChild(CoapChild):
    def __init__(self, gateway, name, options, psk=None):
        super().__init__(gateway, name, "lwm2m_child.py", options)
        self.psk = psk

    def command(self):
        port = self.gateway.secure_port if self.psk else self.gateway.coap_port
        words = ["--server", self.server or f"127.0.0.1:{port}", "--name", self.name, "--state", self.state]
        return words + (["--psk-key", self.psk.hex(), "--psk-identity", self.name] if self.psk else [])


class CoapGateway(Gateway):
    """`[plugins.coap]` beside the serial one; start_plugin() starts those that have children."""

    def __init__(self, directory, profile=PROFILE, more_configuration=""):
        super().__init__(directory, profile, f"[plugins.coap]\nuid = {os.getuid()}\n{more_configuration}")
        self.coap_port, self.secure_port = free_port(), free_port()
        self.coap = None
        self.coap_options = []
        self.ends_with_test(self.stop_coap)
        self.give_key(SOURCE / "tests/vectors/mcuboot/keys/gateway-enc-p256.pem")

    def add_coap_child(self, child, address, link="internal", profile="test", targets='target = "app"\nimage = 0\n',
                       device_class=DEVICE_CLASS):
        child.configuration = (
            f'[children.{child.name}]\ntransport = "coap"\naddress = "{address}"\nprofile = "{profile}"\n'
            f'vendor = "{VENDOR}"\nclass = "{device_class}"\n{targets}link = "{link}"\n')
        self.children[child.name] = child
        return child

    def add_lwm2m_child(self, name="sensor", options=(), psk=None, **more):
        child = Lwm2mChild(self, name, options, psk)
        return self.add_coap_child(child, f"lwm2m:{name}", link=more.pop("link", "none" if psk else "internal"), **more)

    def start_coap(self):
        (self.directory / "coap").mkdir(exist_ok=True)
        self.coap = Program("headgate-coap",
                            [BIN / "headgate-coap", "--socket", self.runtime / "plugins.sock", "--state",
                             self.directory / "coap", "--listen", "127.0.0.1", "--port", self.coap_port,
                             "--secure-port", self.secure_port, *self.coap_options], self.happenings,
                            {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1"})

    def stop_coap(self):
        if self.coap:
            self.coap.stop()
            self.coap = None

    def start_plugin(self):
        for child in self.children.values():
            if getattr(child, "psk", None):
                self.set_psk(child)
        self.start_coap()
        if any(not isinstance(child, CoapChild) for child in self.children.values()):
            super().start_plugin()

    def set_psk(self, child):
        file = self.directory / f"{child.name}.psk"
        file.write_bytes(child.psk)
        done = self.ctl_result("children", "set-key", child.name, "link", file)
        assert done.returncode == 0, done.stderr

    def wait_until_online(self, *names, deadline_s=SOON_S):
        for name in names or self.children:
            self.wait_for_child(name, lambda seen: seen["online"] and seen["version"], "to say its version", deadline_s)

    def seal(self, image, version, **more):
        """The deliverable in the catalogue."""
        deliverable = self.publish(image, version=version, **more)
        done = self.ctl_result("fetch", deliverable.url, "--wait")
        assert done.returncode == 0, done.stderr
        return self.sealed(version)

    def report(self):
        return "\n".join(part for part in (super().report(), self.coap.tail(60) if self.coap else "") if part)


class SuitChild(CoapChild):
    """Takes manifests that `signer`'s key has signed; its address is its own port."""

    def __init__(self, gateway, name, options, psk=None, signer="vendor"):
        super().__init__(gateway, name, "suit_child.py", options)
        self.psk, self.port, self._signer = psk, free_port(), signer

    @property
    def address(self):
        return f"{'coaps' if self.psk else 'coap'}://127.0.0.1:{self.port}"

    def command(self):
        gateway = self.gateway
        gateway.key(self._signer)
        port = gateway.secure_port if self.psk else gateway.coap_port
        words = ["--listen", f"127.0.0.1:{self.port}", "--server", self.server or f"127.0.0.1:{port}", "--key",
                 gateway.anchors / f"{self._signer}.pem", "--vendor-domain", VENDOR, "--class-name", DEVICE_CLASS,
                 "--state", self.state]
        return [str(word) for word in words] + (
            ["--psk-key", self.psk.hex(), "--psk-identity", self.name] if self.psk else [])


def add_suit_child(gateway, name="valve", options=(), psk=None, **more):
    child = SuitChild(gateway, name, options, psk)
    targets = 'targets = [{ name = "manifest", image = 0 }, { name = "payload", image = 1 }]\n'
    return gateway.add_coap_child(child, child.address, link="none" if psk else "internal", targets=targets, **more)


def seal_for_suit_child(gateway, version, sequence, size=32 * 1024, is_secured=False, path="images/valve.bin"):
    """A deliverable with a manifest for the child and the payload that this names."""
    payload = write_firmware(gateway.directory / f"valve-{version}.fw", version, size)
    manifest = gateway.directory / f"valve-{version}.suit"
    scheme = "coaps" if is_secured else "coap"
    subprocess.run([str(word) for word in (
        "/usr/bin/python3", "-B", SOURCE / "tests/author/suit_author.py", "--key", gateway.key("vendor"), "--alg", "ESP256",
        "--sequence", sequence, "--product", "valve", "--set-version", version, "--vendor-domain", VENDOR, "--class-name",
        DEVICE_CLASS, "--image", f"component=app,file={payload},uri={scheme}://gateway.example/{path}", "-o", manifest)],
        check=True, timeout=60)
    return gateway.seal(manifest, version, component="manifest", beside={"payload": payload})
