# SPDX-License-Identifier: Apache-2.0
"""The attribute server of a child on an air of our own: found as a central finds it, and what it refuses and how."""
import struct

import pytest

from att_server import CHARACTERISTIC, SERVICE, AttServer, Database, type_bytes


class Peer:
    """Of one connection; `error` is what the server refuses with."""

    def __init__(self, name="boiler"):
        self.written, self.error = [], 0
        self.database = Database(name)
        self.server = AttServer(self.database, self.written.append, lambda: self.error)

    def ask(self, opcode, pattern="<", *values):
        return self.server.answer(bytes([opcode]) + struct.pack(pattern, *values))

    def exchange_mtu(self, mtu=247):
        return self.ask(0x02, "<H", mtu)


def refused(opcode, handle, error):
    return struct.pack("<BBHB", 0x01, opcode, handle, error)


@pytest.fixture
def peer():
    return Peer()


def test_the_mtu_is_the_smaller_one_but_23_at_least(peer):
    for offered, agreed in ((517, 247), (185, 185), (10, 23)):
        assert peer.exchange_mtu(offered) == struct.pack("<BH", 0x03, 247)
        assert peer.server.mtu == agreed


def test_services_are_found_group_by_group(peer):
    assert peer.ask(0x10, "<HHH", 1, 0xffff, 0x2800).hex() == "11 06 01000300 0018 04000400 0118".replace(" ", "")
    assert peer.ask(0x10, "<HHH", 5, 0xffff, 0x2800) == b"\x11\x14" + struct.pack("<HH", 5, 8) + type_bytes(SERVICE)
    assert peer.ask(0x10, "<HHH", 9, 0xffff, 0x2800) == refused(0x10, 9, 0x0a)
    assert peer.ask(0x10, "<HHH", 1, 0xffff, 0x2803) == refused(0x10, 1, 0x10)
    assert peer.ask(0x10, "<HHH", 2, 1, 0x2800) == refused(0x10, 2, 0x01)


def test_a_service_is_found_by_its_value(peer):
    found = peer.ask(0x06, "<HHH16s", 1, 0xffff, 0x2800, type_bytes(SERVICE))
    assert found == b"\x07" + struct.pack("<HH", 5, 8)
    assert peer.ask(0x06, "<HHH2s", 1, 0xffff, 0x2800, b"\x0f\x18") == refused(0x06, 1, 0x0a)


def test_characteristics_and_descriptors_are_found(peer):
    peer.exchange_mtu()
    declared = struct.pack("<HBH", 6, 0x14, 7) + type_bytes(CHARACTERISTIC)
    assert peer.ask(0x08, "<HHH", 5, 8, 0x2803) == bytes([0x09, len(declared)]) + declared
    assert peer.ask(0x04, "<HH", 8, 8) == b"\x05\x01" + struct.pack("<HH", 8, 0x2902)
    assert peer.ask(0x04, "<HH", 7, 8) == b"\x05\x02" + struct.pack("<H", 7) + type_bytes(CHARACTERISTIC)
    assert peer.ask(0x04, "<HH", 9, 20) == refused(0x04, 9, 0x0a)


def test_a_long_name_is_read_in_parts():
    peer = Peer("b" * 29)
    assert peer.ask(0x0a, "<H", 3) == b"\x0b" + b"b" * 22
    assert peer.ask(0x0c, "<HH", 3, 22) == b"\x0d" + b"b" * 7
    assert peer.ask(0x0c, "<HH", 3, 30) == refused(0x0c, 3, 0x07)
    assert peer.ask(0x08, "<HHH", 1, 0xffff, 0x2a00) == bytes([0x09, 21]) + struct.pack("<H", 3) + b"b" * 19


def test_what_is_not_there_or_not_allowed_is_refused(peer):
    assert peer.ask(0x0a, "<H", 99) == refused(0x0a, 99, 0x01)
    assert peer.ask(0x0a, "<H", 7) == refused(0x0a, 7, 0x02)
    assert peer.ask(0x12, "<HB", 3, 1) == refused(0x12, 3, 0x03)
    assert peer.ask(0x12, "<HB", 8, 1) == refused(0x12, 8, 0x0d)
    assert peer.ask(0x0a, "<B", 1) == refused(0x0a, 0, 0x04)
    assert peer.ask(0x20, "<H", 1) == refused(0x20, 0, 0x06)


def test_write_commands_and_confirmations_have_no_answer(peer):
    assert peer.ask(0x52, "<H3s", 7, b"smp") is None
    assert peer.ask(0x52, "<H3s", 8, b"\1\0") is None
    assert peer.ask(0x52) is None
    assert peer.ask(0x1e) is None
    assert peer.written == [b"smp"]


def test_a_subscription_is_kept_and_read_back(peer):
    assert peer.ask(0x12, "<HH", 8, 1) == b"\x13"
    assert peer.server.is_subscribed
    assert peer.ask(0x0a, "<H", 8) == b"\x0b\x01\x00"
    assert peer.server.notification(b"smp") == b"\x1b\x07\x00smp"


def test_without_the_protection_it_wants_nothing_comes_through(peer):
    peer.error = 0x05
    assert peer.ask(0x12, "<HH", 8, 1) == refused(0x12, 8, 0x05)
    assert peer.ask(0x52, "<H3s", 7, b"smp") is None
    assert not peer.server.is_subscribed and not peer.written
