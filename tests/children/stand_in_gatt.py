# SPDX-License-Identifier: Apache-2.0
"""GattService1 and GattCharacteristic1 of a device as bluetoothd's client shows them, and the SMP characteristic's
traffic. They stay when the link is lost, and answer "Not connected" then."""
import socket

import dbus
from gi.repository import GLib

import smp_gatt
import stand_in_errors as errors
from stand_in_bus import Exported

LONGEST_READ = 512  # bytes that bluetoothd takes of one packet of an acquired socket; the rest is lost
AT_ONCE = 64        # packets taken from a socket before others get their turn


class Service(Exported):
    INTERFACE = "org.bluez.GattService1"

    def __init__(self, exports, device, uuid, handle):
        super().__init__(exports, f"{device.path}/service{handle:04x}")
        self.device, self.uuid = device, uuid

    def properties(self):
        return {"UUID": dbus.String(self.uuid), "Device": dbus.ObjectPath(self.device.path),
                "Primary": dbus.Boolean(True), "Includes": dbus.Array([], signature="o")}


class AcquiredSocket:
    """bluetoothd's end of a socket that a client has acquired."""

    def __init__(self, on_packet, on_gone, bytes_per_second=0):
        kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self.own, self.theirs = socket.socketpair(socket.AF_UNIX, kind)
        self.on_packet, self.on_gone, self.bytes_per_second = on_packet, on_gone, bytes_per_second
        self.source = None
        self.listen()

    def listen(self):
        self.source = GLib.io_add_watch(self.own.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.ready)
        return False

    def ready(self, *_):
        taken = 0
        for _ in range(AT_ONCE):
            try:
                packet = self.own.recv(LONGEST_READ)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self.source = None
                self.on_gone()
                return False
            taken += len(packet)
            self.on_packet(packet)
            if self.source is None:  # closed meanwhile
                return False
        if not self.bytes_per_second:
            return True
        self.source = GLib.timeout_add(max(1, taken * 1000 // self.bytes_per_second), self.listen)
        return False

    def send(self, value):
        try:
            self.own.send(value)
        except OSError:
            pass  # full, or the client is gone: bluetoothd drops it

    def hand_over(self):
        """The client's end, for a message."""
        fd = dbus.types.UnixFd(self.theirs.fileno())
        self.theirs.close()
        return fd

    def close(self):
        if self.source is not None:
            GLib.source_remove(self.source)
            self.source = None
        self.theirs.close()
        self.own.close()


class SmpCharacteristic(Exported):
    INTERFACE = "org.bluez.GattCharacteristic1"
    FLAGS = ("write-without-response", "notify")

    def __init__(self, exports, service, handle):
        super().__init__(exports, f"{service.path}/char{handle:04x}")
        self.service, self.device = service, service.device
        self.value = b""
        self.writer = self.reader = None  # AcquiredSocket
        self.stuck_notify = False         # an AcquireNotify that the child refused: never answered, never forgotten
        self.clients = {}                 # bus name: what watches it; those that called StartNotify

    def properties(self):
        there = {
            "UUID": dbus.String(smp_gatt.CHARACTERISTIC),
            "Service": dbus.ObjectPath(self.service.path),
            "Value": dbus.Array(self.value, signature="y"),
            "Notifying": dbus.Boolean(self.notifying()),
            "Flags": dbus.Array(self.FLAGS, signature="s"),
            "WriteAcquired": dbus.Boolean(self.writer is not None),
            "NotifyAcquired": dbus.Boolean(self.reader is not None),
        }
        if self.device.resolved:
            there["MTU"] = dbus.UInt16(self.device.peripheral.mtu)
        return there

    def notifying(self):
        return bool(self.clients) and self.device.connected

    # --- calls ---

    def check_connected(self):
        if not self.device.connected:
            raise errors.not_connected()

    def check_access(self):
        """A refusal makes bluetoothd pair; if that fails the link ends, and with it the call."""
        if self.device.connected and not self.device.elevate(self.device.peripheral.demands):
            self.device.drop()
            raise errors.att(errors.ATT_UNLIKELY)

    def read_value(self, call):
        self.check_connected()
        raise errors.att(errors.ATT_READ_NOT_PERMITTED)

    def write_value(self, call):
        value, options = bytes(call.arguments[0]), call.arguments[1]
        self.check_connected()
        if self.writer:
            raise errors.not_permitted("Write acquired")
        kind = options.get("type", "command")
        if kind not in ("command", "request") or options.get("offset", 0):
            raise errors.not_supported()
        if len(value) > self.device.peripheral.mtu - smp_gatt.ATT_HEADER:
            raise errors.failed("Failed to initiate write") if kind == "command" else errors.att(errors.ATT_UNSUPPORTED)
        if kind == "request":
            self.check_access()
        self.write(value)
        call.reply()

    def acquire_write(self, call):
        self.check_connected()
        if not self.device.peripheral.acquire:
            raise errors.not_supported()
        if self.writer:
            raise errors.not_permitted("Write acquired")
        self.device.when_resolved(lambda lost: self.open_writer(call, lost))

    def open_writer(self, call, lost):
        if lost:
            return call.fail(errors.not_connected())
        pace = self.device.peripheral.bytes_per_second
        self.writer = AcquiredSocket(self.write, self.writer_gone, pace)
        self.changed("WriteAcquired")
        return call.reply("hq", self.writer.hand_over(), self.device.peripheral.mtu)

    def acquire_notify(self, call):
        self.check_connected()
        if not self.device.peripheral.acquire:
            raise errors.not_supported()
        if self.reader or self.stuck_notify:
            raise errors.not_permitted("Notify acquired")
        if self.clients:
            raise errors.in_progress()
        self.device.when_resolved(lambda lost: self.open_reader(call, lost))

    def open_reader(self, call, lost):
        if lost:
            return call.fail(errors.not_connected())
        if not self.device.elevate(self.device.peripheral.demands):
            self.stuck_notify = True  # 5.66 forgets the call
            return self.device.drop()
        self.reader = AcquiredSocket(lambda _: None, self.reader_gone)
        self.changed("NotifyAcquired")
        return call.reply("hq", self.reader.hand_over(), self.device.peripheral.mtu)

    def start_notify(self, call):
        if self.reader or self.stuck_notify:
            raise errors.not_permitted("Notify acquired")
        if call.sender in self.clients:
            return call.reply()
        self.check_access()
        before = self.notifying()
        self.clients[call.sender] = self.exports.bus.watch_name_owner(
            call.sender, lambda owner, name=call.sender: owner or self.stop_for(name))
        if self.notifying() != before:
            self.changed("Notifying")
        return call.reply()

    def stop_notify(self, call):
        if self.reader:
            self.close_reader()
        elif not self.stop_for(call.sender):
            raise errors.failed("No notify session started")
        call.reply()

    def stop_for(self, client):
        watch = self.clients.pop(client, None)
        if watch is None:
            return False
        watch.cancel()
        if not self.clients:
            self.changed("Notifying")
        return True

    # --- traffic ---

    def write(self, value):
        """A write command: dropped in silence if it is too long, or the child wants a better link."""
        if len(value) > self.device.peripheral.mtu - smp_gatt.ATT_HEADER:
            return
        if self.device.level >= self.device.peripheral.demands:
            self.device.write_smp(value)

    def notify(self, value):
        """A notification of the child."""
        if self.reader:
            return self.reader.send(value)
        if self.clients:
            self.value = value
            self.changed("Value")
        return None

    # --- ends ---

    def writer_gone(self):
        writer, self.writer = self.writer, None
        if writer:
            writer.close()
            self.changed("WriteAcquired")

    def reader_gone(self):
        self.close_reader()

    def close_reader(self):
        reader, self.reader = self.reader, None
        if reader:
            reader.close()
            self.changed("NotifyAcquired")

    def link_lost(self):
        self.writer_gone()
        self.close_reader()
        if self.clients:
            self.changed("Notifying")

    def close(self):
        """The object goes away."""
        for socket_ in (self.writer, self.reader):
            if socket_:
                socket_.close()
        self.writer = self.reader = None
        for watch in self.clients.values():
            watch.cancel()
        self.clients.clear()

    METHODS = {
        "ReadValue": ("a{sv}", read_value),
        "WriteValue": ("aya{sv}", write_value),
        "AcquireWrite": ("a{sv}", acquire_write),
        "AcquireNotify": ("a{sv}", acquire_notify),
        "StartNotify": ("", start_notify),
        "StopNotify": ("", stop_notify),
    }


def discover(exports, device, peripheral):
    """The services of a child after so many restarts: [services], SMP characteristic or None. It has its SMP service
    whether it advertises it or not, if there is a child behind it."""
    first = 0x000a + 0x10 * peripheral.restarts
    services, smp = [Service(exports, device, "00001801-0000-1000-8000-00805f9b34fb", 0x0001)], None
    if peripheral.smp or smp_gatt.SERVICE in peripheral.uuids:
        services.append(Service(exports, device, smp_gatt.SERVICE, first))
        smp = SmpCharacteristic(exports, services[-1], first + 1)
    return services, smp
