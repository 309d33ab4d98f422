#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for bluetoothd 5.66 on a test's own bus: org.bluez for a GATT client, with BLE children (smp_child
--seqpacket) in its air. Prints "ready" when it owns the name. Ends with its bus, and with its parent if asked to.

The bus is that of DBUS_SYSTEM_BUS_ADDRESS. The object /test/stand_in steers it: StandIn, below. bluez_contract.py
(tests/ble) holds it to what a real bluetoothd does.
"""
import argparse
import ctypes
import signal
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

import stand_in_errors as errors
from stand_in_adapter import Adapter, Times
from stand_in_bus import BusError, Exported, Exports
from stand_in_pairing import AgentRegistry
from stand_in_peripheral import Peripheral

NAME = "org.bluez"
OWN_NAME = "test.headgate.StandIn"  # for /test/stand_in while bluetoothd "does not run"


class StandIn(Exported):
    """What a test does to adapters, children and calls."""

    INTERFACE = "test.headgate.StandIn1"

    def __init__(self, exports, times):
        super().__init__(exports, "/test/stand_in")
        self.times, self.adapters, self.peripherals = times, {}, {}
        self.made = 0
        self.agents = AgentRegistry(exports)
        exports.objects[self.path] = self
        exports.unnoted.add(self.path)
        exports.add(self.agents)
        GLib.timeout_add(times.advertise_ms, self.advertise_all)

    def advertise_all(self):
        for adapter in self.adapters.values():
            adapter.listen()
        return True

    # --- adapters ---

    def add_adapter(self, call):
        name, address = call.arguments
        adapter = self.adapters[name] = Adapter(self.exports, self.agents, self.times, name, address)
        adapter.peripherals = [child for child in self.peripherals.values() if child.adapter == name]
        self.exports.add(adapter)
        call.reply()

    def remove_adapter(self, call):
        self.adapter(call).close()
        del self.adapters[call.arguments[0]]
        call.reply()

    def set_powered(self, call):
        self.adapter(call).set_powered(bool(call.arguments[1]))
        call.reply()

    def adapter(self, call):
        return self.known(self.adapters, call.arguments[0])

    # --- children ---

    def add_peripheral(self, call):
        adapter, settings = self.adapter(call), call.arguments[1]
        self.made += 1
        try:
            child = Peripheral(f"p{self.made}", settings)
        except (KeyError, ValueError) as error:
            raise BusError("org.freedesktop.DBus.Error.InvalidArgs", str(error)) from error
        child.adapter = adapter.name
        self.peripherals[child.name] = child
        adapter.peripherals.append(child)
        call.reply("s", child.name)
        adapter.listen()

    def advertise(self, call):
        self.peripheral(call).advertising = bool(call.arguments[1])
        call.reply()

    def drop(self, call):
        self.hang_up(self.peripheral(call))
        call.reply()

    def restart(self, call):
        child = self.peripheral(call)
        self.hang_up(child)
        child.restarts += 1
        call.reply()

    def change_address(self, call):
        self.peripheral(call).address = call.arguments[1].upper()
        call.reply()

    def lose_bond(self, call):
        self.peripheral(call).bonds.clear()
        call.reply()

    def remove_peripheral(self, call):
        child = self.peripheral(call)
        child.advertising = False
        self.hang_up(child)
        del self.peripherals[child.name]
        for adapter in self.adapters.values():
            adapter.peripherals = [other for other in adapter.peripherals if other is not child]
        call.reply()

    def peripheral(self, call):
        return self.known(self.peripherals, call.arguments[0])

    @staticmethod
    def hang_up(child):
        if child.device:
            child.device.drop()

    @staticmethod
    def known(which, name):
        if name not in which:
            raise errors.does_not_exist()
        return which[name]

    # --- bluetoothd itself ---

    def die(self, call):
        self.exports.forget_all()
        self.agents.close()
        for adapter in self.adapters.values():
            adapter.die()
        self.exports.bus.release_name(NAME)
        call.reply()

    def start_again(self, call):
        take(self.exports.bus, NAME)
        self.exports.add(self.agents)
        for adapter in self.adapters.values():
            adapter.revive()
        call.reply()

    # --- calls of clients ---

    def fail(self, call):
        member, name, text, times = call.arguments
        self.exports.failures[member] += [BusError(name, text)] * times
        call.reply()

    def hang(self, call):
        member, times = call.arguments
        self.exports.failures[member] += [None] * times
        call.reply()

    def calls(self, call):
        call.reply("as", dbus.Array(self.exports.calls, signature="s"))

    METHODS = {
        "AddAdapter": ("ss", add_adapter),
        "RemoveAdapter": ("s", remove_adapter),
        "SetPowered": ("sb", set_powered),
        "AddPeripheral": ("sa{sv}", add_peripheral),
        "Advertise": ("sb", advertise),
        "Drop": ("s", drop),
        "Restart": ("s", restart),
        "ChangeAddress": ("ss", change_address),
        "LoseBond": ("s", lose_bond),
        "RemovePeripheral": ("s", remove_peripheral),
        "Die": ("", die),
        "StartAgain": ("", start_again),
        "Fail": ("sssu", fail),
        "Hang": ("su", hang),
        "Calls": ("", calls),
    }


def take(bus, name):
    if bus.request_name(name, dbus.bus.NAME_FLAG_DO_NOT_QUEUE) != dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER:
        sys.exit(f"bluez_stand_in: {name} is taken on this bus")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--die-with-parent", action="store_true")
    for name, value in vars(Times()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value, metavar="MS")
    return parser.parse_args()


def main():
    options = vars(arguments())
    if options.pop("die_with_parent"):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    loop = GLib.MainLoop()
    bus = dbus.SystemBus()
    bus.call_on_disconnection(lambda _: loop.quit())
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    StandIn(Exports(bus), Times(**options))
    take(bus, OWN_NAME)
    take(bus, NAME)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
