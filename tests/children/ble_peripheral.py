#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Children behind GATT on a real bluetoothd: a server of the SMP characteristic on each of some adapters.

    ble_peripheral.py DESCRIPTION        a JSON list, a peripheral each:
    {"adapter": "hci1", "name": "boiler-12", "child": "/run/children/boiler/socket", "pairing": "passkey", "passkey": 123456}

"child" is the socket of an smp_child --seqpacket (none: a stranger that answers nothing). "pairing" is what the
characteristic demands: "none", "just-works" (an encrypted link) or "passkey" (an authenticated one; both ends enter it,
as BlueZ shows no passkey of one's own choice). "quiet": a file; as long as it is there, nothing is advertised.

All of them are one program because bluetoothd takes one agent for all of its adapters. It prints `ready` when all are
advertised, registers them again with a bluetoothd that was restarted, and drops the link when the child drops its end.
What bluetoothd 5.66 cannot do as a server (see smp_gatt.py for the packets): write commands above 510 bytes (it loses
them), notifications above MTU - 5 (it cuts them). Virtual controllers report an advertisement when it begins and never
again: it is begun again every AGAIN_MS."""
import json
import pathlib
import socket
import subprocess
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib
from smp_gatt import CHARACTERISTIC, SERVICE, SmpGatt

AGAIN_MS = 2000
SERVER_OVERHEAD = 2  # bytes of each notification that bluetoothd 5.66 does not use
SO_SNDBUFFORCE = 32
BLUEZ = "org.bluez"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
PROPERTIES, MANAGED = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
GATT_SERVICE, GATT_CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
GATT, ADVERTISING = "org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT, AGENT, AGENTS = "org.bluez.LEAdvertisement1", "org.bluez.Agent1", "org.bluez.AgentManager1"
DEMANDED = {"none": [], "just-works": ["encrypt-write", "encrypt-notify"],
            "passkey": ["encrypt-authenticated-write", "encrypt-authenticated-notify"]}


def say(*words):
    print(*words, flush=True)


class Exported(dbus.service.Object):
    """An object with constant properties of one interface."""

    def __init__(self, bus, path, interface, properties):
        super().__init__(bus, path)
        self.path, self.interface, self.properties = dbus.ObjectPath(path), interface, properties

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return self.properties if interface == self.interface else {}

    @dbus.service.method(ADVERTISEMENT)
    def Release(self):
        pass


class SmpCharacteristic(Exported):
    """Bridges what bluetoothd hands over to the child, one SmpGatt for each link."""

    def __init__(self, bus, path, service, peripheral):
        super().__init__(bus, path, GATT_CHARACTERISTIC, {
            "UUID": CHARACTERISTIC, "Service": service.path, "WriteAcquired": False, "NotifyAcquired": False,
            "Flags": ["write-without-response", "notify", *DEMANDED[peripheral.pairing]]})
        self.peripheral = peripheral
        self.mtu, self.gatt, self.watch = 23, None, None
        self.ends = {}  # by name: our end of what bluetoothd writes to, of what it notifies

    @dbus.service.method(GATT_CHARACTERISTIC, in_signature="a{sv}", out_signature="hq")
    def AcquireWrite(self, options):
        descriptor = self._acquire("write", options)
        GLib.io_add_watch(self.ends["write"].fileno(), GLib.IO_IN | GLib.IO_HUP, self._written, self.ends["write"])
        return descriptor, dbus.UInt16(self.mtu)

    @dbus.service.method(GATT_CHARACTERISTIC, in_signature="a{sv}", out_signature="hq")
    def AcquireNotify(self, options):
        return self._acquire("notify", options), dbus.UInt16(self.mtu)

    @dbus.service.method(GATT_CHARACTERISTIC, in_signature="aya{sv}")
    def WriteValue(self, value, _options):
        self._to_child(bytes(value))

    def _acquire(self, name, options):
        self.mtu = int(options.get("mtu", self.mtu))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # bluetoothd waits for room in this socket, and all of its links with it: there has to be enough.
            theirs.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20)
            if name in self.ends:
                self.ends[name].close()
            self.ends[name] = ours
            return dbus.types.UnixFd(theirs.fileno())

    def _written(self, _descriptor, _condition, end):
        try:
            value = end.recv(1024)
        except OSError:
            return False
        if value:
            self._to_child(value)
        return bool(value)

    def _to_child(self, value):
        if not self.gatt:
            try:
                self.gatt = SmpGatt(self.peripheral.child, self.mtu - SERVER_OVERHEAD)
            except OSError:
                return  # it is off, or boots
            self.watch = GLib.io_add_watch(self.gatt.fileno(), GLib.IO_IN | GLib.IO_HUP, self._answered)
        try:
            self.gatt.write(value)
        except OSError:
            self.peripheral.drop()

    def _answered(self, _descriptor, _condition):
        try:
            for value in self.gatt.notifications():
                self.ends["notify"].send(value)
        except (OSError, KeyError):
            self.watch = None
            self.peripheral.drop()
            return False
        return True

    def link_ended(self):
        if self.watch:
            GLib.source_remove(self.watch)
        if self.gatt:
            self.gatt.close()
        self.gatt = self.watch = None


class Peripheral(dbus.service.Object):
    """One adapter that is a child."""

    def __init__(self, bus, description):
        self.adapter, self.name = description["adapter"], description["name"]
        self.child, self.pairing = description.get("child", ""), description.get("pairing", "none")
        self.passkey = description.get("passkey", 0)
        self.quiet = pathlib.Path(description.get("quiet", f"/run/quiet-{self.adapter}"))
        self.root = f"/test/{self.adapter}"
        super().__init__(bus, self.root)
        self.bus, self.links, self.is_registered, self.is_advertised = bus, set(), False, False
        service = Exported(bus, self.root + "/smp", GATT_SERVICE, {"UUID": SERVICE, "Primary": True})
        self.smp = SmpCharacteristic(bus, self.root + "/smp/packets", service, self)
        self.advertisement = Exported(bus, self.root + "/advertisement", ADVERTISEMENT, {
            "Type": "peripheral", "ServiceUUIDs": dbus.Array([SERVICE], "s"), "LocalName": self.name, "Discoverable": True})
        self.objects = [service, self.smp]

    @dbus.service.method(MANAGED, out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self):
        return {each.path: {each.interface: each.properties} for each in self.objects}

    def ask(self, interface, method, *arguments, then=lambda: None):
        def failed(error):
            say(self.adapter, method, error.get_dbus_name(), error.get_dbus_message())

        hci = self.bus.get_object(BLUEZ, f"/org/bluez/{self.adapter}", introspect=False)
        getattr(hci, method)(*arguments, dbus_interface=interface, reply_handler=then, error_handler=failed)

    def register(self):
        """With a bluetoothd that knows nothing of it."""
        self.links, self.is_registered, self.is_advertised = set(), False, False
        self.smp.link_ended()

        def registered():
            self.is_registered = True
            self.advertise()

        yes = dbus.Boolean(True, variant_level=1)
        for name, value in (("Powered", yes), ("Pairable", yes), ("Alias", dbus.String(self.name, variant_level=1))):
            self.ask(PROPERTIES, "Set", ADAPTER, name, value)
        self.ask(GATT, "RegisterApplication", dbus.ObjectPath(self.root), dbus.Dictionary({}, "sv"), then=registered)

    def advertise(self):
        """From the beginning, unless somebody is connected or it is to be quiet."""
        def begin():
            self.is_advertised = False
            if not self.links and not self.quiet.exists():
                self.ask(ADVERTISING, "RegisterAdvertisement", self.advertisement.path, dbus.Dictionary({}, "sv"),
                         then=begun)

        def begun():
            self.is_advertised = True

        if self.is_registered and self.is_advertised and not self.links:
            self.ask(ADVERTISING, "UnregisterAdvertisement", self.advertisement.path, then=begin)
        elif self.is_registered and not self.is_advertised:
            begin()

    def link_changed(self, device, is_connected):
        if is_connected:
            self.links.add(device)
        else:
            self.links.discard(device)
            self.smp.link_ended()

    def drop(self):
        """As if it were out of reach: without a word of bluetoothd, which would take two seconds for it."""
        self.smp.link_ended()
        subprocess.run(["drop-links", self.adapter], check=False)


class PairingAgent(dbus.service.Object):
    def __init__(self, bus, peripherals):
        super().__init__(bus, "/test/agent")
        self.of_adapter = {each.adapter: each for each in peripherals}
        has_passkeys = any(each.pairing == "passkey" for each in peripherals)
        self.capability = "KeyboardOnly" if has_passkeys else "NoInputNoOutput"

    def register(self, bus):
        agents = dbus.Interface(bus.get_object(BLUEZ, "/org/bluez", introspect=False), AGENTS)
        agents.RegisterAgent(dbus.ObjectPath("/test/agent"), self.capability)
        agents.RequestDefaultAgent(dbus.ObjectPath("/test/agent"))

    @dbus.service.method(AGENT, in_signature="o")
    def RequestAuthorization(self, device):
        say("pairing", device, "by just works")

    @dbus.service.method(AGENT, in_signature="ou")
    def RequestConfirmation(self, device, _passkey):
        say("pairing", device, "by just works")

    @dbus.service.method(AGENT, in_signature="os")
    def AuthorizeService(self, _device, _uuid):
        pass

    @dbus.service.method(AGENT, in_signature="o", out_signature="u")
    def RequestPasskey(self, device):
        say("pairing", device, "by passkey")
        return dbus.UInt32(self.of_adapter[device.split("/")[3]].passkey)

    @dbus.service.method(AGENT)
    def Cancel(self):
        pass

    @dbus.service.method(AGENT)
    def Release(self):
        pass


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    descriptions = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    peripherals = [Peripheral(bus, each) for each in descriptions]
    agent = PairingAgent(bus, peripherals)
    missing = {each.adapter for each in peripherals}

    def begin():
        agent.register(bus)
        for peripheral in peripherals:
            peripheral.register()

    def owner_changed(owner):
        for peripheral in peripherals:
            peripheral.is_registered = False
        missing.update(each.adapter for each in peripherals if owner)
        look_for_adapters(owner)

    def look_for_adapters(owner=True):
        """bluetoothd shows its adapters some time after its name."""
        if not owner or not missing:
            return
        manager = dbus.Interface(bus.get_object(BLUEZ, "/", introspect=False), MANAGED)
        for path, interfaces in manager.GetManagedObjects().items():
            if ADAPTER in interfaces:
                missing.discard(path.split("/")[-1])
        if not missing:
            begin()

    def device_changed(interface, changed, _invalidated, path):
        for peripheral in peripherals:
            if interface == DEVICE and "Connected" in changed and path.split("/")[3] == peripheral.adapter:
                peripheral.link_changed(path, bool(changed["Connected"]))

    def added(path, interfaces):
        if ADAPTER in interfaces:
            look_for_adapters()
        if interfaces.get(DEVICE, {}).get("Connected"):
            device_changed(DEVICE, {"Connected": True}, [], path)

    announced = []

    def again():
        for peripheral in peripherals:
            peripheral.advertise()
        if not announced and all(each.is_advertised or each.quiet.exists() for each in peripherals):
            announced.append(True)
            say("ready")
        return True

    bus.add_signal_receiver(device_changed, "PropertiesChanged", PROPERTIES, BLUEZ, path_keyword="path")
    bus.add_signal_receiver(added, "InterfacesAdded", MANAGED, BLUEZ)
    bus.watch_name_owner(BLUEZ, owner_changed)
    GLib.timeout_add(AGAIN_MS, again)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
