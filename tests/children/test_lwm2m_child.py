# SPDX-License-Identifier: Apache-2.0
"""lwm2m_child against libcoap's own programs: coap-rd is where it registers, coap-server has the image, and coap-client,
from the port of the server that it knows, is who reads and writes."""

import subprocess

import cbor2
import pytest

import lwm2m_firmware
from coap_child_process import CoapProgram, free_udp_port
from libcoap_tools import DIRECTORY, SERVER, Running, client

IMAGE = lwm2m_firmware.make_image("boiler", "2.0.0", 20_000)


class Conversation:
    """A child that knows a server at a port from which coap-client now speaks."""

    def __init__(self, start, *options, scheme=""):
        self.server_port, self.port = free_udp_port(), free_udp_port()
        with Running(DIRECTORY, self.server_port):
            self.child = start("--server", f"{scheme}127.0.0.1:{self.server_port}", "--local-port", self.port,
                               "--lifetime", 3600, "--ack-timeout", 0.3, *options)
            self.location = self.child.wait("registered")["location"]

    def back(self):
        """There is a server again, until the child has registered once more."""
        since = len(self.child.events)
        with Running(DIRECTORY, self.server_port):
            return self.child.wait("registered", since=since)

    def read(self, path, accept=0):
        answer = client("-p", self.server_port, "-B", 3, "-A", accept, f"coap://127.0.0.1:{self.port}/{path}")
        return answer.strip().decode() if accept == 0 else answer

    def send(self, method, path, *more):
        return client("-p", self.server_port, "-B", 10, "-m", method, *more, f"coap://127.0.0.1:{self.port}/{path}")

    def push(self, file, block=1024):
        return self.send("put", "5/0/0", "-b", block, "-t", 42, "-f", file)

    def firmware(self):
        return self.read("5/0/3"), self.read("5/0/5")


@pytest.fixture
def start():
    programs = []

    def start_program(*options, program="lwm2m_child"):
        programs.append(CoapProgram(program, *options))
        return programs[-1]

    yield start_program
    for program in programs:
        program.stop()


@pytest.fixture
def image_file(tmp_path):
    (tmp_path / "image").write_bytes(IMAGE)
    return tmp_path / "image"


@pytest.fixture
def image_uri(image_file):
    with Running(SERVER, free_udp_port(), "-d", 10) as server:
        uri = f"coap://127.0.0.1:{server.port}/fw"
        client("-m", "put", "-t", 42, "-f", image_file, uri)
        yield uri


def test_registers_and_is_read_in_every_format(start):
    told = Conversation(start, "--name", "b1", "--battery", 55)
    assert told.location.startswith("rd/")
    assert (told.read("3/0/3"), told.read("3/0/9"), told.firmware()) == ("1.0.0", "55", ("0", "0"))
    tlv = told.read("5/0", 11542)
    assert tlv.startswith(bytes.fromhex("c001 c10300 c10500 8608 41000041 0101 c10902".replace(" ", "")))
    records = cbor2.loads(told.read("5/0/8", 112))
    assert records == [{-2: "/5/0/8", 0: "/0", 2: 0}, {0: "/1", 2: 1}]
    assert b"4.04" in told.read("3/0/99", 112)
    assert b"4.06" in told.read("3/0", 60)


