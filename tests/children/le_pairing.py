# SPDX-License-Identifier: Apache-2.0
"""The peripheral's side of LE legacy pairing by just works (Core Specification, Vol 3, Part H): enough for a child that is
bonded, and known by its identity although its address changes. No bus, no loop: what comes over L2CAP channel 6 goes in,
`send` gets what goes out."""
import os

import le_crypto

CHANNEL = 6
REQUEST, RESPONSE, CONFIRM, RANDOM, FAILED = 0x01, 0x02, 0x03, 0x04, 0x05
ENCRYPTION_INFORMATION, CENTRAL_IDENTIFICATION = 0x06, 0x07
IDENTITY_INFORMATION, IDENTITY_ADDRESS = 0x08, 0x09
CONFIRM_FAILED, NOT_SUPPORTED, UNSPECIFIED = 0x04, 0x05, 0x08
NO_INPUT_NO_OUTPUT, BONDING, KEY_SIZE = 3, 0x01, 16
ENCRYPTION_KEY, IDENTITY_KEY = 0x01, 0x02
TEMPORARY_KEY = bytes(16)  # just works


class Identity:
    """Of a child, for all of its connections: who it is, and its bond. One bond: a new one takes the place of the old."""

    def __init__(self, address):
        """(type, address): 0 public, 1 static random."""
        self.address, self.resolving_key = address, os.urandom(16)
        self.bond = None  # (EDIV and random number, long term key)

    def new_address(self):
        return 1, le_crypto.resolvable_address(self.resolving_key, os.urandom(3))


class Pairing:
    """Of one connection. The devices are (type, address) as they are on the air."""

    def __init__(self, identity, central, own, send, is_supported):
        self.identity, self.central, self.own = identity, central, own
        self.send, self.is_supported = send, is_supported
        self.request = self.response = self.confirm = self.random = self.short_term_key = None

    def received(self, packet):
        code, parameters = packet[0], packet[1:]
        if code == REQUEST and len(packet) == 7:
            self._requested(packet)
        elif code == CONFIRM and self.response:
            self.confirm, self.random = parameters, os.urandom(16)
            self.send(bytes([CONFIRM]) + self._confirm_value(self.random))
        elif code == RANDOM and self.confirm:
            self._compare(parameters)
        elif code != FAILED and code < ENCRYPTION_INFORMATION:
            self._fail(UNSPECIFIED)

    def key_for(self, random, diversifier):
        """The key that encrypts the link, as the central names it; None: there is none."""
        if not any(random + diversifier):
            return self.short_term_key
        bond = self.identity.bond
        return bond[1] if bond and bond[0] == diversifier + random else None

    def encrypted(self):
        """The link is, now: with a new short term key, the others are told."""
        if not self.short_term_key:
            return
        self.short_term_key, wanted = None, self.response[6]
        if wanted & ENCRYPTION_KEY:
            name, key = os.urandom(10), os.urandom(16)
            self.identity.bond = (name, key)
            self.send(bytes([ENCRYPTION_INFORMATION]) + key)
            self.send(bytes([CENTRAL_IDENTIFICATION]) + name)
        if wanted & IDENTITY_KEY:
            kind, address = self.identity.address
            self.send(bytes([IDENTITY_INFORMATION]) + self.identity.resolving_key)
            self.send(bytes([IDENTITY_ADDRESS, kind]) + address)

    def _requested(self, packet):
        if not self.is_supported:
            self._fail(NOT_SUPPORTED)
            return
        theirs = packet[6] & (ENCRYPTION_KEY | IDENTITY_KEY)
        self.request = packet
        self.response = bytes([RESPONSE, NO_INPUT_NO_OUTPUT, 0, BONDING, KEY_SIZE, 0, theirs])
        self.send(self.response)

    def _confirm_value(self, random):
        return le_crypto.c1(TEMPORARY_KEY, random, self.request, self.response, self.central, self.own)

    def _compare(self, random):
        if self._confirm_value(random) != self.confirm:
            self._fail(CONFIRM_FAILED)
            return
        self.short_term_key = le_crypto.s1(TEMPORARY_KEY, self.random, random)
        self.send(bytes([RANDOM]) + self.random)

    def _fail(self, reason):
        self.request = self.response = self.confirm = None
        self.send(bytes([FAILED, reason]))
