# SPDX-License-Identifier: Apache-2.0
"""suit_child against libcoap's own programs and envelopes of tests/author/suit_author.py, which shares no code with it."""

import hashlib

import pytest
import suit_author

import coap_wire as wire
from bare_gateway import BareGateway
from coap_child_process import CoapProgram, free_udp_port
from libcoap_tools import SERVER, Running, client

PAYLOAD = hashlib.shake_128(b"payload").digest(5000)
KEY = b"sesame".hex()


class Bench:
    """A child and a libcoap server with a manifest and its payload; by DTLS: the server's next port."""

    def __init__(self, directory, start, server, *options, algorithm="Ed25519", scheme="coap"):
        self.scheme, self.directory, self.algorithm = scheme, directory, algorithm
        self.key = suit_author.make_key(algorithm, directory / "private.pem", directory / "public.pem")
        self.server = server.port + (scheme == "coaps")
        self.put("fw/payload", PAYLOAD, server.port)
        self.plain_port = server.port
        secret = ("--psk-identity", "gw", "--psk-key", KEY) if scheme == "coaps" else ()
        self.child = start("--server", f"127.0.0.1:{self.server}", "--key", directory / "public.pem", "--vendor-domain",
                           "vendor.example", "--class-name", "boiler-v1", "--ack-timeout", 0.3, *secret, *options)
        self.port = self.child.events[0]["port"]

    def put(self, path, content, port):
        (self.directory / "body").write_bytes(content)
        client("-m", "put", "-t", 42, "-f", self.directory / "body", f"coap://127.0.0.1:{port}/{path}")

    def offer(self, sequence=5, class_name="boiler-v1", damage=None):
        """Puts a manifest there and triggers."""
        uri = f"{self.scheme}://fw.example/fw/payload"
        release = suit_author.Release(sequence, "acme/boiler", "2.0.0", "vendor.example", class_name,
                                      [suit_author.Image("app", PAYLOAD, uri)])
        author = suit_author.DAMAGES[damage] if damage else suit_author.author
        self.put("manifest", author(release, self.key, self.algorithm), self.plain_port)
        return self.ask("post", "suit/trigger", "-e", f"{self.scheme}://127.0.0.1:{self.server}/manifest")

    def ask(self, method, path, *more):
        secret = ("-u", "gw", "-k", "sesame") if self.scheme == "coaps" else ()
        return client("-m", method, "-B", 5, *secret, *more, f"{self.scheme}://127.0.0.1:{self.port}/{path}").strip()


@pytest.fixture
def bench(tmp_path):
    programs = []

    def start(*options):
        programs.append(CoapProgram("suit_child", *options))
        return programs[-1]

    with Running(SERVER, free_udp_port(), "-d", 10, "-k", "sesame", "-h", "hint") as server:
        yield lambda *options, **more: Bench(tmp_path, start, server, *options, **more)
    for program in programs:
        program.stop()


@pytest.mark.parametrize("algorithm, scheme", [("Ed25519", "coap"), ("ES256", "coap"), ("ESP256", "coaps")])
def test_takes_a_manifest_and_its_payload_and_runs_it(bench, algorithm, scheme):
    one = bench(algorithm=algorithm, scheme=scheme)
    assert one.ask("get", "suit/version") == b"1.0.0"
    one.offer()
    one.child.wait("up", version="2.0.0")
    assert one.ask("get", "suit/version") == b"2.0.0"
    stats = one.child.stats()
    manifest = one.child.all("manifest")[0]["bytes"]
    assert stats["bytes"] == len(PAYLOAD) + manifest
    assert stats["blocks"] == -(-len(PAYLOAD) // 64) + -(-manifest // 64)
    assert stats["handshakes"] == (2 if scheme == "coaps" else 0)


@pytest.mark.parametrize("offer, why", [
    ({"class_name": "other"}, "class"), ({"sequence": 4}, "sequence number"), ({"damage": "wrong-signature"}, "signature"),
    ({"damage": "tampered"}, "digest of the manifest"), ({"damage": "unsigned"}, "unsigned"),
    ({"damage": "unknown-key"}, "signature")])
def test_refuses_in_silence(bench, offer, why):
    one = bench("--sequence", 4)
    one.offer(**offer)
    assert one.child.wait("refused")["why"] == why
    assert one.ask("get", "suit/version") == b"1.0.0"
    assert not one.child.all("payload")


@pytest.mark.parametrize("damage", ["wrong-digest", "wrong-size"])
def test_does_not_run_another_payload(bench, damage):
    one = bench()
    one.offer(damage=damage)
    one.child.wait("bad_payload")
    assert one.ask("get", "suit/version") == b"1.0.0"


def test_never_tells_its_version(bench):
    one = bench("--no-version")
    one.offer()
    one.child.wait("up")
    assert one.ask("get", "suit/version") == b"NONE"


def test_a_refusing_one_asks_for_no_payload(bench):
    one = bench("--refuse")
    one.offer()
    one.child.wait("refused")
    assert one.child.stats()["bytes"] == one.child.all("manifest")[0]["bytes"]


def test_an_abrupt_one_never_acknowledges_the_last_block(tmp_path):
    """Its server answers separately, by CON, as one that must think would."""
    gateway = BareGateway()
    key = suit_author.make_key("Ed25519", tmp_path / "private.pem", tmp_path / "public.pem")
    release = suit_author.Release(5, "acme/boiler", "2.0.0", "vendor.example", "boiler-v1",
                                  [suit_author.Image("app", b"x" * 30, "coap://fw.example/fw")])
    child = CoapProgram("suit_child", "--abrupt", "--server", gateway.where, "--key", tmp_path / "public.pem",
                        "--vendor-domain", "vendor.example", "--class-name", "boiler-v1", "--block", 1024)
    try:
        gateway.child = ("127.0.0.1", child.events[0]["port"])
        assert gateway.ask(wire.POST, "suit/trigger", payload=f"coap://{gateway.where}/m".encode()).code == wire.code("2.04")
        for path, body in (("m", suit_author.author(release, key, "Ed25519")), ("fw", b"x" * 30)):
            request = gateway.await_request(path)
            gateway.send(wire.Message(wire.ACK, wire.EMPTY, request.mid))
            block = wire.Block(0, False, 6).value()
            gateway.send(wire.Message(wire.CON, wire.code("2.05"), 77, request.token, [(wire.BLOCK2, wire.uint(block))], body))
            if path == "m":
                assert gateway.receive().kind == wire.ACK
        child.wait("up", version="2.0.0")
        assert gateway.receive(0.3) is None
    finally:
        child.stop()
        gateway.close()
