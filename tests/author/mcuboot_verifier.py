#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a MCUboot image as the bootloader of one child does that knows its own private key and the vendor's public one.
Written from docs/design.md and docs/encrypted_images.md of mcu-tools/mcuboot with Debian's python3-cryptography and no
code of headgate, so that whoever makes a child's view and this can only agree through those. tests/adapters checks it
against the images that imgtool made first.

    mcuboot_verifier.py --vendor vendor-public.pem --key child-private.pem FILE...
    mcuboot_verifier.py --vendor vendor-public.pem --kek 000102...0f FILE...

open_image() gives the plain payload, or raises Refused with the rule.
"""

import argparse
import hashlib
import hmac
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC, UNPROTECTED, PROTECTED = 0x96F3B83D, 0x6907, 0x6908
AES128, AES256 = 0x4, 0x8
HASHES = {0x10: hashes.SHA256(), 0x11: hashes.SHA384(), 0x12: hashes.SHA512()}
KEYHASH, ECDSA, ED25519 = 0x01, 0x22, 0x24
ENC_KW, ENC_EC256, ENC_X25519, ENC_X25519_SHA512 = 0x31, 0x32, 0x33, 0x34
INFO = b"MCUBoot_ECIES_v1"


class Refused(Exception):
    """Names the rule."""


def check(holds, rule):
    if not holds:
        raise Refused(rule)


@dataclass
class Tlv:
    kind: int
    offset: int  # of the value in the file
    value: bytes


@dataclass
class Image:
    header: bytes
    payload: bytes
    protected: bytes  # the area, with its head
    tlvs: list  # of the other area
    key_bytes: int  # of the content key; 0: not encrypted

    def value(self, kinds, what):
        found = [tlv for tlv in self.tlvs if tlv.kind in kinds]
        check(len(found) == 1, f"{len(found)} of {what}")
        return found[0]


def area(data, offset, magic):
    check(offset + 4 <= len(data), "cut off before a TLV area")
    found, total = struct.unpack_from("<HH", data, offset)
    check(found == magic and total >= 4 and offset + total <= len(data), "TLV area")
    return data[offset:offset + total]


def entries(data, offset):
    at = 4
    while at < len(data):
        check(at + 4 <= len(data), "a TLV is cut off")
        kind, length = struct.unpack_from("<HH", data, at)
        check(at + 4 + length <= len(data), "a TLV is cut off")
        yield Tlv(kind, offset + at + 4, data[at + 4:at + 4 + length])
        at += 4 + length


def parse(data):
    check(len(data) >= 32, "shorter than a header")
    magic, _, header_size, protected_size, payload_size, flags = struct.unpack_from("<IIHHII", data)
    check(magic == MAGIC and header_size >= 32, "magic")
    tlvs_at = header_size + payload_size
    check(tlvs_at <= len(data), "cut off in the payload")
    protected = area(data, tlvs_at, PROTECTED) if protected_size else b""
    check(len(protected) == protected_size, "size of the protected TLVs")
    at = tlvs_at + protected_size
    rest = area(data, at, UNPROTECTED)
    check(at + len(rest) == len(data), "bytes after the TLVs")
    key_bytes = {0: 0, AES128: 16, AES256: 32}.get(flags & (AES128 | AES256))
    check(key_bytes is not None, "two ciphers")
    return Image(data[:header_size], data[header_size:tlvs_at], protected, list(entries(rest, at)), key_bytes)


# ---------------------------------------------------------------------------------------------------- content keys


def counter_mode(key, data):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).decryptor().update(data)


def agree(private_key, kind, public):
    try:
        if kind == ENC_EC256:
            check(isinstance(private_key, ec.EllipticCurvePrivateKey), "a key for another kind of wrap")
            return private_key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))
        check(isinstance(private_key, x25519.X25519PrivateKey), "a key for another kind of wrap")
        return private_key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Refused(f"ephemeral key: {error}") from error


def unwrap(kind, wrapped, key_bytes, private_key):
    """The content key."""
    if kind == ENC_KW:
        check(isinstance(private_key, bytes) and len(private_key) == key_bytes, "a key for another kind of wrap")
        check(len(wrapped) == key_bytes + 8, "length of the wrap")
        try:
            return keywrap.aes_key_unwrap(private_key, wrapped)
        except keywrap.InvalidUnwrap as error:
            raise Refused("the wrap is for another key") from error
    public_size = 65 if kind == ENC_EC256 else 32
    algorithm, name = (hashes.SHA512(), "sha512") if kind == ENC_X25519_SHA512 else (hashes.SHA256(), "sha256")
    mac_size = algorithm.digest_size
    check(len(wrapped) == public_size + mac_size + key_bytes, "length of the wrap")
    public, mac, hidden = (wrapped[:public_size], wrapped[public_size:public_size + mac_size],
                           wrapped[public_size + mac_size:])
    secret = agree(private_key, kind, public)
    derived = HKDF(algorithm, key_bytes + mac_size, None, INFO).derive(secret)
    expected = hmac.new(derived[key_bytes:], hidden, name).digest()
    check(hmac.compare_digest(expected, mac), "the MAC of the wrap: it is for another key")
    return counter_mode(derived[:key_bytes], hidden)


# ------------------------------------------------------------------------------------------------------- the image


def check_signature(image, digest, algorithm, vendor_public):
    """Over the digest, as imgtool signs."""
    is_ed25519 = isinstance(vendor_public, ed25519.Ed25519PublicKey)
    signature = image.value({ED25519 if is_ed25519 else ECDSA}, "the vendor's kind of signature").value
    try:
        if is_ed25519:
            vendor_public.verify(signature, digest)
        else:
            vendor_public.verify(signature, digest, ec.ECDSA(Prehashed(algorithm)))
    except InvalidSignature as error:
        raise Refused("the vendor's signature") from error


def open_image(view_bytes, private_key, vendor_public):
    """The plain payload of an image that the vendor signed. `private_key` is that of the child: P-256, X25519, or the
    bytes of a shared key."""
    image = parse(view_bytes)
    payload = image.payload
    if image.key_bytes:
        wrap = image.value({ENC_KW, ENC_EC256, ENC_X25519, ENC_X25519_SHA512}, "wrapped content keys")
        payload = counter_mode(unwrap(wrap.kind, wrap.value, image.key_bytes, private_key), payload)
    stated = image.value(HASHES, "image hashes")
    algorithm = HASHES[stated.kind]
    digest = hashlib.new(algorithm.name, image.header + payload + image.protected).digest()
    check(digest == stated.value, "the image hash")
    check_signature(image, digest, algorithm, vendor_public)
    return payload


def wrap_of(data):
    """(offset, size) of the wrapped content key."""
    wrap = parse(data).value({ENC_KW, ENC_EC256, ENC_X25519, ENC_X25519_SHA512}, "wrapped content keys")
    return wrap.offset, len(wrap.value)


# ------------------------------------------------------------------------------------------------------ command line


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vendor", required=True, help="the vendor's public key, PEM")
    own = parser.add_mutually_exclusive_group()
    own.add_argument("--key", help="the child's private key, PEM")
    own.add_argument("--kek", type=bytes.fromhex, help="the child's shared key, hexadecimal")
    parser.add_argument("FILE", nargs="+")
    given = parser.parse_args(words)
    vendor = serialization.load_pem_public_key(Path(given.vendor).read_bytes())
    key = given.kek
    if given.key:
        key = serialization.load_pem_private_key(Path(given.key).read_bytes(), None)
    for file in given.FILE:
        try:
            payload = open_image(Path(file).read_bytes(), key, vendor)
        except Refused as error:
            sys.exit(f"{file}: {error}")
        print(f"{file}: {len(payload)} bytes, SHA-256 {hashlib.sha256(payload).hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1:])
