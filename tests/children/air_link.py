# SPDX-License-Identifier: Apache-2.0
"""A connection between an HciController and an AirPeripheral, and the medium that carries its packets."""
import math
import struct
import time

import att_server
import hci_controller
import le_pairing

SIGNALLING = 5
COMMAND_REJECT, NOT_UNDERSTOOD = 0x01, 0
REQUESTS = {0x12, 0x14, 0x17}  # of signalling, to a peripheral: what waits for an answer


class Ether:
    """Takes no time."""

    def carry(self, _is_answer, then):
        then()


class SharedMedium:
    """One for all links: a packet of whatever size takes `packet_s`, and what a peripheral says waits for its next
    connection event, which is every `interval_s`. Whoever comes first goes first."""

    def __init__(self, loop, packet_s, interval_s):
        self.loop, self.packet_s, self.interval_s = loop, packet_s, interval_s
        self.free_at = 0.0

    def carry(self, is_answer, then):
        if is_answer:
            event = math.ceil(time.monotonic() / self.interval_s) * self.interval_s
            self.loop.at(event, lambda: self._queue(then))
        else:
            self._queue(then)

    def _queue(self, then):
        self.free_at = max(time.monotonic(), self.free_at) + self.packet_s
        self.loop.at(self.free_at, then)


class AirLink:
    """`own` and `central` are the two as they are on the air. The peripheral gets whole packets of L2CAP channels."""

    def __init__(self, medium, controller, handle, peripheral, own, central):
        self.medium, self.controller, self.handle, self.peripheral = medium, controller, handle, peripheral
        self.own, self.central = own, central
        self.is_encrypted, self.is_there, self._held = False, True, b""

    def send(self, channel, packet):
        frame, size = struct.pack("<HH", len(packet), channel) + packet, hci_controller.DATA_SIZE
        for at in range(0, len(frame), size):
            self.medium.carry(True, lambda at=at: self._to_host(frame[at:at + size], at == 0))

    def from_host(self, is_first, fragment):
        self.medium.carry(False, lambda: self._from_host(is_first, fragment))

    def drop(self):
        """As if it went out of reach."""
        self.controller.lost(self.handle)

    # ------------------------------------------------------------------------------------------ for its controller

    def key_for(self, random, diversifier):
        return self.peripheral.pairing.key_for(random, diversifier)

    def encrypted(self):
        self.is_encrypted = True
        self.peripheral.pairing.encrypted()

    def ended(self):
        self.is_there = False
        self.peripheral.disconnected()

    # ----------------------------------------------------------------------------------------------------- packets

    def _to_host(self, fragment, is_first):
        if self.is_there:
            self.controller.deliver(self.handle, fragment, is_first)

    def _from_host(self, is_first, fragment):
        if not self.is_there:
            return
        self.controller.completed(self.handle)
        self._held = fragment if is_first else self._held + fragment
        if len(self._held) < 4 or len(self._held) < 4 + struct.unpack_from("<H", self._held)[0]:
            return
        packet, self._held = self._held, b""
        self._received(struct.unpack_from("<H", packet, 2)[0], packet[4:])

    def _received(self, channel, packet):
        if not packet:
            return
        if channel == att_server.CHANNEL:
            answer = self.peripheral.att.answer(packet)
            if answer:
                self.send(channel, answer)
        elif channel == le_pairing.CHANNEL:
            self.peripheral.pairing.received(packet)
        elif channel == SIGNALLING and packet[0] in REQUESTS:
            self.send(channel, struct.pack("<BBHH", COMMAND_REJECT, packet[1], 2, NOT_UNDERSTOOD))
