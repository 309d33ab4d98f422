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
import packet_log
import smp_gatt
from child_process import SOURCE, VECTORS, ChildProcess

sys.path.append(str(SOURCE / "tests/ble"))
import bluez_contract  # noqa: E402: it is shared with tests/system

HERE = os.path.dirname(os.path.abspath(__file__))
STEERING = "test.headgate.StandIn1"
HCI = "/org/bluez/hci0"
RESET = bytes([0x0a, 0, 0, 1, 0, 0, 9, 5, 0xa0])  # an SMP packet
ADDRESS = "C0:FF:EE:00:11:22"


class Bluez(bluez.Client):
    """A client that can steer the stand-in too."""

    def steer(self, member, signature="", *values):
        return self.begin("/test/stand_in", STEERING, member, signature, *values, to="test.headgate.StandIn").result()

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


def test_a_child_that_resets_drops_the_link_and_comes_back(client, start_child):
    child = start_child("--boot-ms", 200)
    client.add(Smp=child.where)
    device = client.discover()
    notifications, writes, mtu = client.acquire(client.connect(device))
    assert exchange(client, notifications, writes, RESET, mtu)
    client.until(lambda: False in client.told(device, "Connected"), what="the end of the link")
    assert notifications.recv(1024) == b""
    client.connect(device)  # waits for the child to advertise again
    assert child.counter("resets") == 1


def test_a_child_that_restarts_has_other_gatt_objects(client, start_child):
    child = client.add(Smp=start_child().where)
    device = client.discover()
    before = client.connect(device)
    client.steer("Restart", "s", child)
    client.until(lambda: not client.get(device, bluez.DEVICE, "Connected"))
    assert client.characteristic(device, smp_gatt.CHARACTERISTIC) == before  # until it is seen again
    after = client.connect(device)
    assert after != before and ("InterfacesRemoved", "/") in {signal[:2] for signal in client.signals}


def test_a_device_that_nobody_uses_is_forgotten(client):
    child = client.add()
    device = client.discover()
    client.steer("Advertise", "sb", child, False)
    client.until(lambda: not client.device(HCI, ADDRESS), what="its end")
    client.steer("Advertise", "sb", child, True)
    assert client.until(lambda: client.device(HCI, ADDRESS)) == device


def test_an_address_that_changes_is_another_device_without_a_bond(client):
    child = client.add(Pairing="just-works", Identity="C0:FF:EE:00:00:01")
    before = client.discover()
    client.steer("ChangeAddress", "ss", child, "55:00:00:00:00:02")
    after = client.until(lambda: client.device(HCI, "55:00:00:00:00:02"))
    assert after != before
    client.call(after, bluez.DEVICE, "Pair")
    assert client.get(after, bluez.DEVICE, "Address") == "C0:FF:EE:00:00:01"
    client.call(after, bluez.DEVICE, "Disconnect")
    client.steer("ChangeAddress", "ss", child, "55:00:00:00:00:03")
    client.connect(after)  # resolved by its identity: the same object


def test_advertisements_are_told_again_and_again_with_a_filter(client):
    client.add(Rssi=-71)
    device = client.discover()
    client.until(lambda: client.told(device, "RSSI").count(-71) >= 3, what="advertisements")


def test_a_stranger_is_not_shown_under_a_filter(client):
    client.add(UUIDs=dbus.Array(["0000180f-0000-1000-8000-00805f9b34fb"], signature="s"))
    client.add(Address="C0:FF:EE:00:00:02")
    client.discover("C0:FF:EE:00:00:02")
    assert client.device(HCI, ADDRESS) is None


def test_two_adapters_have_their_own_air(client):
    client.steer("AddAdapter", "ss", "hci1", "00:AA:01:01:00:01")
    client.add("hci1", Rssi=-40)
    client.discover(adapter="/org/bluez/hci1")
    assert client.device(HCI, ADDRESS) is None
    client.steer("RemoveAdapter", "s", "hci1")
    assert not [path for path in client.objects() if path.startswith("/org/bluez/hci1")]


def test_an_adapter_that_goes_takes_its_links_along(client, start_child):
    client.add(Smp=start_child().where)
    notifications, _, _ = client.acquire(client.connect(client.discover()))
    client.steer("RemoveAdapter", "s", "hci0")
    client.until(lambda: select.select([notifications], [], [], 0)[0])
    assert notifications.recv(1024) == b""


def test_calls_are_noted_and_fail_or_hang_when_told_to(client):
    client.add()
    device = client.discover()
    client.steer("Fail", "sssu", "Connect", "org.bluez.Error.Failed", "le-connection-timeout", dbus.UInt32(2))
    for _ in range(2):
        assert client.error(device, bluez.DEVICE, "Connect") == ("org.bluez.Error.Failed", "le-connection-timeout")
    client.steer("Hang", "su", "Disconnect", dbus.UInt32(1))
    hanging = client.begin(device, bluez.DEVICE, "Disconnect")
    client.call(device, bluez.DEVICE, "Connect")
    assert not hanging.done and client.get(device, bluez.DEVICE, "Connected")
    noted = [line for line in client.steer("Calls") if device in line]
    assert noted[:4] == [member + " " + device for member in ("Connect", "Connect", "Disconnect", "Connect")]
    client.steer("Die")
    client.until(lambda: hanging.done)
    assert hanging.error.name == "org.freedesktop.DBus.Error.NoReply"


