# SPDX-License-Identifier: Apache-2.0
"""What children get of a shared encrypted image (child_view, over adapters/crypto), judged by one who shares no code with
headgate and knows only one child's private key: mcuboot_verifier.py, which is itself judged first, by what imgtool made.
"""

import hashlib
import os
import random
import subprocess
from pathlib import Path

import mcuboot_author as author
import mcuboot_verifier as verifier
import pytest
import suit_verifier
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519

VECTORS = Path(os.environ["HEADGATE_SOURCE_DIR"]) / "tests/vectors"
IMAGES = VECTORS / "mcuboot"
CHILD_VIEW = Path(os.environ["HEADGATE_BIN"]) / "child_view"
PEM = serialization.Encoding.PEM


def vector_key(name):
    return serialization.load_pem_private_key((IMAGES / f"keys/{name}.pem").read_bytes(), None)


def vector_vendor(name):
    return serialization.load_pem_public_key((IMAGES / f"keys/vendor-sign-{name}.pub.pem").read_bytes())


def read_image(name):
    return (IMAGES / f"{name}.bin").read_bytes()


# ------------------------------------------------------------------------------------ before the judge judges others

MADE = [("app-2.0.0-enc-p256-for-gateway", "gateway-enc-p256", "p256"),
        ("app-2.0.0-enc-p256-for-child1", "child1-enc-p256", "p256"),
        ("app-2.0.0-enc-p256-aes256-for-gateway", "gateway-enc-p256", "p256"),
        ("app-2.0.0-enc-x25519-for-gateway", "gateway-enc-x25519", "ed25519")]
KEYS = [f"{who}-enc-{curve}" for who in ("gateway", "child1", "child2") for curve in ("p256", "x25519")]


@pytest.mark.parametrize("name, key, vendor", MADE)
def test_the_judge_opens_what_imgtool_made_for_its_key_and_for_no_other(name, key, vendor):
    data = read_image(name)
    assert len(verifier.open_image(data, vector_key(key), vector_vendor(vendor))) == len(verifier.parse(data).payload)
    for other in KEYS:
        if other != key:
            with pytest.raises(verifier.Refused):
                verifier.open_image(data, vector_key(other), vector_vendor(vendor))
    with pytest.raises(verifier.Refused, match="signature"):
        verifier.open_image(data, vector_key(key), vector_vendor("p256" if vendor == "ed25519" else "ed25519"))


def test_the_judge_finds_one_plaintext_in_two_encryptions_of_it():
    first, second = (verifier.open_image(read_image(name), vector_key(key), vector_vendor(vendor))
                     for name, key, vendor in MADE[:2])
    assert first == second


@pytest.mark.parametrize("name, key, vendor", MADE)
def test_the_judge_refuses_an_image_with_a_byte_changed(name, key, vendor):
    data = read_image(name)
    wrap_at, wrap_size = verifier.wrap_of(data)
    image = verifier.parse(data)
    places = [0, 24, len(image.header), len(image.header) + len(image.payload) - 1, wrap_at, wrap_at + wrap_size // 2,
              wrap_at + wrap_size - 1, *(tlv.offset for tlv in image.tlvs if tlv.kind != verifier.KEYHASH)]
    for place in places:
        bad = bytearray(data)
        bad[place] ^= 1
        with pytest.raises(verifier.Refused):
            verifier.open_image(bytes(bad), vector_key(key), vector_vendor(vendor))
    for size in (0, 31, 600, wrap_at, len(data) - 1):
        with pytest.raises(verifier.Refused):
            verifier.open_image(data[:size], vector_key(key), vector_vendor(vendor))


def test_the_judge_takes_plain_images_and_refuses_damaged_ones():
    vendor = vector_vendor("p256")
    verifier.open_image(read_image("app-2.0.0"), None, vendor)
    verifier.open_image(read_image("radio-2.0.0-needs-app-2"), None, vendor)
    for name in ("app-1.1.0-flipped-payload-byte", "app-1.1.0-truncated"):
        with pytest.raises(verifier.Refused):
            verifier.open_image(read_image(name), None, vendor)


# ------------------------------------------------------------------------------------------------- views of children


