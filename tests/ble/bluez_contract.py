# SPDX-License-Identifier: Apache-2.0
"""What headgate-ble takes for granted of bluetoothd 5.66, as checks against its client API alone.

The stand-in passes them in tests/children/test_bluez_stand_in.py; a real bluetoothd must pass them unchanged, in the
virtual machine of tests/system. If they differ, the stand-in is wrong: correct the check, and then the stand-in.

To run them on a real one:
- files: this one, and tests/children/{bluez_client,smp_gatt}.py beside it (python3-dbus and python3-gi; no pytest);
- a `World` (below) filled in: `client` makes a bluez_client.Client on the system bus with a deadline that suits the
  machine (30 s and more: an advertisement may be late); `adapter` and `address` say whom to look for; `child` makes the
  peripheral accept and demand what a check asks for, with its SMP characteristic (write-without-response and notify,
  and encrypt flags if `encrypted`) before an smp_child --seqpacket through smp_gatt.SmpGatt; the hooks do the rest. A
  hook that cannot be had is left out, and the checks that need it are skipped and named;
- on btvirt: an advertisement that is registered anew every 1.5 s, for it is only heard when it starts; each check takes
  about 6 s then, and a_child_that_is_not_there 50 s. A peripheral that is in the same process needs a connection that is
  no bluez_client.Client for its own agent (that serves all agents' calls). `drop`: Disconnect on the peripheral's side;
- `run(world)`: the names of the checks that failed, each told on standard output as it ends.
Each check begins without the device on the adapter, and with its own client.
"""
import dataclasses
import os
import select
import socket
import stat
import time
import traceback
import typing

import dbus

import smp_gatt
from bluez_client import (ADAPTER, AGENTS, CHARACTERISTIC, DEVICE, NOTHING, PROPERTIES, SERVICE, Client, socket_of)

E = "org.bluez.Error."
CHECKS = []
LONGEST_CONNECT = 100  # seconds, until bluetoothd gives a child up that is not there


@dataclasses.dataclass
class World:
    client: typing.Callable[[], Client]
    adapter: str                             # e.g. "/org/bluez/hci0": the gateway's
    address: str                             # of the peripheral, as it advertises it
    child: typing.Callable[[str, bool], None]  # (pairing: "none", "just-works", "passkey"; encrypted)
    passkey: typing.Callable[[], int] = None   # what the child shows; None until its pairing has begun
    drop: typing.Callable[[], None] = None     # the link is lost; the child advertises again
    vanish: typing.Callable[[], None] = None   # it is out of reach, also for a link that is there
    come_back: typing.Callable[[], None] = None
    forget: typing.Callable[[], None] = None   # the child forgets its bonds
    power: bool = True                       # whether the adapter may be switched off for a while


def check(*needs):
    def note(function):
        function.needs = needs
        CHECKS.append(function)
        return function
    return note


