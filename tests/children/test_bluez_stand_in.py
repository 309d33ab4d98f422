# SPDX-License-Identifier: Apache-2.0
"""The stand-in's own behaviour, where bluez_contract.py (tests/ble) does not reach: steering, and children that end."""
import os
import select
import subprocess
import sys
import tempfile

import dbus
import pytest

import bluez_client as bluez
import smp_gatt
from child_process import SOURCE, VECTORS, ChildProcess

sys.path.append(str(SOURCE / "tests/ble"))
import bluez_contract  # noqa: E402: it is shared with tests/system

HERE = os.path.dirname(os.path.abspath(__file__))
STEERING = "test.headgate.StandIn1"
HCI = "/org/bluez/hci0"
ADDRESS = "C0:FF:EE:00:11:22"


class Bluez(bluez.Client):
    """A client that can steer the stand-in too."""

    def steer(self, member, signature="", *values):
        return self.call("/test/stand_in", STEERING, member, signature, *values)

    def add(self, adapter="hci0", **settings):
        given = {"Address": ADDRESS, "Name": "boiler-12"} | settings
        types = {"Rssi": dbus.Int16, "Mtu": dbus.UInt16, "Passkey": dbus.UInt32, "BytesPerSecond": dbus.UInt32}
        typed = {key: types.get(key, lambda value: value)(value) for key, value in given.items()}
        return self.steer("AddPeripheral", "sa{sv}", adapter, dbus.Dictionary(typed, signature="sv"))

    def discover(self, address=ADDRESS, adapter=HCI):
        """Discovery with a filter, until the device is there: its path."""
        wanted = {"Transport": "le", "UUIDs": dbus.Array([smp_gatt.SERVICE], signature="s")}
        self.call(adapter, bluez.ADAPTER, "SetDiscoveryFilter", "a{sv}", dbus.Dictionary(wanted, signature="sv"))
        self.call(adapter, bluez.ADAPTER, "StartDiscovery")
        return self.until(lambda: self.device(adapter, address), what="the device")

    def connect(self, device):
        self.call(device, bluez.DEVICE, "Connect")
        self.until(lambda: self.get(device, bluez.DEVICE, "ServicesResolved"), what="services")
        return self.characteristic(device, smp_gatt.CHARACTERISTIC)

    def acquire(self, characteristic):
        """(socket for notifications, socket for writes, mtu)"""
        notifications, _ = self.call(characteristic, bluez.CHARACTERISTIC, "AcquireNotify", "a{sv}", bluez.NOTHING)
        writes, mtu = self.call(characteristic, bluez.CHARACTERISTIC, "AcquireWrite", "a{sv}", bluez.NOTHING)
        return bluez.socket_of(notifications), bluez.socket_of(writes), int(mtu)


class Buses:
    """A private bus with a stand-in, and its clients."""

    def __init__(self, *options):
        self.directory = tempfile.TemporaryDirectory(prefix="headgate-bluez-")
        self.address = f"unix:path={self.directory.name}/bus"
        self.processes, self.clients = [], []
        self.start(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=" + self.address,
                    "--print-address"])
        self.start([sys.executable, "-B", os.path.join(HERE, "bluez_stand_in.py"), "--die-with-parent", *options],
                   DBUS_SYSTEM_BUS_ADDRESS=self.address)

    def start(self, command, **environment):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | environment)
        self.processes.append(process)
        assert select.select([process.stdout], [], [], 20)[0] and process.stdout.readline(), command

    def client(self):
        self.clients.append(Bluez(self.address))
        return self.clients[-1]

    def close(self):
        for client in self.clients:
            client.close()
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)
            process.stdout.close()
        self.directory.cleanup()


@pytest.fixture
def start_bus():
    buses = []

    def start(*options):
        buses.append(Buses(*options))
        client = buses[-1].client()
        client.buses = buses[-1]
        client.steer("AddAdapter", "ss", "hci0", "00:AA:01:00:00:00")
        return client

    yield start
    for bus in buses:
        bus.close()


@pytest.fixture
def client(start_bus):
    return start_bus("--connect-ms", "300", "--temporary-ms", "400")


@pytest.fixture
def start_child(tmp_path):
    children = []

    def start(*options):
        children.append(ChildProcess(tmp_path, "--seqpacket", tmp_path / "smp", "--reset-delay-ms", 20, "--image",
                                     VECTORS / "app-1.0.0.bin", *options))
        return children[-1]

    yield start
    for child in children:
        child.stop()


def echo_request(size, sequence=1):
    body = b"\xa1\x61d\x79" + (size - 14).to_bytes(2, "big") + b"x" * (size - 14)
    return bytes([0x0a, 0]) + len(body).to_bytes(2, "big") + bytes([0, 0, sequence, 0]) + body


def exchange(client, notifications, writes, request, mtu):
    for fragment in smp_gatt.cut(request, mtu):
        writes.send(fragment)
    reassembly, packets = smp_gatt.Reassembly(), []

    def whole():
        if select.select([notifications], [], [], 0)[0]:
            packet = reassembly.feed(notifications.recv(1024))
            packets.extend([packet] if packet else [])
        return packets
    return client.until(whole, what="an answer")[0]


def test_a_child_is_found_connected_and_answers(client, start_child):
    client.add(Smp=start_child().where)
    characteristic = client.connect(client.discover())
    notifications, writes, mtu = client.acquire(characteristic)
    assert mtu == 247
    assert exchange(client, notifications, writes, echo_request(600), mtu)[8:].endswith(b"x" * 50 + b"\xff")


# --- the contract


class StandInWorld:
    """The hooks of bluez_contract.World on a stand-in with one child."""

    def __init__(self, client, child):
        self.client, self.smp = client, child.where
        self.id = self.make("none", False)
        self.world = bluez_contract.World(
            client=client.buses.client, adapter=HCI, address=ADDRESS, child=self.replace, passkey=lambda: 123456,
            drop=lambda: client.steer("Drop", "s", self.id), vanish=lambda: self.advertise(False),
            come_back=lambda: self.advertise(True), forget=lambda: client.steer("LoseBond", "s", self.id))

    def make(self, pairing, encrypted):
        return self.client.add(Smp=self.smp, Mtu=517, Pairing=pairing, Passkey=123456, Encrypted=encrypted)

    def replace(self, pairing, encrypted):
        self.client.steer("RemovePeripheral", "s", self.id)
        self.id = self.make(pairing, encrypted)

    def advertise(self, on):
        self.client.steer("Advertise", "sb", self.id, on)


@pytest.mark.parametrize("check", bluez_contract.CHECKS, ids=lambda check: check.__name__)
def test_contract(client, start_child, check):
    bluez_contract.run_one(StandInWorld(client, start_child()).world, check)
