# SPDX-License-Identifier: Apache-2.0
"""Keys in the clear stand in locked pages and nowhere else: after a process has opened its store key, content keys and
a child's secret, and wrapped for children, its memory is searched for all of them."""

import hashlib
import os
import pathlib
import sys

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "plugins")]
import mcuboot_wrap  # noqa: E402
import memory_search  # noqa: E402
from key_probe import VECTORS, KeyProbe  # noqa: E402

IMAGES = ("app-2.0.0-enc-p256-for-gateway", "app-2.0.0-enc-p256-aes256-for-gateway")
GATEWAY = VECTORS / "keys/gateway-enc-p256.pem"


def content_key(image):
    file = (VECTORS / f"{image}.bin").read_bytes()
    offset, size = mcuboot_wrap.place_of_wrap(file)
    return mcuboot_wrap.open_wrap(file[offset:offset + size], mcuboot_wrap.private_key(GATEWAY))


def store_key(file, private_key):
    """From the file of the state directory, by docs/keys.md and RFC 9053 alone."""
    _protected, _headers, content, ((protected, headers, wrapped),) = cbor2.loads(file).value
    assert content is None and cbor2.loads(protected) == {1: -31}
    peer = ec.EllipticCurvePublicNumbers(int.from_bytes(headers[-1][-2], "big"), int.from_bytes(headers[-1][-3], "big"),
                                         ec.SECP256R1()).public_key()
    context = cbor2.dumps([-5, [None] * 3, [None] * 3, [256, protected, b"headgate store key 1"]])
    secret = private_key.exchange(ec.ECDH(), peer)
    return keywrap.aes_key_unwrap(HKDF(hashes.SHA256(), 32, None, context).derive(secret), wrapped)


@pytest.fixture
def probe(tmp_path):
    (tmp_path / "gateway").write_bytes(GATEWAY.read_bytes())
    with KeyProbe(tmp_path, gateway_credential="gateway") as probe:
        assert probe.opened.startswith("new "), probe.opened
        yield probe


def public_half(child, directory):
    key = mcuboot_wrap.private_key(VECTORS / f"keys/{child}-enc-p256.pem").public_key()
    path = directory / f"{child}.pem"
    path.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return path


def exercise(probe, directory):
    """Uses every key; what they are."""
    own = mcuboot_wrap.private_key(GATEWAY)
    number = own.private_numbers().private_value
    keys = {"store key": store_key((probe.state / "store-key").read_bytes(), own),
            "gateway's key": number.to_bytes(32, "big"),
            "gateway's key as a number of OpenSSL": number.to_bytes(32, "little"),
            "gateway's PEM": GATEWAY.read_bytes().splitlines()[1]}
    for image in IMAGES:
        keys["content key of " + image] = content_key(image)
        assert probe.ask("take", VECTORS / f"{image}.bin").startswith("key ")
        for child in ("child1", "child2"):
            assert probe.ask("wrap", VECTORS / f"{image}.bin", public_half(child, directory)).startswith("view ")
    for use in ("wrap", "identify", "link"):
        keys[f"child's secret for {use}"] = os.urandom(32)
        (directory / use).write_bytes(keys[f"child's secret for {use}"])
        assert probe.ask("secret", use, directory / use).startswith("taken ")
    return keys


def test_no_key_stands_outside_of_locked_pages(probe, tmp_path):
    keys = exercise(probe, tmp_path)
    assert memory_search.find(probe.pid, keys) == []


def test_the_search_finds_a_copy_that_is_planted(probe, tmp_path):
    planted = hashlib.sha256(b"planted").digest()
    (tmp_path / "plant").write_bytes(planted)
    assert probe.ask("plant", tmp_path / "plant") == "planted"
    assert memory_search.find(probe.pid, {"planted": planted})  # once, or more often: buffers have it, too


def test_the_store_key_stands_in_locked_pages(probe):
    key = store_key((probe.state / "store-key").read_bytes(), mcuboot_wrap.private_key(GATEWAY))
    assert memory_search.find(probe.pid, {"store key": key}, locked=True)


def test_memory_that_cannot_be_locked_is_said(tmp_path):
    (tmp_path / "gateway").write_bytes(GATEWAY.read_bytes())
    under = ["prlimit", "--memlock=65536:65536"]
    if os.geteuid() == 0:
        under += ["setpriv", "--bounding-set", "-ipc_lock", "--"]  # who may lock anything has no limit
    with KeyProbe(tmp_path, under=under, gateway_credential="gateway") as probe:
        assert probe.opened.startswith("error denied: "), probe.opened
        assert "LimitMEMLOCK=" in probe.opened
    assert list(probe.state.iterdir()) == []
