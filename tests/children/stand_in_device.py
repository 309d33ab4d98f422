# SPDX-License-Identifier: Apache-2.0
"""Device1: what bluetoothd knows of a child, the link to it, and its GATT objects. Pairing: stand_in_pairing.py."""
import dbus
from gi.repository import GLib

import stand_in_errors as errors
import stand_in_gatt
import stand_in_pairing
from stand_in_bus import Exported
from stand_in_peripheral import ENCRYPTED, OPEN

LOOK_AGAIN_MS = 20  # while a connection is being made, for the child's next advertisement


class Device(Exported):
    INTERFACE = "org.bluez.Device1"
    SETTABLE = frozenset({"Trusted", "Blocked", "Alias"})

    def __init__(self, exports, adapter, peripheral, address):
        super().__init__(exports, f"{adapter.path}/dev_{address.replace(':', '_')}")
        self.adapter, self.peripheral, self.address = adapter, peripheral, address
        self.identity = peripheral.identity  # known to bluetoothd once there is a bond
        self.local_name, self.uuids = peripheral.local_name, list(peripheral.uuids)
        self.alias = ""
        self.flags = {"Trusted": False, "Blocked": False}
        self.rssi = None
        self.temporary = True
        self.bond = 0               # level of the bond; 0: none
        self.connected = self.resolved = False
        self.level = OPEN           # of the link
        self.connecting = None      # the Call of Connect, or a function of the error
        self.disconnecting = []     # Calls of Disconnect
        self.waiting = []           # for the services: functions of whether the link was lost instead
        self.pairing = None         # stand_in_pairing.Pairing
        self.link = None            # SmpGatt
        self.services, self.smp, self.restarts = [], None, -1
        self.sources = {}           # what waits: GLib sources by purpose

    def properties(self):
        name = self.local_name
        there = {
            "Address": dbus.String(self.address),
            "AddressType": dbus.String(self.peripheral.address_type),
            "Alias": dbus.String(self.alias or name or self.address.replace(":", "-")),
            "Paired": dbus.Boolean(bool(self.bond)),
            "Bonded": dbus.Boolean(bool(self.bond)),
            "Trusted": dbus.Boolean(self.flags["Trusted"]),
            "Blocked": dbus.Boolean(self.flags["Blocked"]),
            "LegacyPairing": dbus.Boolean(False),
            "Connected": dbus.Boolean(self.connected),
            "UUIDs": dbus.Array(self.uuids, signature="s"),
            "Adapter": dbus.ObjectPath(self.adapter.path),
            "ServicesResolved": dbus.Boolean(self.resolved),
        }
        if name:
            there["Name"] = dbus.String(name)
        if self.rssi is not None:
            there["RSSI"] = dbus.Int16(self.rssi)
        return there

    def set_property(self, name, value):
        if name == "Alias":
            self.alias = str(value)
        else:
            self.flags[name] = bool(value)
        self.changed(name)

    # --- time ---

    def later(self, purpose, milliseconds, action):
        """Runs `action` once; a new one for the same purpose replaces the old one."""
        self.forget(purpose)

        def run():
            self.sources.pop(purpose, None)
            action()
            return False
        self.sources[purpose] = GLib.timeout_add(milliseconds, run)

    def forget(self, purpose):
        source = self.sources.pop(purpose, None)
        if source is not None:
            GLib.source_remove(source)

    # --- discovery ---

    def heard(self, filtered):
        """An advertisement. Without a filter small changes of the signal are not told."""
        self.later("temporary", self.adapter.times.temporary_ms, self.expire)
        before, self.rssi = self.rssi, self.peripheral.rssi
        names = ["RSSI"] if before is None or filtered or abs(before - self.rssi) >= 8 else []
        if self.local_name != self.peripheral.local_name:
            self.local_name = self.peripheral.local_name
            names += ["Name", "Alias"]
        if names:
            self.changed(*names)

    def expire(self):
        if self.temporary and not self.connected:
            self.adapter.remove(self)

    def not_heard_any_more(self):
        if self.rssi is not None:
            self.rssi = None
            self.changed("RSSI")

    # --- connect ---

    def connect(self, call):
        if self.connected:
            return call.reply()
        if self.connecting:
            raise errors.failed(errors.CONNECTING)
        if not self.adapter.powered:
            raise errors.failed(errors.NO_SOCKET)
        self.begin_connecting(lambda error: call.fail(errors.failed(error)) if error else call.reply())
        return None

    def begin_connecting(self, done):
        """`done` is called with the text of the error, or None."""
        self.temporary = False
        if self.connecting:  # by a client's Connect: now for a pairing too
            before, self.connecting = self.connecting, lambda error: (before(error), done(error))
            return
        self.connecting = done
        self.later("give up", self.adapter.times.connect_ms, lambda: self.end_connecting(errors.NOT_FOUND))
        self.later("connect", 0, self.try_connecting)

    def try_connecting(self):
        child = self.peripheral
        at_this_address = self.bond or self.address == child.address
        if child.is_there() and at_this_address and child in self.adapter.peripherals:
            try:
                self.link = child.open_smp()
                return self.link_is_up()
            except OSError:
                pass  # the child boots
        return self.later("connect", LOOK_AGAIN_MS, self.try_connecting)

    def link_is_up(self):
        self.peripheral.device = self
        self.connected, self.level = True, OPEN
        if self.link:
            self.sources["link"] = GLib.io_add_watch(
                self.link.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.read_smp)
        self.changed("Connected")
        if self.bond and not self.peripheral.bonds.get(self.adapter.address):
            return self.later("drop", self.adapter.times.answer_ms, self.drop)  # it has no key: it hangs up
        self.level = self.bond or OPEN
        self.end_connecting(None)
        return self.later("resolve", self.adapter.times.answer_ms, self.resolve)

    def end_connecting(self, error):
        done, self.connecting = self.connecting, None
        self.forget("give up")
        self.forget("connect")
        if done:
            done(error)

    def resolve(self):
        """The services are there: the same objects as before, unless the child has restarted with others."""
        if self.restarts != self.peripheral.restarts:
            self.remove_services()
            self.restarts = self.peripheral.restarts
            self.services, self.smp = stand_in_gatt.discover(self.exports, self, self.peripheral)
            for exported in [*self.services, *([self.smp] if self.smp else [])]:
                self.exports.add(exported)
        self.resolved = True
        names = ["ServicesResolved"]
        uuids = sorted({*self.uuids, *(service.uuid for service in self.services)})
        if uuids != self.uuids:
            self.uuids = uuids
            names.append("UUIDs")
        self.changed(*names)
        if self.smp and self.smp.clients:
            self.smp.changed("Notifying")
        self.tell_waiting(lost=False)

    def remove_services(self):
        for exported in [*([self.smp] if self.smp else []), *reversed(self.services)]:
            if exported is self.smp:
                exported.close()
            self.exports.remove(exported)
        self.services, self.smp = [], None

    def when_resolved(self, action):
        if self.resolved:
            return action(False)
        return self.waiting.append(action)

    def tell_waiting(self, lost):
        waiting, self.waiting = self.waiting, []
        for action in waiting:
            action(lost)

    # --- the link ends ---

    def disconnect(self, call):
        if self.pairing:
            self.pairing.cancel()
        if self.connecting:
            self.end_connecting(errors.LOST_BEFORE_DONE)
        if not self.connected:
            return call.reply()
        self.disconnecting.append(call)
        if "drop" not in self.sources:
            self.later("drop", self.adapter.times.disconnect_ms, self.drop)
        return None

    def drop(self):
        """The link is lost, whoever ended it."""
        if self.pairing:
            self.pairing.lost()
        if not self.connected:
            return
        for purpose in ("link", "resolve", "drop"):
            self.forget(purpose)
        if self.link:
            self.link.close()
            self.link = None
        self.peripheral.device = None
        self.connected = self.resolved = False
        self.level = OPEN
        if self.smp:
            self.smp.link_lost()
        self.changed("Connected", "ServicesResolved")
        self.end_connecting(errors.LOST_BEFORE_DONE)
        self.tell_waiting(lost=True)
        calls, self.disconnecting = self.disconnecting, []
        for call in calls:
            call.reply()
        if not self.bond and self.temporary:
            self.later("temporary", self.adapter.times.temporary_ms, self.expire)

    # --- what the child says, and hears ---

    def read_smp(self, *_):
        try:
            for value in self.link.notifications():
                if self.smp and self.level >= self.peripheral.demands:
                    self.smp.notify(value)
            return True
        except OSError:
            self.sources.pop("link", None)
            self.drop()
            return False

    def write_smp(self, value):
        try:
            if self.link:
                self.link.write(value)
        except OSError:
            self.later("lost", 0, self.drop)

    # --- security ---

    def elevate(self, level):
        """Whether the link has this level now: bluetoothd pairs by itself when a child refuses, without asking anybody,
        which only helps with one that takes just-works."""
        if self.level < level and not self.bond and self.peripheral.pairing == "just-works":
            self.bonded(ENCRYPTED)
        return self.level >= level

    def bonded(self, level):
        self.bond = self.level = level
        self.temporary = False
        self.peripheral.bonds[self.adapter.address] = level
        names = ["Paired", "Bonded"]
        if self.address != self.identity:
            self.address = self.identity
            names.append("Address")
        self.changed(*names)

    def pair(self, call):
        if self.pairing:
            raise errors.in_progress()
        if self.bond:  # 5.66 tries BR/EDR then
            raise errors.authentication_failed()
        if not self.adapter.powered:
            raise errors.not_ready()
        self.temporary = False
        self.pairing = stand_in_pairing.Pairing(self, call)
        self.pairing.begin()

    def cancel_pairing(self, call):
        if not self.pairing:
            raise errors.does_not_exist()
        self.pairing.cancel()
        call.reply()

    def close(self):
        """Removed from the bus, with its bond."""
        self.temporary, self.bond = True, 0
        self.end_connecting(errors.LOST_BEFORE_DONE)
        self.drop()
        for purpose in list(self.sources):
            self.forget(purpose)
        self.remove_services()
        self.exports.remove(self)

    METHODS = {
        "Connect": ("", connect),
        "Disconnect": ("", disconnect),
        "Pair": ("", pair),
        "CancelPairing": ("", cancel_pairing),
    }
