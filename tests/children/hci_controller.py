# SPDX-License-Identifier: Apache-2.0
"""An LE controller for the kernel's /dev/vhci (Core Specification, Vol 4, Part E): the adapter of a gateway, whose air is
ble_air.py. It is a central only, knows what Linux 6.1 asks of such a one, and encrypts nothing: it compares the keys.

btvirt is not used for this: its controllers (BlueZ 5.66, emulator/btdev.c) forward data under the sender's handle and
tell a peripheral the central's one, so that the second of two links at a time carries the data of the first."""
import errno
import os
import struct

COMMAND, DATA, EVENT, VENDOR = 1, 2, 4, 0xff
OK, UNKNOWN_COMMAND, NO_CONNECTION, NO_KEY, DISALLOWED = 0x00, 0x01, 0x02, 0x06, 0x0c
LOST, ENDED_HERE, BAD_KEY = 0x08, 0x16, 0x3d
FEATURES = bytes([1, 0, 0, 0, 0, 0, 0, 0])          # of LE: encryption
DEVICE_FEATURES = bytes([0, 0, 0, 0, 0x60, 0, 0, 0])  # LE, and nothing else
VERSION = struct.pack("<BHBHH", 8, 1, 8, 2, 1)      # 4.2
STATES = bytes([0xff, 0xff, 0xff, 0xff, 0xff, 3, 0, 0])
DATA_SIZE, DATA_PACKETS, LIST_SIZE = 251, 8, 16
NO_SIGNAL = 127
LONGEST = 1024


