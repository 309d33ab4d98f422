# SPDX-License-Identifier: Apache-2.0
"""The objects of an lwm2m_child as a server sees them: Read, Write, Execute, Discover and Observe on 1, 3, 5 and 33629."""

import asyncio

import coap_wire as wire
import lwm2m_format
from lwm2m_format import ObjectLink, Unsupported

FORMATS = (wire.TEXT, wire.OPAQUE, wire.TLV, wire.SENML_CBOR)


def answer_of(text, payload=b""):
    return wire.Message(wire.ACK, wire.code(text), payload=payload)


class Device:
    def __init__(self, child):
        self.child = child
        self.observations = {}  # path -> (token, accept)
        self.sequence = 1
        self.first_version = child.updates.main.version

    # ---------------------------------------------------------------------------------------------------- requests

    def answer(self, message):
        path = self._path(message.path)
        if path is None:
            return answer_of("4.04")
        if message.code == wire.GET:
            return self._get(path, message)
        if message.code == wire.PUT:
            return self._write(path, message)
        if message.code == wire.POST:
            return self._execute(path, message) if len(path) == 3 else self._write_instance(path, message)
        return answer_of("4.05")

    def _path(self, text):
        root = self.child.options.root
        if root:
            if not (text + "/").startswith(root + "/"):
                return None
            text = text[len(root):].strip("/")
        parts = text.split("/")
        if not 1 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
            return None
        return tuple(map(int, parts))

    # ---------------------------------------------------------------------------------------------------- reading

    def _objects(self):
        """object -> instance -> (resource, value)"""
        updates, found = self.child.updates, {1: {0: self._server()}, 3: {0: self._device()}}
        if updates.plain:
            found[5] = {0: updates.resources(updates.plain)}
        if updates.advanced:
            found[33629] = {unit.instance: updates.resources(unit) for unit in updates.advanced}
        return found

    def _server(self):
        return [(0, 1), (1, self.child.lifetime), (6, True), (7, "U")]

    def _device(self):
        options, updates = self.child.options, self.child.updates
        version = self.first_version if options.keep_version else updates.main.version
        found = [(0, options.manufacturer), (1, options.model), (2, self.child.name), (3, version),
                 (6, dict(enumerate(options.power)))]
        found += [(9, options.battery)] if options.battery >= 0 else []
        found += [(11, dict(enumerate(options.error))), (16, "U"), (17, "child"), (18, "1")]
        return found + ([(20, options.battery_status)] if options.battery_status >= 0 else [])

    def _found(self, path):
        """(instance, resource, value) at the path"""
        instances = self._objects().get(path[0], {})
        return [(instance, number, value) for instance, rows in instances.items() for number, value in rows
                if path[1:2] in ((), (instance,)) and path[2:] in ((), (number,))]

    def _get(self, path, message):
        found, accept = self._found(path), message.number(wire.ACCEPT)
        if not found:
            return answer_of("4.04")
        if accept == wire.LINK:
            return self._discover(path, found)
        try:
            answer = self._content(path, found, accept)
        except Unsupported:
            return answer_of("4.06")
        observe = message.number(wire.OBSERVE)
        if observe == 0 and not self.child.options.no_observe:
            self.observations[path] = (message.token, accept)
            answer.add(wire.OBSERVE, self._next_sequence())
        elif observe == 1:
            self.observations.pop(path, None)
        return answer

    def _discover(self, path, found):
        links = [f"</{path[0]}/{instance}/{number}>" for instance, number, _ in found]
        return answer_of("2.05", ",".join(links).encode()).add(wire.CONTENT_FORMAT, wire.LINK)

    def _content(self, path, found, accept):
        options = self.child.options
        known = [int(each) for each in options.formats.split(",")] if options.formats else FORMATS
        form = accept if accept is not None else (wire.TLV if options.lwm2m == "1.0" else wire.SENML_CBOR)
        if form not in known:
            raise Unsupported(str(form))
        return answer_of("2.05", lwm2m_format.encode(form, path, found)).add(wire.CONTENT_FORMAT, form)

    def _next_sequence(self):
        self.sequence += 1
        return self.sequence

    def notify(self, unit, names):
        """State or Result of a unit has changed."""
        child, numbers = self.child, {"state": 3, "result": 5}
        if child.options.no_notify or child.options.no_answer or not child.endpoint or not child.location:
            return
        shown = {numbers[name] for name in names if not (name == "state" and child.options.quiet_state)}
        base = (5 if unit.name is None else 33629, unit.instance)
        for path, (token, accept) in list(self.observations.items()):
            if path == base[:len(path)] and shown or path[:2] == base and path[2:] and path[2] in shown:
                self._notify(path, token, accept)

    def _notify(self, path, token, accept):
        child = self.child
        message = self._content(path, self._found(path), accept)
        message.add(wire.OBSERVE, self._next_sequence())
        message.token, message.kind = token, wire.NON if child.options.notify_non else wire.CON
        child.counts["notifications"] += 1
        child.wake()
        child.endpoint.notify(message, lambda: self.observations.pop(path, None))

    # ---------------------------------------------------------------------------------------------------- writing

    def _write(self, path, message):
        if not self._found(path[:2]):
            return answer_of("4.04")
        if message.query:
            return answer_of("2.04")  # attributes
        if len(path) != 3:
            return self._write_instance(path, message)
        unit = self.child.updates.unit(path[:2])
        if unit and path[2] == 0:
            return self.child.updates.write_package(unit, message)
        form = message.number(wire.CONTENT_FORMAT)
        try:
            return self._set(path, unit, lambda kind: lwm2m_format.decode_single(form or 0, message.payload, kind))
        except (ValueError, KeyError, IndexError, Unsupported, StopIteration):
            return answer_of("4.00")

    def _write_instance(self, path, message):
        """Write of a whole instance, or of some of it, in TLV."""
        if len(path) != 2 or message.number(wire.CONTENT_FORMAT) != wire.TLV:
            return answer_of("4.15" if len(path) == 2 else "4.05")
        unit = self.child.updates.unit(path)
        for _, number, raw in lwm2m_format.tlv_records(message.payload):
            answer = self._set((*path, number), unit, lambda kind, raw=raw: int.from_bytes(raw, "big", signed=True)
                               if kind in (int, bool) else kind(raw.decode()) if kind is str else raw)
            if answer.code != wire.code("2.04"):
                return answer
        return answer_of("2.04")

    def _set(self, path, unit, value):
        """`value(kind)` is what was written."""
        if path == (1, 0, 1):
            self.child.lifetime = value(int)
        elif unit and path[2] == 1:
            return self.child.updates.write_uri(unit, value(str))
        elif unit and path[2] == 11:
            unit.severity = value(int)
        elif unit and path[2] == 13:
            unit.max_defer = value(int)
        elif unit and path[2] == 14 and unit.name is None:
            unit.auto_install = bool(value(int))
        else:
            return answer_of("4.05")
        self.child.report("written", path="/".join(map(str, path)))
        return answer_of("2.04")

    def _execute(self, path, message):
        child, loop = self.child, asyncio.get_running_loop()
        if path == (1, 0, 8):
            loop.call_soon(child.poke.set)
            return answer_of("2.04")
        if path == (3, 0, 4):
            loop.call_soon(lambda: child.updates.spawn(child.reboot(child.options.reboot_s)))
            return answer_of("2.04")
        unit = child.updates.unit(path[:2])
        if unit and path[2] == 2:
            return child.updates.execute(unit, message.payload.decode("utf-8", "replace"))
        if unit and path[2] == 10:
            return child.updates.cancel(unit)
        return answer_of("4.05" if self._found(path[:2]) else "4.04")


def links(object_number, instances):
    return {position: ObjectLink(object_number, each) for position, each in enumerate(instances)}
