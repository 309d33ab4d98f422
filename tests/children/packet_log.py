# SPDX-License-Identifier: Apache-2.0
"""Everything that has left for an smp_child which was started with --log-packets, and what can be read in it."""
import pathlib

import cbor2

HEADER, IMAGE, UPLOAD = 8, 1, 1
RUN = 16  # bytes of a plain payload that nobody finds by chance


def packets(state):
    """All packets that came in, in order, header and body. `state`: the child's directory."""
    return [bytes.fromhex(line) for line in (pathlib.Path(state) / "packets").read_text().splitlines()]


def uploaded(sent):
    """What the upload requests carried, each piece at its offset: the file of the last upload as it left."""
    whole = bytearray()
    for packet in sent:
        if (int.from_bytes(packet[4:6], "big"), packet[7]) != (IMAGE, UPLOAD):
            continue
        body = cbor2.loads(packet[HEADER:])
        if body["off"] == 0:
            whole = bytearray()
        end = body["off"] + len(body["data"])
        whole.extend(bytes(max(0, end - len(whole))))
        whole[body["off"]:end] = body["data"]
    return bytes(whole)


def runs_of(secret, sent, size=RUN):
    """How many places in what left (in a packet, or over the seam of two pieces of an upload) hold `size` bytes in a
    row of the secret."""
    windows = {secret[i:i + size] for i in range(len(secret) - size + 1)}
    return sum(text[i:i + size] in windows for text in [*sent, uploaded(sent)] for i in range(len(text) - size + 1))