def test_a_write_command_without_the_right_to_it_is_dropped_in_silence(client, start_child):
    child = start_child("--log-packets")
    client.add(Smp=child.where, Pairing="passkey", Passkey=7, Encrypted=True)
    characteristic = client.connect(client.discover())
    fd, _ = client.call(characteristic, bluez.CHARACTERISTIC, "AcquireWrite", "a{sv}", bluez.NOTHING)
    with bluez.socket_of(fd) as writes:
        writes.send(echo_request(40))
    client.call(characteristic, bluez.CHARACTERISTIC, "WriteValue", "aya{sv}", echo_request(40, 2), bluez.NOTHING)
    client.register_agent("KeyboardOnly", RequestPasskey=7)
    client.call(characteristic.split("/service")[0], bluez.DEVICE, "Pair")
    client.call(characteristic, bluez.CHARACTERISTIC, "WriteValue", "aya{sv}", echo_request(40, 3), bluez.NOTHING)
    child.wait_until(lambda: child.counter("packets") == 1)
    assert [packet[6] for packet in packet_log.packets(child.state)] == [3]


def test_just_works_is_no_answer_to_a_child_with_a_passkey(client):
    client.add(Pairing="passkey", Passkey=7)
    device = client.discover()
    for capability in ("NoInputNoOutput", "DisplayOnly"):
        client.register_agent(capability)
        assert client.error(device, bluez.DEVICE, "Pair")[0] == "org.bluez.Error.AuthenticationFailed"
        client.until(lambda: not client.get(device, bluez.DEVICE, "Connected"), what="the end of the link")
        client.unregister_agent()
    client.register_agent("KeyboardOnly", RequestPasskey="org.bluez.Error.Rejected")
    assert client.error(device, bluez.DEVICE, "Pair")[0] == "org.bluez.Error.AuthenticationFailed"


def test_a_child_without_a_passkey_bonds_whatever_the_agent_could(client):
    client.add(Pairing="just-works")
    device = client.discover()
    client.register_agent("KeyboardOnly", RequestPasskey=7)
    client.call(device, bluez.DEVICE, "Pair")
    assert client.get(device, bluez.DEVICE, "Bonded") and client.agent_calls == []


def test_a_child_that_wants_encryption_is_paired_by_bluetoothd_itself(client):
    client.add(Pairing="just-works", Encrypted=True)
    device = client.discover()
    characteristic = client.connect(device)
    client.call(characteristic, bluez.CHARACTERISTIC, "StartNotify")
    assert client.get(device, bluez.DEVICE, "Bonded")


def test_pairing_ends_with_its_link_and_with_its_caller(client):
    child = client.add(Pairing="passkey", Passkey=7)
    device = client.discover()
    client.register_agent("KeyboardOnly")
    pairing = client.begin(device, bluez.DEVICE, "Pair")
    client.until(lambda: client.agent_calls)
    client.steer("Drop", "s", child)
    client.until(lambda: pairing.done)
    assert pairing.error.name == "org.bluez.Error.AuthenticationCanceled"
    other = client.buses.client()
    other.register_agent("KeyboardOnly")
    other.begin(device, bluez.DEVICE, "Pair")
    other.until(lambda: other.agent_calls)
    other.close()
    client.until(lambda: not client.get(device, bluez.DEVICE, "Connected"), what="the end of the link")


def test_bluetoothd_dies_and_comes_back_with_its_bonds(client, start_child):
    client.add(Smp=start_child().where, Pairing="just-works")
    client.add(Address="C0:FF:EE:00:00:02")
    device = client.discover()
    notifications, _, _ = client.acquire(client.connect(device))
    client.call(device, bluez.DEVICE, "Pair")
    client.steer("Die")
    client.until(lambda: select.select([notifications], [], [], 0)[0])
    assert notifications.recv(1024) == b"" and "InterfacesRemoved" not in {signal[0] for signal in client.signals}
    assert client.error("/", bluez.MANAGER, "GetManagedObjects")[0] == "org.freedesktop.DBus.Error.ServiceUnknown"
    client.steer("StartAgain")
    assert [path for path in client.objects() if "/dev_" in path] == [device]
    assert client.get(device, bluez.DEVICE, "Bonded") and not client.get(HCI, bluez.ADAPTER, "Discovering")
    client.connect(device)


def test_a_slow_link_fills_the_socket(client, start_child):
    client.add(Smp=start_child().where, BytesPerSecond=20000)
    _, writes, mtu = client.acquire(client.connect(client.discover()))
    with pytest.raises(BlockingIOError):
        for _ in range(10000):
            writes.send(b"x" * (mtu - 3))


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
