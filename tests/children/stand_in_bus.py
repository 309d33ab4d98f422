# SPDX-License-Identifier: Apache-2.0
"""Objects on a bus as bluetoothd exports them: methods, properties and the ObjectManager, on raw messages.

Knows nothing of Bluetooth. Every call passes through one place, which notes it and can make it fail or hang; the
stand-in's parts (stand_in_*.py) are `Exported` objects.
"""
import collections

import dbus
import dbus.lowlevel

PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = "org.freedesktop.DBus.ObjectManager"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
HANDLED, NOT_YET = dbus.lowlevel.HANDLER_RESULT_HANDLED, dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED


class BusError(Exception):
    """What a call is answered with; `name` in full."""

    def __init__(self, name, text):
        super().__init__(f"{name}: {text}")
        self.name, self.text = name, text


class Call:
    """One call of a client, answered once: reply() or fail(), at once or later; never, if nobody does."""

    def __init__(self, bus, message):
        self._bus, self._message = bus, message
        self.sender, self.member, self.path = message.get_sender(), message.get_member(), message.get_path()
        self.interface = message.get_interface()
        self.arguments = message.get_args_list(byte_arrays=True)
        self.answered = False
        self.on_answer = lambda: None

    def reply(self, signature="", *values):
        answer = dbus.lowlevel.MethodReturnMessage(self._message)
        if signature:
            answer.append(*values, signature=signature)
        self._send(answer)

    def fail(self, error):
        self._send(dbus.lowlevel.ErrorMessage(self._message, error.name, error.text))

    def _send(self, answer):
        if self.answered:
            return
        self.answered = True
        self.on_answer()
        if not self._message.get_no_reply():
            self._bus.send_message(answer)


class Exported:
    """An object with one interface. Subclasses say `INTERFACE`, METHODS {member: (argument signature, function of self
    and the call)}, SETTABLE {property} and properties(): those that exist now, as dbus types."""

    INTERFACE = ""
    METHODS = {}
    SETTABLE = frozenset()

    def __init__(self, exports, path):
        self.exports, self.path = exports, path

    def properties(self):
        return {}

    def set_property(self, name, value):
        raise NotImplementedError(name)

    def changed(self, *names):
        """Tells their values; one that does not exist any more is told as invalidated."""
        now = self.properties()
        there = dbus.Dictionary({name: now[name] for name in names if name in now}, signature="sv")
        gone = dbus.Array([name for name in names if name not in now], signature="s")
        if self.exports.objects.get(self.path) is self:
            self.exports.signal(self.path, PROPERTIES, "PropertiesChanged", "sa{sv}as", self.INTERFACE, there, gone)


class Exports:
    """All objects on one connection, which answers nothing unless it owns `name` as well."""

    def __init__(self, bus):
        self.bus, self.objects = bus, {}
        self.calls = []                                # "Member /path"
        self.failures = collections.defaultdict(list)  # member: errors; None: never answered
        self.unnoted = set()                           # paths whose calls are not noted
        self.open = set()                              # calls that are not answered yet
        bus.add_message_filter(self._filter)

    # --- objects ---

    def add(self, exported):
        self.objects[exported.path] = exported
        self.signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", dbus.ObjectPath(exported.path), self._of(exported))

    def remove(self, exported):
        if self.objects.pop(exported.path, None) is None:
            return
        gone = dbus.Array([INTROSPECTABLE, exported.INTERFACE, PROPERTIES], signature="s")
        self.signal("/", MANAGER, "InterfacesRemoved", "oas", dbus.ObjectPath(exported.path), gone)

    def forget_all(self):
        """All noted objects and open calls, as when the process ends."""
        self.objects = {path: exported for path, exported in self.objects.items() if path in self.unnoted}
        gone = BusError("org.freedesktop.DBus.Error.NoReply",
                        "Message recipient disconnected from message bus without replying")
        for call in list(self.open):
            call.fail(gone)

    def signal(self, path, interface, member, signature, *values):
        message = dbus.lowlevel.SignalMessage(path, interface, member)
        message.append(*values, signature=signature)
        self.bus.send_message(message)

    @staticmethod
    def _of(exported):
        nothing = dbus.Dictionary({}, signature="sv")
        own = dbus.Dictionary(exported.properties(), signature="sv")
        return dbus.Dictionary({INTROSPECTABLE: nothing, exported.INTERFACE: own, PROPERTIES: nothing},
                               signature="sa{sv}")

    # --- calls ---

    def _filter(self, _, message):
        if message.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL:
            return NOT_YET
        call = Call(self.bus, message)
        try:
            self._dispatch(call, message.get_signature())
        except BusError as error:
            call.fail(error)
        return HANDLED

    def _dispatch(self, call, signature):
        if call.path not in self.unnoted:
            self.open.add(call)
            call.on_answer = lambda: self.open.discard(call)
            self.calls.append(f"{call.member} {call.path}")
            if self.failures[call.member]:
                error = self.failures[call.member].pop(0)
                if error is None:
                    return
                raise error
        if call.interface == MANAGER and call.path == "/":
            return call.reply("a{oa{sa{sv}}}", dbus.Dictionary(
                {dbus.ObjectPath(path): self._of(exported) for path, exported in self.objects.items()
                 if path not in self.unnoted}, signature="oa{sa{sv}}"))
        exported = self.objects.get(call.path)
        if exported is None:
            raise BusError("org.freedesktop.DBus.Error.UnknownObject",
                           f'Method "{call.member}" with signature "{signature}" on interface "{call.interface}" '
                           "doesn't exist\n")
        if call.interface == PROPERTIES:
            return self._properties(exported, call)
        wanted, function = exported.METHODS.get(call.member, (None, None))
        if call.interface != exported.INTERFACE or wanted is None:
            raise BusError("org.freedesktop.DBus.Error.UnknownMethod",
                           f'Method "{call.member}" with signature "{signature}" on interface "{call.interface}" '
                           "doesn't exist\n")
        if signature != wanted:
            raise BusError("org.freedesktop.DBus.Error.InvalidArgs", "Invalid arguments in method call")
        return function(exported, call)

    def _properties(self, exported, call):
        if call.arguments[0] != exported.INTERFACE:
            raise BusError("org.freedesktop.DBus.Error.InvalidArgs", f"No such interface '{call.arguments[0]}'")
        now = exported.properties()
        if call.member == "GetAll":
            return call.reply("a{sv}", dbus.Dictionary(now, signature="sv"))
        name = call.arguments[1]
        if name not in now:
            raise BusError("org.freedesktop.DBus.Error.InvalidArgs", f"No such property '{name}'")
        if call.member == "Get":
            return call.reply("v", now[name])
        if name not in exported.SETTABLE:
            raise BusError("org.freedesktop.DBus.Error.PropertyReadOnly", f"Property '{name}' is not writable")
        exported.set_property(name, call.arguments[2])
        return call.reply()
