# SPDX-License-Identifier: Apache-2.0
"""The peripheral's side of pairing, with a central that is written out here."""
import le_crypto
from le_pairing import Identity, Pairing

CENTRAL, OWN = (0, b"\1\2\3\4\5\6"), (1, b"\7\7\7\7\7\xc7")
REQUEST = bytes([0x01, 3, 0, 0x01, 16, 0x03, 0x07])
RANDOM = bytes(range(16))


class Central:
    def __init__(self, is_supported=True):
        self.identity, self.heard = Identity(OWN), []
        self.child = Pairing(self.identity, CENTRAL, OWN, self.heard.append, is_supported)

    def confirm(self, random):
        return le_crypto.c1(bytes(16), random, REQUEST, self.heard[0], CENTRAL, OWN)

    def pair(self):
        """Answers the short term key."""
        self.child.received(REQUEST)
        self.child.received(b"\x03" + self.confirm(RANDOM))
        self.child.received(b"\x04" + RANDOM)
        theirs = self.heard[2][1:]
        assert self.heard[1] == b"\x03" + self.confirm(theirs)
        return le_crypto.s1(bytes(16), theirs, RANDOM)


def test_a_pairing_ends_with_a_bond_and_an_identity():
    central = Central()
    key = central.pair()
    assert central.heard[0].hex() == "02030001100003"  # no input, no output, bonding, its two keys
    assert central.child.key_for(bytes(8), bytes(2)) == key
    central.child.encrypted()
    codes = {packet[0]: packet[1:] for packet in central.heard[3:]}
    assert sorted(codes) == [6, 7, 8, 9]
    assert codes[9] == bytes([OWN[0]]) + OWN[1]
    assert central.child.key_for(codes[7][2:], codes[7][:2]) == codes[6]
    kind, address = central.identity.new_address()
    assert kind == 1 and le_crypto.ah(codes[8], address[3:]) == address[:3]


def test_a_later_connection_has_the_key_of_the_bond_only():
    central = Central()
    central.pair()
    central.child.encrypted()
    name, key = central.identity.bond
    later = Pairing(central.identity, CENTRAL, OWN, central.heard.append, True)
    assert later.key_for(name[2:], name[:2]) == key
    assert later.key_for(name[2:], b"xx") is None
    assert later.key_for(bytes(8), bytes(2)) is None
    told = len(central.heard)
    later.encrypted()
    assert len(central.heard) == told


def test_another_confirm_value_ends_it():
    central = Central()
    central.child.received(REQUEST)
    central.child.received(b"\x03" + bytes(16))
    central.child.received(b"\x04" + RANDOM)
    assert central.heard[-1] == b"\x05\x04"
    assert central.child.key_for(bytes(8), bytes(2)) is None


def test_one_that_does_not_pair_says_so():
    central = Central(is_supported=False)
    central.child.received(REQUEST)
    assert central.heard == [b"\x05\x05"]


def test_out_of_turn_is_refused():
    central = Central()
    central.child.received(b"\x04" + RANDOM)
    central.child.received(b"\x0c" + bytes(64))  # a key of LE Secure Connections, which it did not offer
    assert central.heard == [b"\x05\x08"]
