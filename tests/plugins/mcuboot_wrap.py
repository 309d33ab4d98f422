# SPDX-License-Identifier: Apache-2.0
"""Replaces the wrapped content key of an encrypted MCUboot image (reference smp.md 5) by one for another P-256 key, as a
patch. By Python's cryptography alone: it shares no code with the gateway."""
import struct

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENC_EC256, POINT, MAC = 0x32, 65, 32


def private_key(file):
    return serialization.load_pem_private_key(file.read_bytes(), None)


def place_of_wrap(image_file):
    """Offset and size of the value of the ENC_EC256 TLV."""
    header, protected, size = struct.unpack("<8xHHI", image_file[:16])
    offset = header + size + protected + 4
    while offset < len(image_file):
        kind, length = struct.unpack("<HH", image_file[offset:offset + 4])
        if kind == ENC_EC256:
            return offset + 4, length
        offset += 4 + length
    raise ValueError("not wrapped for a P-256 key")


def _keys(secret, size):
    both = HKDF(hashes.SHA256(), size + MAC, None, b"MCUBoot_ECIES_v1").derive(secret)
    return both[:size], both[size:]


def _mac(key, sealed):
    tag = hmac.HMAC(key, hashes.SHA256())
    tag.update(sealed)
    return tag


def _apply(key, data):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(data)


def open_wrap(wrapped, key):
    """The content key. Raises InvalidSignature when it is wrapped for another."""
    point, tag, sealed = wrapped[:POINT], wrapped[POINT:POINT + MAC], wrapped[POINT + MAC:]
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    aes, mac = _keys(key.exchange(ec.ECDH(), peer), len(sealed))
    _mac(mac, sealed).verify(tag)
    return _apply(aes, sealed)


def wrap(content_key, public_key):
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    aes, mac = _keys(ephemeral.exchange(ec.ECDH(), public_key), len(content_key))
    sealed = _apply(aes, content_key)
    point = ephemeral.public_key().public_bytes(serialization.Encoding.X962,
                                                serialization.PublicFormat.UncompressedPoint)
    return point + _mac(mac, sealed).finalize() + sealed


def rewrap(image_file, key, public_key):
    """The patch (offset, bytes) that makes the image the other one's."""
    offset, size = place_of_wrap(image_file)
    content_key = open_wrap(image_file[offset:offset + size], key)
    return offset, wrap(content_key, public_key)


def laid_over(image_file, patches):
    view = bytearray(image_file)
    for offset, data in patches:
        view[offset:offset + len(data)] = data
    return bytes(view)
