# SPDX-License-Identifier: Apache-2.0
"""One child on the air of ble_air.py: what it advertises, and in a connection the bridge between its SMP characteristic
and its smp_child."""
import att_server
import le_pairing
from le_crypto import address_from, text_of_address
from smp_gatt import SERVICE, SmpGatt

PUBLIC, RANDOM = 0, 1
FLAGS, SERVICES, COMPLETE_NAME = 0x01, 0x07, 0x09  # types of advertised data
DISCOVERABLE_LE_ONLY = 0x06


def field(kind, value):
    return bytes([len(value) + 1, kind]) + value


class AirPeripheral:
    """`say` gets what is to be told to people."""

    def __init__(self, description, loop, say):
        self.name, self.loop, self.say = description["name"], loop, say
        self.advertised_name = description.get("advertised", self.name)
        self.child, self.demand = description.get("child", ""), description.get("pairing", "none")
        self.changes_address = description.get("changes_address", False)
        address = address_from(description["address"])
        kind = RANDOM if address[5] >> 6 == 3 and not description.get("public") else PUBLIC
        self.identity = le_pairing.Identity((kind, address))
        self.services, self.are_moved = description.get("services", "stay"), False
        self.database = self._database()
        self.data = field(FLAGS, bytes([DISCOVERABLE_LE_ONLY])) + field(SERVICES, att_server.type_bytes(SERVICE))
        self.response = field(COMPLETE_NAME, self.advertised_name.encode())
        self.link = self.att = self.pairing = self.gatt = None
        self.is_quiet = False
        self.device = self._next_device()

    @property
    def is_advertised(self):
        return not self.link and not self.is_quiet

    def _database(self):
        return att_server.Database(self.advertised_name, self.services == "move-with-hash", self.are_moved)

    # -------------------------------------------------------------------------------------------------- connection

    def connected(self, link):
        self.link = link
        self.att = att_server.AttServer(self.database, self._to_child, self._refusal)
        self.pairing = le_pairing.Pairing(self.identity, link.central, link.own,
                                          lambda packet: link.send(le_pairing.CHANNEL, packet), self.demand != "none")
        self.say(self.name, "connected", text_of_address(link.own[1]), "by", text_of_address(link.controller.address))

    def disconnected(self):
        self.say(self.name, "disconnected", text_of_address(self.link.own[1]))
        self._leave_child()
        self.link = self.att = self.pairing = None
        self.device = self._next_device()

    def drop(self):
        if self.link:
            self.link.drop()

    def _next_device(self):
        return self.identity.new_address() if self.changes_address else self.identity.address

    def _refusal(self):
        if self.demand == "none" or self.link.is_encrypted:
            return 0
        return att_server.INSUFFICIENT_ENCRYPTION if self.identity.bond else att_server.INSUFFICIENT_AUTHENTICATION

    # ----------------------------------------------------------------------------------------------------- its child

    def _to_child(self, value):
        try:
            if not self.gatt:
                self._reach_child()
            if self.gatt:
                self.gatt.write(value)
        except OSError:
            self.drop()

    def _reach_child(self):
        try:
            self.gatt = SmpGatt(self.child, self.att.mtu)
        except OSError:
            return  # it is off, or boots
        self.loop.watch(self.gatt, self._answered)

    def _answered(self):
        try:
            values = self.gatt.notifications()
        except OSError:
            self._restart()
            return
        if self.att.is_subscribed:
            for value in values:
                self.link.send(att_server.CHANNEL, self.att.notification(value))

    def _restart(self):
        """With its child, which may have become another firmware."""
        if self.services != "stay":
            self.are_moved = not self.are_moved
            self.database = self._database()
            self.say(self.name, "has SMP at", self.database.smp)
        self.drop()

    def _leave_child(self):
        if self.gatt:
            self.loop.leave(self.gatt)
            self.gatt.close()
            self.gatt = None
