# SPDX-License-Identifier: Apache-2.0
"""What LE legacy pairing and resolvable addresses compute with (Core Specification, Vol 3, Part H, 2.2), for children of
the tests that have a Security Manager of their own. All values are in the order of the air, least significant byte
first. Only Python: the standard library has no AES, and a test machine's kernel may keep its own to itself."""


def _doubled(value):
    return (value << 1) ^ (0x11b if value & 0x80 else 0)


def _substitution_box():
    """FIPS 197, 5.1.1: the inverse in GF(2^8), by powers of the generator 3, and an affine map."""
    box, power, inverse = [0x63] * 256, 1, 1
    for _ in range(255):
        rotated = inverse * 0x101
        box[power] = (inverse ^ rotated >> 7 ^ rotated >> 6 ^ rotated >> 5 ^ rotated >> 4) & 0xff ^ 0x63
        power ^= _doubled(power)
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xff
        inverse ^= 0x09 if inverse & 0x80 else 0
    return box


BOX = _substitution_box()


def _round_keys(key):
    words, constant = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
    while len(words) < 44:
        word = words[-1]
        if len(words) % 4 == 0:
            word = [BOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _doubled(constant)
        words.append([a ^ b for a, b in zip(words[-4], word)])
    return [sum(words[i:i + 4], []) for i in range(0, 44, 4)]


def _mixed(column):
    every = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[i] ^ every ^ _doubled(column[i] ^ column[(i + 1) % 4]) for i in range(4)]


def aes128(key, block):
    """FIPS 197, most significant byte first."""
    first, *middle, last = _round_keys(key)
    state = [a ^ b for a, b in zip(block, first)]
    for round_key in [*middle, last]:
        state = [BOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if round_key is not last:
            state = sum((_mixed(state[i:i + 4]) for i in range(0, 16, 4)), [])
        state = [a ^ b for a, b in zip(state, round_key)]
    return bytes(state)


def e(key, block):
    return aes128(key[::-1], block[::-1])[::-1]


def _xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def c1(key, random, request, response, initiator, responder):
    """The confirm value. The devices are (type, address) as they are on the air: 0 public, 1 random."""
    first = bytes([initiator[0], responder[0]]) + request + response
    second = responder[1] + initiator[1] + bytes(4)
    return e(key, _xor(e(key, _xor(random, first)), second))


def s1(key, of_responder, of_initiator):
    """The short term key."""
    return e(key, of_initiator[:8] + of_responder[:8])


def ah(key, prand):
    """The hash of a resolvable address."""
    return e(key, prand + bytes(13))[:3]


def resolvable_address(key, random):
    """From three random bytes; whoever has the identity resolving key sees whose it is."""
    prand = random[:2] + bytes([random[2] & 0x3f | 0x40])
    return ah(key, prand) + prand


def address_from(text):
    return bytes.fromhex(text.replace(":", ""))[::-1]


def text_of_address(address):
    return address[::-1].hex(":").upper()
