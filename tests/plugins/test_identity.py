# SPDX-License-Identifier: Apache-2.0
"""The child kit's mutual identification through headgate-serial: what the daemon makes and judges goes to the child and
back as it is, and the plugin gives away nothing before."""
import cbor2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import child_kit as kit
from child_process import VECTORS, ChildProcess, image_hash
from packet_log import packets, uploaded
from raw_daemon import DELIVERED, FAILED, IDENTIFIED, IDENTIFY, PROVE, PROVEN, RawDaemon, sha256

SECRET = bytes(range(32))
NEW = (VECTORS / "app-1.1.0.bin").read_bytes()
UNSUPPORTED, DENIED = 2, 8


@pytest.fixture
def start(tmp_path):
    opened = []

    def start_both(*options):
        child = ChildProcess(tmp_path, "--image", VECTORS / "app-1.0.0.bin", "--log-packets", *options)
        daemon = RawDaemon(tmp_path, "serial")
        opened.extend([daemon.close, child.stop])
        daemon.start_plugin("boiler", child.link)
        return child, daemon

    yield start_both
    for end in opened:
        end()


def challenge(daemon, gateway):
    daemon.ask(IDENTIFY, {5: gateway.nonce})
    return daemon.answer()


def prove(daemon, gateway):
    daemon.ask(PROVE, {5: cbor2.dumps(gateway.proof())})
    return daemon.answer()


def pair(directory, name):
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM,
                                           serialization.PublicFormat.SubjectPublicKeyInfo)
    (directory / name).write_bytes(private)
    (directory / f"{name}.pub").write_bytes(public)
    return private, public


def deliver(daemon):
    daemon.begin_deliver(NEW, sha256(NEW), image_hash(NEW))
    return daemon.answer()


def test_a_shared_key_shows_both_to_each_other(start, tmp_path):
    (tmp_path / "key").write_text(SECRET.hex())
    child, daemon = start("--kit", "--kit-id", "boiler-7", "--kit-key", tmp_path / "key", "--require-proof")
    refused = deliver(daemon)
    assert refused[0] == FAILED and refused[3] == DENIED, "nothing is taken from a gateway that has not proven itself"
    gateway = kit.Gateway(kit.HmacKey(b"k1", SECRET))
    answer = challenge(daemon, gateway)
    assert answer[0] == IDENTIFIED
    assert gateway.judge(cbor2.loads(answer[3]))["id"] == "boiler-7"
    assert prove(daemon, gateway)[0] == PROVEN
    assert deliver(daemon)[0] == DELIVERED
    assert uploaded(packets(child.state)) == NEW


def test_signatures_go_both_ways(start, tmp_path):
    _, child_public = pair(tmp_path, "child")
    gateway_private, _ = pair(tmp_path, "gateway")
    _, daemon = start("--kit", "--kit-key", tmp_path / "child", "--kit-gateway-key", tmp_path / "gateway.pub",
                      "--require-proof")
    gateway = kit.Gateway(kit.SigningKey(b"k1", child_public), kit.SigningKey(b"gateway", gateway_private))
    gateway.judge(cbor2.loads(challenge(daemon, gateway)[3]))
    assert prove(daemon, gateway)[0] == PROVEN
    assert deliver(daemon)[0] == DELIVERED


def test_the_right_id_with_the_wrong_key_proves_nothing(start, tmp_path):
    (tmp_path / "key").write_text(bytes(32).hex())
    child, daemon = start("--kit", "--kit-id", "boiler-7", "--kit-key", tmp_path / "key")
    gateway = kit.Gateway(kit.HmacKey(b"k1", SECRET))
    answer = challenge(daemon, gateway)
    assert cbor2.loads(cbor2.loads(answer[3])["says"])["id"] == "boiler-7"
    with pytest.raises(kit.NotProven, match="wrong MAC"):
        gateway.judge(cbor2.loads(answer[3]))
    assert uploaded(packets(child.state)) == b""


def test_a_gateway_with_the_wrong_key_is_denied(start, tmp_path):
    (tmp_path / "key").write_text(SECRET.hex())
    _, daemon = start("--kit", "--kit-key", tmp_path / "key")
    gateway = kit.Gateway(kit.HmacKey(b"k1", SECRET), kit.HmacKey(b"k1", bytes(32)))
    gateway.judge(cbor2.loads(challenge(daemon, gateway)[3]))
    failed = prove(daemon, gateway)
    assert failed[0] == FAILED and failed[3] == DENIED and "prove" in failed[4]


def test_a_child_without_the_kit_says_so(start):
    _, daemon = start()
    failed = challenge(daemon, kit.Gateway(kit.HmacKey(b"k1", SECRET)))
    assert failed[0] == FAILED and failed[3] == UNSUPPORTED
