#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The bare loop that headgate's rate is held against: a central that does nothing but write and hear.

    bare_central.py ADAPTER ADDRESS IMAGE PACKET WINDOW [PASSKEY]

Uploads IMAGE by SMP with packets of at most PACKET bytes, WINDOW of them on their way, through AcquireWrite and
AcquireNotify. Prints JSON: "mtu", "upload" (bytes a second of the image), "write_only" (of a loop of write commands
that nobody answers, of the same packets). The packets are made beforehand."""
import hashlib
import json
import pathlib
import select
import socket
import struct
import sys
import time

import cbor2
import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

CHARACTERISTIC = "da2e7828-fbce-4e01-ae9e-261174997c48"
BLUEZ, PROPERTIES = "org.bluez", "org.freedesktop.DBus.Properties"
ADAPTER, DEVICE, GATT = "org.bluez.Adapter1", "org.bluez.Device1", "org.bluez.GattCharacteristic1"
PATIENCE_S = 45
LOOK_AGAIN_MS = 50
LONGEST = 0xffff  # bytes of an SMP packet


class Agent(dbus.service.Object):
    passkey = 0

    @dbus.service.method("org.bluez.Agent1", in_signature="o", out_signature="u")
    def RequestPasskey(self, _device):
        return dbus.UInt32(self.passkey)


class Central:
    def __init__(self, adapter, address):
        dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
        self.bus = dbus.SystemBus()
        self.adapter = f"/org/bluez/{adapter}"
        self.device = f"{self.adapter}/dev_{address.replace(':', '_')}"

    def objects(self):
        manager = self.bus.get_object(BLUEZ, "/", introspect=False)
        return manager.GetManagedObjects(dbus_interface="org.freedesktop.DBus.ObjectManager")

    def until(self, predicate, what):
        end = time.monotonic() + PATIENCE_S
        again = GLib.timeout_add(LOOK_AGAIN_MS, lambda: True)  # for what no signal tells
        while not (value := predicate()):
            if time.monotonic() > end:
                sys.exit(f"bare central: no {what} in {PATIENCE_S} s")
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(again)
        return value

    def ask(self, path, interface, method, *arguments):
        """Asynchronous, so that the agent can answer meanwhile."""
        done = []
        target = self.bus.get_object(BLUEZ, path, introspect=False)
        getattr(target, method)(*arguments, dbus_interface=interface, timeout=60,
                                reply_handler=lambda *values: done.append((values, None)),
                                error_handler=lambda error: done.append((None, error)))
        values, error = self.until(lambda: done, method)[0]
        if error:
            sys.exit(f"bare central: {method}: {error}")
        return values

    def connect(self, passkey):
        if self.device not in self.objects():
            self.ask(self.adapter, ADAPTER, "SetDiscoveryFilter", dbus.Dictionary({"Transport": "le"}, "sv"))
            self.ask(self.adapter, ADAPTER, "StartDiscovery")
            self.until(lambda: self.device in self.objects(), "advertisement")
            self.ask(self.adapter, ADAPTER, "StopDiscovery")
        self.ask(self.device, DEVICE, "Connect")
        self.until(lambda: self.objects()[self.device][DEVICE]["ServicesResolved"], "services")
        if passkey is not None:
            agent = Agent(self.bus, "/test/bare")
            agent.passkey = passkey
            self.ask("/org/bluez", "org.bluez.AgentManager1", "RegisterAgent", dbus.ObjectPath("/test/bare"),
                     "KeyboardOnly")
            self.ask(self.device, DEVICE, "Pair")

    def acquire(self):
        """(write socket, notify socket, MTU)"""
        path = self.until(lambda: next((path for path, interfaces in self.objects().items()
                                        if path.startswith(self.device)
                                        and interfaces.get(GATT, {}).get("UUID") == CHARACTERISTIC), None), "SMP")
        notify, _ = self.ask(path, GATT, "AcquireNotify", dbus.Dictionary({}, "sv"))
        write, mtu = self.ask(path, GATT, "AcquireWrite", dbus.Dictionary({}, "sv"))
        return socket.socket(fileno=write.take()), socket.socket(fileno=notify.take()), int(mtu)


def requests(image, most):
    """The upload's packets, each at most so long, and how much of the image is sent with each."""
    made, offset, sequence = [], 0, 0
    while offset < len(image):
        body = {"off": offset}
        if offset == 0:
            body |= {"len": len(image), "sha": hashlib.sha256(image).digest()}
        room = most - 8 - len(cbor2.dumps(body | {"data": b""})) - 2
        body["data"] = image[offset:offset + room]
        encoded = cbor2.dumps(body)
        made.append(struct.pack(">BBHHBB", 0x0a, 0, len(encoded), 1, sequence & 0xff, 1) + encoded)
        offset, sequence = offset + len(body["data"]), sequence + 1
    return made


def send(write, packet, fragment):
    for at in range(0, len(packet), fragment):
        while True:
            try:
                write.send(packet[at:at + fragment])
                break
            except BlockingIOError:
                select.select([], [write], [], PATIENCE_S)


def upload(write, notify, packets, window, fragment):
    """Seconds from the first packet to the last answer."""
    begin, sent, answered, held = time.monotonic(), 0, 0, b""
    while answered < len(packets):
        most = 1 if answered == 0 else window  # the first answer says where to begin
        while sent < len(packets) and sent - answered < most:
            send(write, packets[sent], fragment)
            sent += 1
        if not select.select([notify], [], [], PATIENCE_S)[0]:
            sys.exit(f"bare central: no answer to packet {answered}")
        held += notify.recv(1024)
        while len(held) >= 8 and len(held) >= (size := 8 + struct.unpack(">H", held[2:4])[0]):
            answer, held = cbor2.loads(held[8:size]), held[size:]
            if "off" not in answer:
                sys.exit(f"bare central: {answer}")
            answered += 1
    return time.monotonic() - begin


def echo(write, notify):
    """Returns when the child has answered: all that was written before is there."""
    body = cbor2.dumps({"d": "?"})
    write.send(struct.pack(">BBHHBB", 0x0a, 0, len(body), 0, 0, 0) + body)
    if not select.select([notify], [], [], PATIENCE_S)[0]:
        sys.exit("bare central: no answer to an echo")
    notify.recv(1024)


def write_only(write, notify, size, fragment):
    """Seconds for so many bytes in packets that the child drops, as they are longer than its buffer."""
    packet = struct.pack(">BBHHBB", 0x0a, 0, LONGEST - 8, 1, 0, 1) + bytes(LONGEST - 8)
    begin = time.monotonic()
    for _ in range(max(1, size // LONGEST)):
        send(write, packet, fragment)
    echo(write, notify)
    return time.monotonic() - begin


def main():
    adapter, address, file, most, window = sys.argv[1:6]
    image = pathlib.Path(file).read_bytes()
    packets = requests(image, int(most))
    central = Central(adapter, address)
    central.connect(int(sys.argv[6]) if len(sys.argv) > 6 else None)
    write, notify, mtu = central.acquire()
    fragment = min(mtu - 3, 512)
    echo(write, notify)  # bluetoothd 5.66 as a server garbles all but one of what comes before its first AcquireWrite
    uploading = upload(write, notify, packets, int(window), fragment)
    writing = write_only(write, notify, len(image), fragment)
    print(json.dumps({"mtu": mtu, "upload": len(image) / uploading, "write_only": len(image) / writing}))
    write.close()
    notify.close()
    central.ask(central.device, DEVICE, "Disconnect")
    central.ask(central.adapter, ADAPTER, "RemoveDevice", dbus.ObjectPath(central.device))


if __name__ == "__main__":
    main()
