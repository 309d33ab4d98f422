# SPDX-License-Identifier: Apache-2.0
"""A client of org.bluez for tests: calls that keep their agent served, what the bus shows, and waiting for events with
a deadline. Works alike on the stand-in and on a real bluetoothd."""
import os
import socket
import time

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

NAME = "org.bluez"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
AGENTS, AGENT = "org.bluez.AgentManager1", "org.bluez.Agent1"
PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = "org.freedesktop.DBus.ObjectManager"
NOTHING = dbus.Dictionary({}, signature="sv")


class BluezError(Exception):
    def __init__(self, error):
        super().__init__(f"{error.get_dbus_name()}: {error.get_dbus_message()}")
        self.name, self.text = error.get_dbus_name(), error.get_dbus_message()


class Pending:
    """A call that is under way."""

    def __init__(self, client, member):
        self.client, self.member, self.done, self.values, self.error = client, member, False, (), None

    def succeed(self, *values):
        self.done, self.values = True, values

    def fail(self, error):
        self.done, self.error = True, BluezError(error)

    def result(self, deadline=None):
        self.client.until(lambda: self.done, deadline, self.member)
        if self.error:
            raise self.error
        return self.values[0] if len(self.values) == 1 else self.values


class Client:
    """On a connection of its own to `address`. `deadline`: seconds, for whatever is waited for."""

    def __init__(self, address=None, deadline=10.0):
        self.deadline, self.loop = deadline, dbus.mainloop.glib.DBusGMainLoop()
        self.bus = dbus.bus.BusConnection(address or os.environ["DBUS_SYSTEM_BUS_ADDRESS"], mainloop=self.loop)
        self.signals = []  # (member, path, arguments)
        self.agent_answers, self.agent_calls = {}, []
        self.last_error = None  # what error() gave
        self.bus.add_signal_receiver(self._signal, bus_name=NAME, path_keyword="path", member_keyword="member")
        self.bus.add_message_filter(self._serve_agent)

    def close(self):
        self.bus.close()

    def _signal(self, *arguments, path, member):
        self.signals.append((member, path, arguments))

    def until(self, holds, deadline=None, what="it"):
        """Until holds() is true: its value. Looks again when something happened, and every 100 ms."""
        end = time.monotonic() + (deadline or self.deadline)
        context = GLib.MainContext.default()
        while not (value := holds()):
            assert time.monotonic() < end, f"{what} did not happen in time"
            source = GLib.timeout_add(100, lambda: True)
            context.iteration(True)
            GLib.source_remove(source)
        return value

    def run(self, seconds):
        """Serves the bus for so long."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + 1)

    # --- calls ---

    def begin(self, path, interface, member, signature="", *values, timeout=120, to=NAME):
        pending = Pending(self, member)
        self.bus.call_async(to, path, interface, member, signature, values, pending.succeed, pending.fail,
                            timeout=timeout, byte_arrays=True)
        return pending

    def call(self, path, interface, member, signature="", *values, deadline=None):
        return self.begin(path, interface, member, signature, *values).result(deadline)

    def error(self, *call, deadline=None):
        """The (name, text) of the error that this call ends with; (None, None) if it succeeds."""
        try:
            self.call(*call, deadline=deadline)
        except BluezError as error:
            self.last_error = error.name, error.text
            return self.last_error
        return None, None

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, "Get", "ss", interface, name)

    def objects(self):
        return self.call("/", MANAGER, "GetManagedObjects")

    # --- what the bus shows ---

    def device(self, adapter, address):
        """The path of the device with this address, or None."""
        for path, interfaces in self.objects().items():
            if path.startswith(adapter + "/") and interfaces.get(DEVICE, {}).get("Address") == address.upper():
                return str(path)
        return None

    def characteristic(self, device, uuid):
        for path, interfaces in self.objects().items():
            if path.startswith(device + "/") and interfaces.get(CHARACTERISTIC, {}).get("UUID") == uuid:
                return str(path)
        return None

    def told(self, path, name):
        """The values of a property that PropertiesChanged told since the start, in order; None: it went."""
        values = []
        for member, where, arguments in self.signals:
            if member == "PropertiesChanged" and where == path:
                values += [arguments[1][name]] if name in arguments[1] else []
                values += [None] if name in arguments[2] else []
        return values

    # --- an agent ---

    def register_agent(self, capability, **answers):
        """An agent at /test/agent; `answers`: by member, a value, the name of an error (a text), or a function that gives
        one, and is asked again while it gives None. Without one RequestPasskey is never answered, and everything else is
        agreed to."""
        self.agent_answers = answers
        self.call("/org/bluez", AGENTS, "RegisterAgent", "os", "/test/agent", capability)

    def unregister_agent(self):
        self.call("/org/bluez", AGENTS, "UnregisterAgent", "o", "/test/agent")

    def _serve_agent(self, _, message):
        if message.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL or message.get_interface() != AGENT:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        self.agent_calls.append((message.get_member(), *message.get_args_list()))
        if not self._answer(message):
            GLib.timeout_add(50, lambda: not self._answer(message))
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def _answer(self, message):
        """Whether there is nothing more to do for this call."""
        answer = self.agent_answers.get(message.get_member())
        if answer is None and message.get_member() == "RequestPasskey":
            return True
        if callable(answer):
            answer = answer()
            if answer is None:
                return False
        if isinstance(answer, str):
            reply = dbus.lowlevel.ErrorMessage(message, answer, "no")
        else:
            reply = dbus.lowlevel.MethodReturnMessage(message)
            if message.get_member() == "RequestPasskey":
                reply.append(answer, signature="u")
        self.bus.send_message(reply)
        return True


def socket_of(fd):
    """The acquired descriptor as a socket that is owned here."""
    return socket.socket(fileno=fd.take())
