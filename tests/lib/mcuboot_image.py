# SPDX-License-Identifier: Apache-2.0
"""Plain MCUboot images of any size, written from MCUboot's docs/design.md, with pseudo-random payload."""

import hashlib
import random
import struct

MAGIC = 0x96F3B83D
HEADER_SIZE = 0x200
TLV_INFO_MAGIC = 0x6907
TLV_SHA256 = 0x10
_PIECE = 1 << 20


def write_image(path, payload_size, version=(2, 0, 0), seed=1):
    """Writes an image piece by piece (256 MiB must not stand in memory); returns the digest that a child reports."""
    major, minor, revision = version
    header = struct.pack("<IIHHIIBBHII", MAGIC, 0, HEADER_SIZE, 0, payload_size, 0, major, minor, revision, 0, 0)
    header = header.ljust(HEADER_SIZE, b"\0")
    chance = random.Random(seed)
    digest = hashlib.sha256(header)
    piece = chance.randbytes(min(_PIECE, payload_size) or 1)
    with open(path, "wb") as file:
        file.write(header)
        left = payload_size
        while left:
            part = (chance.randbytes(16) + piece[16:])[:left]
            digest.update(part)
            file.write(part)
            left -= len(part)
        file.write(struct.pack("<HH", TLV_INFO_MAGIC, 4 + 4 + 32))
        file.write(struct.pack("<HH", TLV_SHA256, 32) + digest.digest())
    return digest.hexdigest()


def running_digest(path):
    """What a child reports when it runs the image in this file: its SHA-256 TLV."""
    with open(path, "rb") as file:
        data = file.read()
    magic, _, header_size, protected_size, image_size = struct.unpack_from("<IIHHI", data)
    if magic != MAGIC:
        raise ValueError(f"{path} is no MCUboot image")
    offset = header_size + image_size + protected_size
    info, total = struct.unpack_from("<HH", data, offset)
    end, offset = offset + total, offset + 4
    while info == TLV_INFO_MAGIC and offset < end:
        kind, length = struct.unpack_from("<HH", data, offset)
        if kind == TLV_SHA256:
            return data[offset + 4:offset + 4 + length].hex()
        offset += 4 + length
    raise ValueError(f"{path} has no SHA-256 TLV")
