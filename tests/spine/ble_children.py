# SPDX-License-Identifier: Apache-2.0
"""BLE children of a gateway in the spine: each an smp_child behind a GATT of the stand-in for bluetoothd
(tests/children/bluez_stand_in.py), which is on the gateway's own bus. The real bluetoothd is in tests/system."""

import os

import dbus
from gateway import APP_1_0_0, BIN, DEVICE_CLASS, SOON_S, SOURCE, VENDOR
from gateway import Child as SmpChild
from processes import Program

ADAPTER = "hci0"
ADAPTER_ADDRESS = "00:AA:01:00:00:00"
PROFILE = """\
[patience]
answer_ms  = 60000
stall_ms   = 30000
swap_ms    = 60000
health_ms  = 0
attempts   = 5
backoff_ms = 500

[ble]
reset_delay_ms = 100
erase_ms       = 5000
chunk_ms       = 1000
last_ms        = 5000
idle_ms        = 500
"""


class Air:
    """The stand-in, and what it is told."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.program = None
        self._bus = None

    def start(self):
        self.program = Program("bluetoothd", ["/usr/bin/python3", "-B", SOURCE / "tests/children/bluez_stand_in.py"],
                               self.gateway.happenings, {"DBUS_SYSTEM_BUS_ADDRESS": self.gateway.bus_address})
        self.program.wait_until_said("ready", deadline_s=SOON_S)
        self._bus = dbus.bus.BusConnection(self.gateway.bus_address)
        self.do("AddAdapter", ADAPTER, ADAPTER_ADDRESS)

    def stop(self):
        if self._bus:
            self._bus.close()
            self._bus = None
        if self.program:
            self.program.stop()
            self.program = None

    def do(self, member, *arguments):
        stand_in = self._bus.get_object("org.bluez", "/test/stand_in", introspect=False)
        return getattr(stand_in, member)(*arguments, dbus_interface="test.headgate.StandIn1")

    def calls(self):
        return [str(call) for call in self.do("Calls")]


class BleChild(SmpChild):
    """On the air from when it is started."""

    def __init__(self, gateway, air, name, address, options=(), values=None, link="none", image=APP_1_0_0,
                 enrolled_as=None, profile="ble"):
        super().__init__(gateway, name, image, options)
        self.air, self.address = air, address
        self.socket = gateway.directory / f"air-{name}"
        self._values = values or {}
        self.id = None
        self.configuration = (
            f'[children.{name}]\ntransport = "ble"\naddress = "{enrolled_as or address}"\nprofile = "{profile}"\n'
            f'vendor = "{VENDOR}"\nclass = "{DEVICE_CLASS}"\ntarget = "app"\nimage = 0\nlink = "{link}"\n')

    def start(self, *more_options):
        self.state.mkdir(exist_ok=True)
        self.program = Program(
            f"child {self.name}",
            [BIN / "smp_child", "--state", self.state, "--seqpacket", self.socket, "--die-with-parent", "--verbose",
             "--image", self._image, *self._options, *more_options], self._gateway.happenings)
        self.program.wait_until_said("ready", deadline_s=SOON_S)
        values = {"Address": self.address, "AddressType": "random", "Name": self.name, "Rssi": dbus.Int16(-60),
                  "Smp": str(self.socket), **self._values}
        self.id = self.air.do("AddPeripheral", ADAPTER, dbus.Dictionary(values, signature="sv"))
        self.air.do("Advertise", self.id, True)


def prepare(gateway):
    """The air of the gateway; its children are added before start()."""
    gateway.more_configuration += f"[plugins.ble]\nuid = {os.getuid()}\n"
    air = Air(gateway)
    gateway.ends_with_test(air.stop)
    return air


def add(gateway, air, name, address, pairing="none", profile_more="", **more):
    """A child with a profile of its own, "ble-NAME"."""
    profile = PROFILE + f'pairing = "{pairing}"\n' + profile_more
    (gateway.directory / f"profiles/ble-{name}.toml").write_text(profile)
    child = gateway.children[name] = BleChild(gateway, air, name, address, profile=f"ble-{name}", **more)
    return child


def start(gateway, air, *options):
    gateway.web.start()
    gateway.start_bus()
    air.start()
    for child in gateway.children.values():
        child.start()
    gateway.start_daemon()
    start_plugin(gateway, *options)


def start_plugin(gateway, *options):
    state = gateway.directory / "ble-state"
    state.mkdir(mode=0o700, exist_ok=True)
    gateway.plugin = Program(
        "headgate-ble", [BIN / "headgate-ble", "--socket", gateway.runtime / "plugins.sock", "--bus",
                         gateway.bus_address, "--state", state, *options], gateway.happenings)


def give_passkey(gateway, child, passkey):
    file = gateway.directory / f"{child}.passkey"
    file.write_text(f"{passkey:06d}\n")
    gateway.ctl("children", "set-key", child, "link", file)
    file.unlink()