def test_pulls_installs_and_comes_back_with_the_new_version(start, image_uri):
    told = Conversation(start, "--vendor-class", "boiler")
    told.send("put", "5/0/1", "-t", 0, "-e", image_uri)
    told.child.wait("state", state=2, result=0)
    assert told.firmware() == ("2", "0")
    told.send("post", "5/0/2")
    told.child.wait("state", state=3)
    assert told.back()["version"] == "2.0.0"
    assert told.firmware() == ("0", "1")
    stats = told.child.stats()
    assert (stats["bytes"], stats["blocks"], stats["repeated"]) == (len(IMAGE), -(-len(IMAGE) // 1024), 0)


@pytest.mark.parametrize("size", [64, 1024])
def test_takes_a_push(start, image_file, size):
    told = Conversation(start)
    told.push(image_file, size)
    assert told.firmware() == ("2", "0")
    assert told.child.stats()["bytes"] == len(IMAGE)


@pytest.fixture
def secured(image_file):
    """libcoap's server with a PSK on the next port; it takes any POST, /rd too."""
    with Running(SERVER, free_udp_port(), "-d", 10, "-k", "sesame", "-h", "hint") as server:
        client("-m", "put", "-t", 42, "-f", image_file, f"coap://127.0.0.1:{server.port}/fw")
        yield server.port + 1


def test_registers_and_pulls_over_dtls(start, secured):
    key = b"sesame".hex()
    child = start("--server", f"127.0.0.1:{secured}", "--psk-key", key)
    assert child.wait("handshake")["cipher"] == "PSK-AES128-CCM8"
    assert child.wait("registered")
    child.tell("update")
    assert child.wait("updated")
    told = Conversation(start, "--psk-key", key, scheme="coap://")
    told.send("put", "5/0/1", "-t", 0, "-e", f"coaps://127.0.0.1:{secured}/fw")
    told.child.wait("state", state=2)
    assert (told.child.stats()["handshakes"], told.child.stats()["bytes"]) == (1, len(IMAGE))


def test_after_a_rebinding_a_dtls_child_is_deaf_until_it_shakes_hands_again(start, secured):
    child = start("--server", f"127.0.0.1:{secured}", "--psk-key", b"sesame".hex(), "--ack-timeout", 0.1)
    child.wait("registered")
    child.ask("rebind", "rebound")
    child.tell("update")
    child.wait("unreachable")
    child.wait("handshake", count=2)
    child.wait("register_refused", code="2.04")  # libcoap's server has that resource already


def test_a_wrong_key_is_not_served(start, secured):
    child = start("--server", f"127.0.0.1:{secured}", "--psk-key", b"wrong".hex(), "--handshake-s", 2)
    child.wait("unreachable")
    assert not child.all("handshake")


@pytest.fixture
def authority(tmp_path):
    """A CA with a certificate for a server and one for a child."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name in ("server", "child"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2")
    return tmp_path


def test_registers_with_a_certificate(start, authority):
    with Running(SERVER, free_udp_port(), "-d", 10, "-c", authority / "server.pem", "-j", authority / "server.key", "-C",
                 authority / "ca.pem") as server:
        child = start("--server", f"127.0.0.1:{server.port + 1}", "--certificate", authority / "child.pem",
                      "--private-key", authority / "child.key", "--authorities", authority / "ca.pem", "--cipher",
                      "ECDHE-ECDSA-AES128-CCM8")
        assert child.wait("handshake")["cipher"] == "ECDHE-ECDSA-AES128-CCM8"
        child.wait("registered")


def test_a_thousand_children_register(start):
    with Running(DIRECTORY, free_udp_port()) as directory:
        child = start("--server", f"127.0.0.1:{directory.port}", "--children", 1000, "--name", "c", "--stagger", 0.001)
        child.wait("registered", count=1000, deadline=60)
    assert len({each["child"] for each in child.all("registered")}) == 1000


def test_a_pull_through_a_relay_that_loses_and_rebinds(start, image_uri):
    port = int(image_uri.split(":")[2].split("/")[0])
    relay = start("--to", f"127.0.0.1:{port}", "--delay-ms", 5, "--loss", 5, "--seed", 3, program="udp_relay")
    told = Conversation(start, "--ack-timeout", 0.1)
    told.send("put", "5/0/1", "-t", 0, "-e", f"coap://127.0.0.1:{relay.events[0]['port']}/fw")
    told.child.wait("pull")
    relay.ask("rebind", "rebind")
    told.child.wait("state", state=2)
    assert told.child.stats()["resends"] > 0