class Party:
    """Somebody with a key: its private half, and the words that give child_view either half."""

    def __init__(self, kind, key_bytes, directory, name):
        if kind == author.ENC_KW:
            self.private = self.public = os.urandom(key_bytes)
            self.private_word = self.public_word = "hex:" + self.private.hex()
            return
        self.private = (ec.generate_private_key(ec.SECP256R1()) if kind == author.ENC_EC256
                        else x25519.X25519PrivateKey.generate())
        self.public = self.private.public_key()
        private, public = directory / f"{name}.pem", directory / f"{name}.pub"
        private.write_bytes(self.private.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))
        public.write_bytes(self.public.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.private_word, self.public_word = str(private), str(public)


def child_view(*words):
    done = subprocess.run([CHILD_VIEW, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def views_for(words, children, directory):
    """The views, by one run of child_view; its digests are right, and it read the head once."""
    files = [directory / f"view-{i}.bin" for i in range(len(children))]
    pairs = [word for child, file in zip(children, files) for word in (child.public_word, file)]
    *digests, heads, _ = child_view(*words, *pairs)
    views = [file.read_bytes() for file in files]
    assert digests == [hashlib.sha256(view).hexdigest() for view in views]
    assert heads == "heads 1"
    return views


def changed_bytes(before, after):
    assert len(before) == len(after)
    return {i for i, pair in enumerate(zip(before, after)) if pair[0] != pair[1]}


def judge(shared, views, children, gateway, vendor, plaintext):
    offset, size = verifier.wrap_of(shared)
    for view, child in zip(views, children):
        changed = changed_bytes(shared, view)
        assert changed and changed <= set(range(offset, offset + size))
        assert verifier.open_image(view, child.private, vendor) == plaintext
        with pytest.raises(verifier.Refused):
            verifier.open_image(shared, child.private, vendor)
        for other in [gateway, *(each for each in children if each is not child)]:
            with pytest.raises(verifier.Refused):
                verifier.open_image(view, other.private, vendor)


KINDS = {"ENC_EC256": author.ENC_EC256, "ENC_X25519": author.ENC_X25519,
         "ENC_X25519_SHA512": author.ENC_X25519_SHA512, "ENC_KW": author.ENC_KW}
VENDORS = {"ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()), "ed25519": ed25519.Ed25519PrivateKey.generate}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("bits", [128, 256])
@pytest.mark.parametrize("kind", KINDS)
def test_each_child_alone_opens_its_view_of_each_kind_of_wrap(kind, bits, vendor, tmp_path):
    number, key_bytes, vendor = KINDS[kind], bits // 8, VENDORS[vendor]()
    gateway = Party(number, key_bytes, tmp_path, "gateway")
    children = [Party(number, key_bytes, tmp_path, f"child-{i}") for i in range(3)]
    plaintext = random.Random(bits).randbytes(150001)
    shared = author.make_image(plaintext, vendor, number, gateway.public, os.urandom(key_bytes))
    assert verifier.open_image(shared, gateway.private, vendor.public_key()) == plaintext
    file = tmp_path / "shared.bin"
    file.write_bytes(shared)
    views = views_for(("view", file, gateway.private_word), children, tmp_path)
    judge(shared, views, children, gateway, vendor.public_key(), plaintext)


@pytest.mark.parametrize("name, key, vendor", [row for row in MADE if row[1].startswith("gateway")])
def test_each_child_alone_opens_its_view_of_what_imgtool_made(name, key, vendor, tmp_path):
    shared, vendor = read_image(name), vector_vendor(vendor)
    kind = author.ENC_EC256 if "p256" in key else author.ENC_X25519
    gateway = Party(kind, 0, tmp_path, "gateway")
    gateway.private, gateway.private_word = vector_key(key), str(IMAGES / f"keys/{key}.pem")
    children = [Party(kind, 0, tmp_path, f"child-{i}") for i in range(3)]
    plaintext = verifier.open_image(shared, gateway.private, vendor)
    views = views_for(("view", IMAGES / f"{name}.bin", gateway.private_word), children, tmp_path)
    judge(shared, views, children, gateway, vendor, plaintext)


@pytest.mark.parametrize("bits", [128, 256])
@pytest.mark.parametrize("kind", KINDS)
def test_a_clear_image_is_encrypted_and_opens_for_the_child_alone(kind, bits, tmp_path):
    number, key_bytes, vendor = KINDS[kind], bits // 8, VENDORS["ecdsa"]()
    gateway = Party(number, key_bytes, tmp_path, "gateway")
    children = [Party(number, key_bytes, tmp_path, f"child-{i}") for i in range(2)]
    plaintext = random.Random(bits).randbytes(100000)
    clear = author.make_image(plaintext, vendor, number, gateway.public, os.urandom(key_bytes), clear=True)
    file = tmp_path / "clear.bin"
    file.write_bytes(clear)
    views = views_for(("clear", file), children, tmp_path)
    body = slice(author.HEADER_SIZE, author.HEADER_SIZE + len(plaintext))
    assert views[0][body] == views[1][body]
    assert all(views[0][at:at + 16] not in plaintext for at in range(body.start, body.stop - 16, 4096))
    shared = clear[:body.start] + views[0][body] + clear[body.stop:]
    judge(shared, views, children, gateway, vendor.public_key(), plaintext)


# ------------------------------------------------------------------------------------------------- delivery records


@pytest.mark.parametrize("cipher", ["ctr", "gcm"])
def test_a_delivery_record_opens_the_authors_ciphertext_for_the_child_alone(cipher, tmp_path):
    example = VECTORS / f"suit/firmware-encryption/suit-encryption-info-aes-kw-aes-{cipher}.cbor"
    ciphertext = (VECTORS / f"suit/firmware-encryption/encrypted-payload-aes-kw-aes-{cipher}.bin").read_bytes()
    children = [Party(author.ENC_EC256, 0, tmp_path, "p256"), Party(author.ENC_X25519, 0, tmp_path, "x25519"),
                Party(author.ENC_KW, 16, tmp_path, "kw128"), Party(author.ENC_KW, 32, tmp_path, "kw256")]
    files = [tmp_path / f"record-{i}.cbor" for i in range(len(children))]
    child_view("record", example, "hex:" + (b"a" * 16).hex(),
               *(word for child, file in zip(children, files) for word in (child.public_word, file)))
    for child, file in zip(children, files):
        record = file.read_bytes()
        assert len(record) <= 1024
        for other in children:
            if other is child:
                assert suit_verifier.decrypt(record, ciphertext, child.private) == b"This is a real firmware image."
            else:
                with pytest.raises(Exception):
                    suit_verifier.decrypt(record, ciphertext, other.private)
