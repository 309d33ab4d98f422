# SPDX-License-Identifier: Apache-2.0
"""Encrypted and signed MCUboot images of the kinds of which imgtool made none for us, written from docs/design.md and
docs/encrypted_images.md of mcu-tools/mcuboot with Debian's python3-cryptography.

    image = make_image(payload, vendor_private, ENC_KW, shared_key, content_key)
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENC_KW, ENC_EC256, ENC_X25519, ENC_X25519_SHA512 = 0x31, 0x32, 0x33, 0x34
HEADER_SIZE = 0x200
SECURITY_COUNTER = 0x50
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def counter_mode(key, data):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(data)


def wrap(kind, content_key, recipient):
    """`recipient` is a public key, or the bytes of a shared one."""
    if kind == ENC_KW:
        return keywrap.aes_key_wrap(recipient, content_key)
    if kind == ENC_EC256:
        own = ec.generate_private_key(ec.SECP256R1())
        secret, public = own.exchange(ec.ECDH(), recipient), own.public_key().public_bytes(*POINT)
    else:
        own = x25519.X25519PrivateKey.generate()
        secret, public = own.exchange(recipient), own.public_key().public_bytes(*RAW)
    algorithm = hashes.SHA512() if kind == ENC_X25519_SHA512 else hashes.SHA256()
    size = len(content_key)
    derived = HKDF(algorithm, size + algorithm.digest_size, None, b"MCUBoot_ECIES_v1").derive(secret)
    hidden = counter_mode(derived[:size], content_key)
    return public + hmac.new(derived[size:], hidden, algorithm.name).digest() + hidden


def sign(vendor, digest):
    """(TLV, signature) over a SHA-256."""
    if isinstance(vendor, ed25519.Ed25519PrivateKey):
        return 0x24, vendor.sign(digest)
    return 0x22, vendor.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def make_image(payload, vendor, kind, recipient, content_key, version=(3, 1, 4), clear=False):
    """With a protected TLV, since the hash covers it, too. `clear`: flagged so, and the payload stays plain."""
    flags = 0x4 if len(content_key) == 16 else 0x8
    protected = tlv(SECURITY_COUNTER, struct.pack("<I", 9))
    protected = struct.pack("<HH", 0x6908, 4 + len(protected)) + protected
    header = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, HEADER_SIZE, len(protected), len(payload), flags, *version, 0, 0)
    header = header.ljust(HEADER_SIZE, b"\0")
    digest = hashlib.sha256(header + payload + protected).digest()
    rest = tlv(0x10, digest) + tlv(*sign(vendor, digest)) + tlv(kind, wrap(kind, content_key, recipient))
    rest = struct.pack("<HH", 0x6907, 4 + len(rest)) + rest
    return header + (payload if clear else counter_mode(content_key, payload)) + protected + rest