class HciController:
    """`air` is told when it wants something; it calls `heard`, `connected`, `deliver`, `completed` and `lost`."""

    def __init__(self, address, air):
        self.address, self.air = address, air  # address: as on the air, public
        self.links = {}  # by handle
        self._forget()
        self._device = os.open("/dev/vhci", os.O_RDWR | os.O_NONBLOCK)
        os.write(self._device, bytes([VENDOR, 0]))
        self._complete = {
            0x0c03: self._reset, 0x1001: lambda _: VERSION, 0x1002: lambda _: self._commands(),
            0x1003: lambda _: DEVICE_FEATURES, 0x1009: lambda _: self.address,
            0x1405: lambda asked: asked[:2] + bytes([NO_SIGNAL]),
            0x2002: lambda _: struct.pack("<HB", DATA_SIZE, DATA_PACKETS), 0x2003: lambda _: FEATURES,
            0x2005: self._set_random_address, 0x200b: self._set_scan_parameters, 0x200c: self._set_scan,
            0x200e: self._cancel, 0x200f: lambda _: bytes([LIST_SIZE]), 0x2010: self._clear_list,
            0x2011: lambda asked: self.accepted.add((asked[0], asked[1:7])),
            0x2012: lambda asked: self.accepted.discard((asked[0], asked[1:7])), 0x201c: lambda _: STATES}
        # Masks of events, and what would be advertised.
        self._complete |= dict.fromkeys((0x0c01, 0x2001, 0x2006, 0x2008, 0x2009), lambda _: None)
        self._status = {0x0406: self._disconnect, 0x041d: self._read_remote_version, 0x200d: self._connect,
                        0x2013: self._update, 0x2016: self._read_remote_features, 0x2019: self._encrypt}

    def fileno(self):
        return self._device

    def received(self):
        """Takes what the kernel has to say."""
        try:
            packet = os.read(self._device, LONGEST)
        except BlockingIOError:
            return
        if packet[0] == COMMAND:
            self._command(struct.unpack_from("<H", packet, 1)[0], packet[4:])
        elif packet[0] == DATA:
            handle, = struct.unpack_from("<H", packet, 1)
            if handle & 0xfff in self.links:
                self.links[handle & 0xfff].from_host(not handle & 0x1000, packet[5:])

    # ----------------------------------------------------------------------------------------------- from the air

    def heard(self, device, data, response):
        """An advertisement of (type, address), and the answer to a scan."""
        if not self.is_scanning or (self.only_accepted and device not in self.accepted):
            return
        if self.filters and (device, data) in self.reported:
            return
        self.reported.add((device, data))
        self._report(0, device, data)
        if self.asks_for_more:
            self._report(4, device, response)

    def wants(self, device):
        if not self.wanted:
            return False
        return device in self.accepted if self.wanted["by_list"] else device == self.wanted["device"]

    def connected(self, device, make_link):
        """The connection that is wanted is made; `make_link(handle, central)` answers the link."""
        wanted, self.wanted = self.wanted, None
        handle = next(handle for handle in range(1, 0xeff) if handle not in self.links)
        own = (1, self.random_address) if wanted["own_type"] == 1 else (0, self.address)
        self.links[handle] = make_link(handle, own)
        self._meta(0x01, struct.pack("<BHBB6sHHHB", OK, handle, 0, *device, *wanted["times"], 0))

    def deliver(self, handle, fragment, is_first):
        self._send(DATA, struct.pack("<HH", handle | (0x2000 if is_first else 0x1000), len(fragment)) + fragment)

    def completed(self, handle):
        if handle in self.links:
            self._event(0x13, struct.pack("<BHH", 1, handle, 1))

    def lost(self, handle, reason=LOST):
        if link := self.links.pop(handle, None):
            link.ended()
            self._event(0x05, struct.pack("<BHB", OK, handle, reason))

    # --------------------------------------------------------------------------------------------- from the kernel

    def _forget(self):
        self.random_address, self.accepted, self.wanted = bytes(6), set(), None
        self.is_scanning = self.asks_for_more = self.only_accepted = self.filters = False
        self.reported = set()

    def _command(self, opcode, asked):
        if opcode in self._complete:
            answer = self._complete[opcode](asked)
            status = answer if isinstance(answer, int) else OK
            self._event(0x0e, struct.pack("<BHB", 1, opcode, status) + (answer if isinstance(answer, bytes) else b""))
        elif opcode in self._status:
            self._status[opcode](asked)
        else:
            self._accept(opcode, UNKNOWN_COMMAND)

    def _commands(self):
        """Which there are (Vol 4, Part E, 6.27); Linux asks for no others."""
        octets = bytearray(64)
        octets[0], octets[2], octets[5], octets[14], octets[15] = 0x20, 0x80, 0xc0, 0x38, 0x22
        octets[25], octets[26], octets[27], octets[28] = 0x17, 0xfc, 0x27, 0x09
        return bytes(octets)

    def _reset(self, _):
        for link in self.links.values():
            link.ended()
        self.links = {}
        self._forget()

    def _set_random_address(self, asked):
        if self.is_scanning or self.wanted:
            return DISALLOWED
        self.random_address = asked[:6]
        return OK

    def _set_scan_parameters(self, asked):
        if self.is_scanning:
            return DISALLOWED
        self.asks_for_more, self.only_accepted = asked[0] == 1, asked[6] == 1
        return OK

    def _set_scan(self, asked):
        self.is_scanning, self.filters = asked[0] == 1, asked[1] == 1
        self.reported = set()

    def _clear_list(self, _):
        self.accepted = set()

    def _connect(self, asked):
        if self.wanted:
            self._accept(0x200d, DISALLOWED)
            return
        by_list, kind, address, own_type, interval, latency, timeout = struct.unpack_from("<4xBB6sB2xHHH", asked)
        self.wanted = {"by_list": by_list == 1, "device": (kind, address), "own_type": own_type,
                       "times": (interval, latency, timeout)}
        self._accept(0x200d)

    def _cancel(self, _):
        if not self.wanted:
            return DISALLOWED
        self.air.soon(self._cancelled, self.wanted)
        self.wanted = None
        return OK

    def _cancelled(self, wanted):
        self._meta(0x01, struct.pack("<BHBB6sHHHB", NO_CONNECTION, 0, 0, *wanted["device"], 0, 0, 0, 0))

    def _disconnect(self, asked):
        handle, _ = struct.unpack("<HB", asked)
        self._accept(0x0406, OK if handle in self.links else NO_CONNECTION)
        self.lost(handle, ENDED_HERE)

    def _read_remote_version(self, asked):
        self._accept(0x041d)
        self._event(0x0c, bytes([OK]) + asked[:2] + struct.pack("<BHH", 8, 2, 1))

    def _read_remote_features(self, asked):
        self._accept(0x2016)
        self._meta(0x04, bytes([OK]) + asked[:2] + FEATURES)

    def _update(self, asked):
        handle, interval, latency, timeout = struct.unpack_from("<H2xHHH", asked)
        self._accept(0x2013)
        self._meta(0x03, struct.pack("<BHHHH", OK, handle, interval, latency, timeout))

    def _encrypt(self, asked):
        handle, random, diversifier, key = struct.unpack("<H8s2s16s", asked)
        link = self.links.get(handle)
        self._accept(0x2019, OK if link else NO_CONNECTION)
        if not link:
            return
        theirs = link.key_for(random, diversifier)
        if theirs is None:
            self._event(0x08, struct.pack("<BHB", NO_KEY, handle, 0))
        elif theirs != key:
            self.lost(handle, BAD_KEY)
        elif link.is_encrypted:
            self._event(0x30, struct.pack("<BH", OK, handle))
            link.encrypted()
        else:
            self._event(0x08, struct.pack("<BHB", OK, handle, 1))
            link.encrypted()

    # ----------------------------------------------------------------------------------------------- to the kernel

    def _report(self, kind, device, data):
        self._meta(0x02, struct.pack("<BBB6sB", 1, kind, *device, len(data)) + data + bytes([NO_SIGNAL]))

    def _accept(self, opcode, status=OK):
        self._event(0x0f, struct.pack("<BBH", status, 1, opcode))

    def _meta(self, which, parameters):
        self._event(0x3e, bytes([which]) + parameters)

    def _event(self, which, parameters):
        self._send(EVENT, bytes([which, len(parameters)]) + parameters)

    def _send(self, kind, packet):
        try:
            os.write(self._device, bytes([kind]) + packet)
        except OSError as refused:
            if refused.errno != errno.ENXIO:  # it is off
                raise
