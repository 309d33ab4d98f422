# SPDX-License-Identifier: Apache-2.0
"""Adapter1: discovery for its clients, the devices that were heard, and the peripherals that are in its air."""
import dataclasses

import dbus

import stand_in_errors as errors
from stand_in_bus import Exported
from stand_in_device import Device

FILTERS = {"UUIDs": dbus.Array, "RSSI": dbus.Int16, "Pathloss": dbus.UInt16, "Transport": dbus.String,
           "DuplicateData": dbus.Boolean, "Discoverable": dbus.Boolean, "Pattern": dbus.String}


@dataclasses.dataclass
class Times:
    """Milliseconds."""

    advertise_ms: int = 100     # between two advertisements of a child
    connect_ms: int = 40000     # until a connection that is not made is given up
    temporary_ms: int = 30000   # until a device is forgotten that nobody uses and nobody hears
    disconnect_ms: int = 50     # from Disconnect to the end of the link; bluetoothd: 2 s
    answer_ms: int = 5          # of the child: services, pairing


class Client:
    """What one client wants to discover."""

    def __init__(self):
        self.discovers, self.filter, self.watch = False, None, None

    def wants(self, peripheral):
        wanted = self.filter or {}
        uuids = [str(uuid).lower() for uuid in wanted.get("UUIDs", [])]
        if uuids and not set(uuids) & set(peripheral.uuids):
            return False
        if "RSSI" in wanted and peripheral.rssi < wanted["RSSI"]:
            return False
        return any(name.startswith(wanted.get("Pattern", "")) for name in (peripheral.local_name, peripheral.address))


class Adapter(Exported):
    INTERFACE = "org.bluez.Adapter1"
    SETTABLE = frozenset({"Powered", "Alias", "Discoverable", "Pairable"})

    def __init__(self, exports, agents, times, name, address):
        super().__init__(exports, "/org/bluez/" + name)
        self.agents, self.times, self.name, self.address = agents, times, name, address.upper()
        self.powered, self.settings = True, {"Alias": "stand-in", "Discoverable": False, "Pairable": False}
        self.clients = {}      # bus name: Client
        self.devices = []
        self.peripherals = []
        self.stored = []       # (peripheral, level) of the bonds, while bluetoothd does not run

    def properties(self):
        return {
            "Address": dbus.String(self.address),
            "AddressType": dbus.String("public"),
            "Name": dbus.String("stand-in"),
            "Alias": dbus.String(self.settings["Alias"]),
            "Class": dbus.UInt32(0),
            "Powered": dbus.Boolean(self.powered),
            "Discoverable": dbus.Boolean(self.settings["Discoverable"]),
            "DiscoverableTimeout": dbus.UInt32(180),
            "Pairable": dbus.Boolean(self.settings["Pairable"]),
            "PairableTimeout": dbus.UInt32(0),
            "Discovering": dbus.Boolean(self.discovering()),
            "UUIDs": dbus.Array([], signature="s"),
            "Modalias": dbus.String("usb:v1D6Bp0246d0542"),
            "Roles": dbus.Array(["central", "peripheral"], signature="s"),
        }

    def set_property(self, name, value):
        if name == "Powered":
            return self.set_powered(bool(value))
        self.settings[name] = value
        return self.changed(name)

    def set_powered(self, powered):
        if powered == self.powered:
            return
        if not powered:
            self.end_all()
        self.powered = powered
        self.changed("Powered")

    def end_all(self):
        for client in list(self.clients):
            self.forget(client)
        for device in self.devices:
            if device.connecting:
                device.end_connecting(errors.LOST_BEFORE_DONE)
            device.drop()

    # --- discovery ---

    def discovering(self):
        return any(client.discovers for client in self.clients.values())

    def set_filter(self, call):
        self.check_powered()
        wanted = call.arguments[0]
        for name, value in wanted.items():
            if name not in FILTERS or not isinstance(value, FILTERS[name]):
                raise errors.invalid_arguments()
        if wanted.get("Transport", "auto") not in ("auto", "le", "bredr"):
            raise errors.invalid_arguments()
        self.client_of(call).filter = dict(wanted) or None
        call.reply()

    def start(self, call):
        self.check_powered()
        client = self.client_of(call)
        if client.discovers:
            raise errors.busy()
        before = self.discovering()
        client.discovers = True
        call.reply()
        if not before:
            self.changed("Discovering")
        self.listen()

    def stop(self, call):
        self.check_powered()
        client = self.clients.get(call.sender)
        if client is None or not client.discovers:
            raise errors.failed("No discovery started")
        self.forget(call.sender)
        call.reply()

    def check_powered(self):
        if not self.powered:
            raise errors.not_ready()

    def client_of(self, call):
        if call.sender not in self.clients:
            client = self.clients[call.sender] = Client()
            client.watch = self.exports.bus.watch_name_owner(
                call.sender, lambda owner, name=call.sender: owner or self.forget(name))
        return self.clients[call.sender]

    def forget(self, name):
        client = self.clients.pop(name, None)
        if client is None:
            return
        if client.watch:
            client.watch.cancel()
        if client.discovers and not self.discovering():
            self.changed("Discovering")
            for device in self.devices:
                device.not_heard_any_more()

    def listen(self):
        """What is in the air now. Called at each interval of advertising."""
        for peripheral in self.peripherals if self.discovering() else ():
            if peripheral.is_there():
                self.hear(peripheral)

    def hear(self, peripheral):
        clients = [client for client in self.clients.values() if client.discovers and client.wants(peripheral)]
        device = self.device_of(peripheral)
        if device is None and clients:
            device = Device(self.exports, self, peripheral, peripheral.address)
            self.devices.append(device)
            device.rssi = peripheral.rssi
            device.later("temporary", self.times.temporary_ms, device.expire)
            return self.exports.add(device)
        if device:
            device.heard(filtered=any(client.filter is not None for client in clients))
        return None

    def device_of(self, peripheral):
        """By its address on the air, or by its identity if bluetoothd has the key for that."""
        for device in self.devices:
            if device.peripheral is peripheral and (device.bond or device.address == peripheral.address):
                return device
        return None

    # --- devices ---

    def remove_device(self, call):
        for device in self.devices:
            if device.path == call.arguments[0]:
                self.remove(device)
                return call.reply()
        raise errors.does_not_exist()

    def remove(self, device):
        self.devices.remove(device)
        device.close()

    def die(self):
        """bluetoothd ends: nothing can be told any more, and bonds are on its disk."""
        self.stored = [(device.peripheral, device.bond) for device in self.devices if device.bond]
        self.close()

    def revive(self):
        self.exports.add(self)
        for peripheral, bond in self.stored:
            device = Device(self.exports, self, peripheral, peripheral.identity)
            device.bond, device.temporary = bond, False
            self.devices.append(device)
            self.exports.add(device)

    def close(self):
        """The adapter is unplugged."""
        for device in list(self.devices):
            self.remove(device)
        for client in list(self.clients):
            self.forget(client)
        self.exports.remove(self)

    METHODS = {
        "SetDiscoveryFilter": ("a{sv}", set_filter),
        "StartDiscovery": ("", start),
        "StopDiscovery": ("", stop),
        "RemoveDevice": ("o", remove_device),
    }
