# SPDX-License-Identifier: Apache-2.0
"""The bridge between GATT fragments and an smp_child --seqpacket."""
import struct

import cbor2
import pytest

from smp_gatt import Reassembly, SmpGatt, cut


def packet(size, sequence=1, command=0):
    """An echo request of `size` bytes, from 24 bytes up."""
    body = b"\xa1\x61d\x79" + struct.pack(">H", size - 14) + b"x" * (size - 14)
    return struct.pack(">BBHHBB", 0x0a, 0, len(body), 0, sequence, command) + body


def test_fragments_of_any_size_are_one_packet():
    whole = packet(300)
    for size in (8, 20, 242, 299, 300):
        reassembly = Reassembly()
        answers = [reassembly.feed(whole[i:i + size]) for i in range(0, 300, size)]
        assert answers[-1] == whole and not any(answers[:-1])


def test_what_does_not_fit_is_dropped_with_its_packet():
    reassembly = Reassembly()
    assert reassembly.feed(packet(30)[:7]) is None           # no whole header
    assert reassembly.feed(packet(30) + b"more") is None     # more than announced
    assert reassembly.feed(packet(300)[:200]) is None
    assert reassembly.feed(packet(300)[:200]) is None        # the new first fragment is taken for a second one
    assert reassembly.dropped == 3
    assert reassembly.feed(packet(30)) == packet(30)


def test_without_reassembly_a_write_is_a_packet():
    reassembly = Reassembly(whole=True)
    assert reassembly.feed(packet(300)[:200]) is None
    assert reassembly.feed(packet(200)) == packet(200)
    assert reassembly.dropped == 1


def test_notifications_are_cut_to_the_mtu():
    assert [len(value) for value in cut(b"x" * 500, 247)] == [244, 244, 12]
    assert [len(value) for value in cut(b"x" * 20, 23)] == [20]


def test_a_packet_through_the_bridge_and_back(start, tmp_path):
    child = start("--seqpacket", tmp_path / "smp")
    link = SmpGatt(child.where, mtu=65)
    request = packet(200)
    for fragment in cut(request, 65):
        link.write(fragment)
    values = link.notifications()
    assert {len(value) for value in values[:-1]} == {62}
    answer = b"".join(values)
    assert answer[0] == 0x0b and cbor2.loads(answer[8:]) == {"r": "x" * 186}
    link.close()


def test_a_child_that_resets_drops_the_link_and_is_not_there_while_it_boots(start, tmp_path):
    child = start("--seqpacket", tmp_path / "smp", "--boot-ms", 200)
    link = SmpGatt(child.where, mtu=247)
    link.write(struct.pack(">BBHHBB", 0x0a, 0, 1, 0, 1, 5) + b"\xa0")
    assert link.notifications()
    with pytest.raises(ConnectionError):
        link.notifications()
    with pytest.raises(OSError):
        SmpGatt(child.where, mtu=247)
    link.close()
    child.wait_up(1)
    SmpGatt(child.where, mtu=247).close()