def run(world, only=()):
    failed = []
    for function in CHECKS:
        name, missing = function.__name__, [need for need in function.needs if not getattr(world, need)]
        if (only and name not in only) or missing:
            print(f"skipped {name} {' '.join(missing)}", flush=True)
            continue
        begin = time.monotonic()
        try:
            run_one(world, function)
            print(f"ok {name} {time.monotonic() - begin:.2f} s", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed.append(name)
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
    return failed


def run_one(world, function):
    with Gateway(world) as gateway:
        try:
            function(world, gateway)
        except AssertionError as failed:
            raise AssertionError(f"{failed} (the last error was {gateway.client.last_error})") from failed


class Gateway:
    """A client with what most checks do first."""

    def __init__(self, world):
        self.world, self.client, self.sockets = world, world.client(), []
        self.device = None

    def __enter__(self):
        self.remove()
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
        self.remove()
        self.client.close()

    def remove(self):
        path = self.client.device(self.world.adapter, self.world.address)
        if path:
            self.client.call(self.world.adapter, ADAPTER, "RemoveDevice", "o", path)

    def find(self):
        wanted = {"Transport": "le", "DuplicateData": True, "UUIDs": dbus.Array([smp_gatt.SERVICE], signature="s")}
        self.client.call(self.world.adapter, ADAPTER, "SetDiscoveryFilter", "a{sv}",
                         dbus.Dictionary(wanted, signature="sv"))
        self.client.call(self.world.adapter, ADAPTER, "StartDiscovery")
        self.device = self.client.until(lambda: self.client.device(self.world.adapter, self.world.address),
                                        what="the device")
        return self.device

    def stop(self):
        self.client.call(self.world.adapter, ADAPTER, "StopDiscovery")

    def connect(self):
        """Connects, until the services are resolved: the SMP characteristic."""
        self.client.call(self.device, DEVICE, "Connect")
        return self.resolved()

    def resolved(self):
        self.client.until(lambda: self.get("ServicesResolved"), what="ServicesResolved")
        return self.client.until(lambda: self.client.characteristic(self.device, smp_gatt.CHARACTERISTIC))

    def connected(self):
        self.find()
        self.stop()
        return self.connect()

    def get(self, name):
        return self.client.get(self.device, DEVICE, name)

    def disconnected(self):
        self.client.until(lambda: not self.get("Connected"), what="the end of the link")

    def of(self, characteristic, member, signature="", *values):
        return self.client.call(characteristic, CHARACTERISTIC, member, signature, *values)

    def error_of(self, characteristic, member, signature="", *values):
        return self.client.error(characteristic, CHARACTERISTIC, member, signature, *values)

    def acquire(self, characteristic):
        """(socket of notifications, socket of writes, mtu)"""
        fd, _ = self.of(characteristic, "AcquireNotify", "a{sv}", NOTHING)
        notifications = socket_of(fd)
        fd, mtu = self.of(characteristic, "AcquireWrite", "a{sv}", NOTHING)
        self.sockets += [notifications, socket_of(fd)]
        return notifications, self.sockets[-1], int(mtu)

    def answer(self, notifications, seconds=None):
        """The next SMP packet; None if none comes in `seconds`."""
        reassembly, packets, end = smp_gatt.Reassembly(), [], time.monotonic() + (seconds or self.client.deadline)

        def whole():
            while not packets and select.select([notifications], [], [], 0)[0]:
                packet = reassembly.feed(notifications.recv(1024))
                packets.extend([packet] if packet else [])
            return packets or time.monotonic() >= end
        self.client.until(whole, (seconds or self.client.deadline) + 5, "an answer")
        return packets[0] if packets else None


def echo(size):
    """An echo request of `size` bytes, from 40 up; its answer is about as long."""
    text = size - 14
    body = b"\xa1\x61d\x79" + text.to_bytes(2, "big") + b"x" * text
    return bytes([0x0a, 0]) + len(body).to_bytes(2, "big") + bytes([0, 0, size & 0xff, 0]) + body


def is_echo(packet, size):
    return packet is not None and packet[0] == 0x0b and packet[6] == size & 0xff and b"x" * (size - 14) in packet


# ------------------------------------------------------------------------------------------------------- adapter


@check()
def discovery_is_one_per_client(world, gateway):
    client = gateway.client
    assert client.error(world.adapter, ADAPTER, "StopDiscovery") == (E + "Failed", "No discovery started")
    gateway.find()
    assert client.get(world.adapter, ADAPTER, "Discovering") is not False
    assert client.error(world.adapter, ADAPTER, "StartDiscovery") == (
        E + "InProgress", "Operation already in progress")
    gateway.stop()
    client.until(lambda: not client.get(world.adapter, ADAPTER, "Discovering"), what="the end of discovery")


@check()
def discovery_ends_with_its_client(world, gateway):
    other = Gateway(world)
    other.find()
    other.client.close()
    gateway.client.until(lambda: not gateway.client.get(world.adapter, ADAPTER, "Discovering"),
                         what="the end of discovery")


@check()
def a_filter_must_be_right(world, gateway):
    for wrong in ({"Transport": "wired"}, {"UUIDs": "no list"}, {"Colour": "red"}):
        assert gateway.client.error(world.adapter, ADAPTER, "SetDiscoveryFilter", "a{sv}",
                                    dbus.Dictionary(wrong, signature="sv"))[0] == E + "InvalidArguments", wrong


@check("power")
def an_adapter_that_is_off_is_not_ready(world, gateway):
    client = gateway.client

    def power(on):
        client.call(world.adapter, PROPERTIES, "Set", "ssv", ADAPTER, "Powered", dbus.Boolean(on))
        client.until(lambda: bool(client.get(world.adapter, ADAPTER, "Powered")) == on, what="the switch")
    gateway.find()
    power(False)
    try:
        assert not client.get(world.adapter, ADAPTER, "Discovering")
        for call in (("StartDiscovery",), ("StopDiscovery",), ("SetDiscoveryFilter", "a{sv}", NOTHING)):
            assert client.error(world.adapter, ADAPTER, *call) == (E + "NotReady", "Resource Not Ready"), call
    finally:
        power(True)
    assert client.error(world.adapter, ADAPTER, "StopDiscovery") == (E + "Failed", "No discovery started")


@check()
def a_device_that_is_unknown_does_not_exist(world, gateway):
    assert gateway.client.error(world.adapter, ADAPTER, "RemoveDevice", "o", world.adapter + "/dev_00_00_00_00_00_01") \
        == (E + "DoesNotExist", "Does Not Exist")


# -------------------------------------------------------------------------------------------------------- device


@check()
def a_device_is_found_with_what_it_advertises(world, gateway):
    path = gateway.find()
    assert path == f"{world.adapter}/dev_{world.address.upper().replace(':', '_')}"
    seen = gateway.client.call(path, PROPERTIES, "GetAll", "s", DEVICE)
    assert seen["Address"] == world.address.upper() and seen["Adapter"] == world.adapter
    assert seen["AddressType"] in ("public", "random") and smp_gatt.SERVICE in seen["UUIDs"]
    for name in ("Paired", "Bonded", "Connected", "ServicesResolved", "Trusted", "Blocked"):
        assert isinstance(seen[name], dbus.Boolean) and not seen[name], name
    assert isinstance(seen["RSSI"], dbus.Int16) and isinstance(seen["Alias"], dbus.String)
    added = [arguments for member, _, arguments in gateway.client.signals if member == "InterfacesAdded"]
    assert any(arguments[0] == path and DEVICE in arguments[1] for arguments in added)


@check()
def the_signal_strength_goes_with_discovery(world, gateway):
    path = gateway.find()
    gateway.stop()
    gateway.client.until(lambda: None in gateway.client.told(path, "RSSI"), what="RSSI invalidated")


@check()
def a_device_that_was_connected_stays(world, gateway):
    gateway.connected()
    gateway.client.call(gateway.device, DEVICE, "Disconnect")
    gateway.disconnected()
    assert gateway.client.device(world.adapter, world.address) == gateway.device
    gateway.remove()
    assert gateway.client.device(world.adapter, world.address) is None


@check()
def connect_and_disconnect_may_be_said_twice(_, gateway):
    gateway.connected()
    assert gateway.client.told(gateway.device, "Connected")[:1] == [True]
    assert gateway.client.told(gateway.device, "ServicesResolved")[:1] == [True]
    gateway.client.call(gateway.device, DEVICE, "Connect")
    gateway.client.call(gateway.device, DEVICE, "Disconnect")
    gateway.disconnected()
    assert not gateway.get("ServicesResolved")
    gateway.client.call(gateway.device, DEVICE, "Disconnect")


@check("vanish", "come_back")
def a_child_that_is_not_there_is_not_connected(world, gateway):
    gateway.find()
    gateway.stop()
    world.vanish()
    try:
        assert gateway.client.error(gateway.device, DEVICE, "Connect", deadline=LONGEST_CONNECT) == (
            E + "Failed", "le-connection-abort-by-local")
    finally:
        world.come_back()


@check("vanish", "come_back")
def disconnect_calls_off_a_connection_that_is_being_made(world, gateway):
    gateway.find()
    gateway.stop()
    world.vanish()
    try:
        pending = gateway.client.begin(gateway.device, DEVICE, "Connect")
        gateway.client.run(0.1)
        gateway.client.call(gateway.device, DEVICE, "Disconnect")
        gateway.client.until(lambda: pending.done, what="the end of Connect")
        assert pending.error and pending.error.name == E + "Failed", pending.values
    finally:
        world.come_back()


@check("drop")
def a_lost_link_is_told_and_the_gatt_objects_stay(world, gateway):
    characteristic = gateway.connected()
    notifications, writes, _ = gateway.acquire(characteristic)
    world.drop()
    gateway.disconnected()
    assert not gateway.get("ServicesResolved")
    for one in (notifications, writes):
        gateway.client.until(lambda end=one: select.select([end], [], [], 0)[0], what="the end of the socket")
        assert one.recv(1024) == b""
    try:
        writes.send(b"x")
        raise AssertionError("the socket still takes something")
    except BrokenPipeError:
        pass
    assert gateway.client.characteristic(gateway.device, smp_gatt.CHARACTERISTIC) == characteristic
    not_connected = (E + "Failed", "Not connected")
    for call in (("AcquireWrite", "a{sv}", NOTHING), ("AcquireNotify", "a{sv}", NOTHING),
                 ("WriteValue", "aya{sv}", b"x", NOTHING), ("ReadValue", "a{sv}", NOTHING)):
        assert gateway.error_of(characteristic, *call) == not_connected, call
    assert gateway.connect() == characteristic


# ------------------------------------------------------------------------------------------------- characteristic


@check()
def the_characteristic_shows_what_it_can(_, gateway):
    characteristic = gateway.connected()
    seen = gateway.client.call(characteristic, PROPERTIES, "GetAll", "s", CHARACTERISTIC)
    assert seen["UUID"] == smp_gatt.CHARACTERISTIC and set(seen["Flags"]) >= {"write-without-response", "notify"}
    assert gateway.client.get(seen["Service"], SERVICE, "UUID") == smp_gatt.SERVICE
    assert gateway.client.get(seen["Service"], SERVICE, "Device") == gateway.device
    assert isinstance(seen["MTU"], dbus.UInt16) and 23 <= seen["MTU"] <= 517
    for name in ("Notifying", "WriteAcquired", "NotifyAcquired"):
        assert isinstance(seen[name], dbus.Boolean) and not seen[name], name


@check()
def acquired_sockets_carry_packets(_, gateway):
    characteristic = gateway.connected()
    notifications, writes, mtu = gateway.acquire(characteristic)
    assert mtu == gateway.client.get(characteristic, CHARACTERISTIC, "MTU")
    for one in (notifications, writes):
        assert stat.S_ISSOCK(os.fstat(one.fileno()).st_mode) and not os.get_blocking(one.fileno())
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_SEQPACKET
    for size in (40, 500):
        for fragment in smp_gatt.cut(echo(size), min(mtu, 200)):
            writes.send(fragment)
        assert is_echo(gateway.answer(notifications), size), size


@check()
def one_client_acquires_and_nobody_else_writes_then(_, gateway):
    characteristic = gateway.connected()
    gateway.acquire(characteristic)
    for name in ("WriteAcquired", "NotifyAcquired"):
        assert gateway.client.get(characteristic, CHARACTERISTIC, name)
    acquired = {"AcquireWrite": "Write acquired", "AcquireNotify": "Notify acquired"}
    for member, text in acquired.items():
        assert gateway.error_of(characteristic, member, "a{sv}", NOTHING) == (E + "NotPermitted", text)
    assert gateway.error_of(characteristic, "WriteValue", "aya{sv}", b"x", NOTHING) == (
        E + "NotPermitted", "Write acquired")
    assert gateway.error_of(characteristic, "StartNotify") == (E + "NotPermitted", "Notify acquired")
    for one in gateway.sockets:
        one.close()
    gateway.client.until(lambda: not gateway.client.get(characteristic, CHARACTERISTIC, "WriteAcquired") and
                         not gateway.client.get(characteristic, CHARACTERISTIC, "NotifyAcquired"), what="the release")
    gateway.acquire(characteristic)


@check()
def a_packet_above_512_bytes_is_cut_in_silence(_, gateway):
    characteristic = gateway.connected()
    notifications, writes, _ = gateway.acquire(characteristic)
    writes.send(echo(600))
    assert gateway.answer(notifications, seconds=0.5) is None


@check()
def values_go_by_calls_too(_, gateway):
    characteristic = gateway.connected()
    command = dbus.Dictionary({"type": "command"}, signature="sv")
    assert gateway.error_of(characteristic, "StopNotify") == (E + "Failed", "No notify session started")
    gateway.of(characteristic, "StartNotify")
    assert gateway.client.get(characteristic, CHARACTERISTIC, "Notifying")
    gateway.of(characteristic, "StartNotify")
    assert gateway.error_of(characteristic, "AcquireNotify", "a{sv}", NOTHING) == (E + "InProgress", "In Progress")
    gateway.of(characteristic, "WriteValue", "aya{sv}", echo(40), command)
    told = gateway.client.until(lambda: gateway.client.told(characteristic, "Value"), what="a notification")
    assert is_echo(bytes(told[0]), 40)
    gateway.of(characteristic, "StopNotify")
    assert not gateway.client.get(characteristic, CHARACTERISTIC, "Notifying")


@check()
def what_the_characteristic_cannot_is_refused(_, gateway):
    characteristic = gateway.connected()
    mtu = int(gateway.client.get(characteristic, CHARACTERISTIC, "MTU"))
    command, request = (dbus.Dictionary({"type": kind}, signature="sv") for kind in ("command", "request"))
    assert gateway.error_of(characteristic, "ReadValue", "a{sv}", NOTHING) == (
        E + "NotPermitted", "Read not permitted")
    assert gateway.error_of(characteristic, "WriteValue", "aya{sv}", b"x", request) == (None, None)  # by its permissions
    assert gateway.error_of(characteristic, "WriteValue", "aya{sv}", b"x" * (mtu - 2), command) == (
        E + "Failed", "Failed to initiate write")


# -------------------------------------------------------------------------------------------------------- pairing


@check()
def a_client_has_one_agent(_, gateway):
    client = gateway.client
    assert client.error("/org/bluez", AGENTS, "UnregisterAgent", "o", "/test/agent") == (
        E + "DoesNotExist", "Does Not Exist")
    assert client.error("/org/bluez", AGENTS, "RegisterAgent", "os", "/test/agent", "Telepathy")[0] == \
        E + "InvalidArguments"
    client.register_agent("KeyboardOnly")
    assert client.error("/org/bluez", AGENTS, "RegisterAgent", "os", "/test/agent", "KeyboardOnly") == (
        E + "AlreadyExists", "Already Exists")
    client.unregister_agent()


@check()
def nothing_to_cancel_does_not_exist(_, gateway):
    gateway.find()
    assert gateway.client.error(gateway.device, DEVICE, "CancelPairing") == (E + "DoesNotExist", "Does Not Exist")


@check()
def just_works_asks_nobody(world, gateway):
    world.child("just-works", False)
    gateway.connected()
    gateway.client.register_agent("NoInputNoOutput")
    gateway.client.call(gateway.device, DEVICE, "Pair")
    gateway.client.until(lambda: gateway.get("Bonded"), what="the bond")
    assert gateway.get("Paired") and gateway.client.agent_calls == []
    # Not AlreadyExists: it tries BR/EDR with a device that has a bond on LE
    assert gateway.client.error(gateway.device, DEVICE, "Pair") == (E + "AuthenticationFailed", "Authentication Failed")
    assert gateway.get("Bonded")
    world.child("none", False)


@check("passkey")
def a_passkey_is_asked_of_the_callers_agent(world, gateway):
    world.child("passkey", False)
    gateway.connected()
    gateway.client.register_agent("KeyboardOnly", RequestPasskey=world.passkey)
    gateway.client.call(gateway.device, DEVICE, "Pair")
    gateway.client.until(lambda: gateway.get("Bonded"), what="the bond")
    assert gateway.client.agent_calls == [("RequestPasskey", gateway.device)]
    gateway.client.call(gateway.device, DEVICE, "Disconnect")
    gateway.disconnected()
    gateway.connect()
    world.child("none", False)


def wrong(passkey):
    return None if passkey is None else (passkey + 1) % 1000000


@check("passkey")
def a_wrong_passkey_ends_without_a_bond(world, gateway):
    world.child("passkey", False)
    gateway.connected()
    gateway.client.register_agent("KeyboardOnly", RequestPasskey=lambda: wrong(world.passkey()))
    assert gateway.client.error(gateway.device, DEVICE, "Pair") == (E + "AuthenticationFailed", "Authentication Failed")
    assert not gateway.get("Bonded") and not gateway.get("Paired")
    gateway.disconnected()
    world.child("none", False)


@check("passkey")
def a_pairing_can_be_called_off(world, gateway):
    world.child("passkey", False)
    gateway.connected()
    gateway.client.register_agent("KeyboardOnly")  # it thinks for ever
    pending = gateway.client.begin(gateway.device, DEVICE, "Pair")
    gateway.client.until(lambda: gateway.client.agent_calls, what="the question")
    assert gateway.client.error(gateway.device, DEVICE, "Pair") == (E + "InProgress", "In Progress")
    gateway.client.call(gateway.device, DEVICE, "CancelPairing")
    gateway.client.until(lambda: pending.done, what="the end of Pair")
    assert pending.error and pending.error.name == E + "AuthenticationCanceled", pending.error
    gateway.client.until(lambda: ("Cancel",) in gateway.client.agent_calls, what="Cancel")
    assert not gateway.get("Bonded")
    world.child("none", False)


@check("passkey")
def an_unpaired_link_is_refused(world, gateway):
    world.child("passkey", True)
    characteristic = gateway.connected()
    # bluetoothd tries to pair by itself then, and the link ends with that
    assert gateway.error_of(characteristic, "StartNotify") == (E + "Failed", "Operation failed with ATT error: 0x0e")
    gateway.disconnected()
    assert not gateway.get("Bonded")
    # AcquireNotify is never answered here, and 5.66 has lost its memory after it: not tried
    world.child("none", False)


@check("passkey", "forget")
def a_bond_that_the_child_forgot_breaks_the_link(world, gateway):
    world.child("passkey", False)
    gateway.connected()
    gateway.client.register_agent("KeyboardOnly", RequestPasskey=world.passkey)
    gateway.client.call(gateway.device, DEVICE, "Pair")
    gateway.client.call(gateway.device, DEVICE, "Disconnect")
    gateway.disconnected()
    world.forget()
    gateway.client.error(gateway.device, DEVICE, "Connect")
    # Between two virtual controllers of one bluetoothd the device was gone then: not told apart from the rig yet
    gateway.client.until(lambda: not gateway.client.device(world.adapter, world.address) or not gateway.get("Connected"),
                         what="the end of the link")
    gateway.remove()
    gateway.connected()
    gateway.client.call(gateway.device, DEVICE, "Pair")
    world.child("none", False)
