# SPDX-License-Identifier: Apache-2.0
"""The attribute server of a small device (Core Specification, Vol 3, Parts F and G) with the services that an SMP child
has: GAP with its name, GATT, and SMP. Pure: what comes over L2CAP channel 4 goes in, what is to be sent comes out."""
import dataclasses
import itertools
import struct
import uuid

from smp_gatt import CHARACTERISTIC, SERVICE

CHANNEL = 4
MTU = 247
LEAST_MTU = 23
PRIMARY, DECLARATION, NAME, SUBSCRIPTION = 0x2800, 0x2803, 0x2a00, 0x2902
DATABASE_HASH, MANUFACTURER = 0x2b2a, 0x2a29
GAP, GATT, DEVICE_INFORMATION = 0x1800, 0x1801, 0x180a
READ, WRITE_COMMAND, NOTIFY = 0x02, 0x04, 0x10

INVALID_HANDLE, READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, INVALID_PDU = 0x01, 0x02, 0x03, 0x04
INSUFFICIENT_AUTHENTICATION, NOT_SUPPORTED, INVALID_OFFSET, NOT_FOUND = 0x05, 0x06, 0x07, 0x0a
INVALID_LENGTH, INSUFFICIENT_ENCRYPTION, UNSUPPORTED_GROUP = 0x0d, 0x0f, 0x10

ERROR, NOTIFICATION, CONFIRMATION, COMMAND_FLAG = 0x01, 0x1b, 0x1e, 0x40


class Refused(Exception):
    def __init__(self, handle, error):
        super().__init__(error)
        self.handle, self.error = handle, error


@dataclasses.dataclass
class Attribute:
    """`group_end`: of a service, its last handle."""
    handle: int
    type: bytes
    value: bytes
    readable: bool = True
    group_end: int = 0


def type_bytes(which):
    return struct.pack("<H", which) if isinstance(which, int) else uuid.UUID(which).bytes[::-1]


class Database:
    """`has_hash`: it tells when it has become another, by its hash; clients only compare that, so it may be any. `is_moved`:
    there is one service more, before that of SMP."""

    def __init__(self, name, has_hash=False, is_moved=False):
        self.attributes = []
        self._service(GAP, (NAME, READ, name.encode()))
        self._service(GATT, *([(DATABASE_HASH, READ, bytes(15) + bytes([is_moved]))] if has_hash else []))
        if is_moved:
            self._service(DEVICE_INFORMATION, (MANUFACTURER, READ, b"Vendor"))
        self._service(SERVICE, (CHARACTERISTIC, WRITE_COMMAND | NOTIFY, b""))
        self.smp, self.subscription = self.attributes[-2].handle, self.attributes[-1].handle

    def _service(self, which, *characteristics):
        service = self._add(PRIMARY, type_bytes(which))
        for kind, properties, value in characteristics:
            declared = struct.pack("<BH", properties, len(self.attributes) + 2) + type_bytes(kind)
            self._add(DECLARATION, declared)
            self._add(kind, value, readable=bool(properties & READ))
            if properties & NOTIFY:
                self._add(SUBSCRIPTION, bytes(2))
        service.group_end = self.attributes[-1].handle

    def _add(self, kind, value, readable=True):
        self.attributes.append(Attribute(len(self.attributes) + 1, type_bytes(kind), value, readable))
        return self.attributes[-1]

    def at(self, handle):
        if not 0 < handle <= len(self.attributes):
            raise Refused(handle, INVALID_HANDLE)
        return self.attributes[handle - 1]

    def within(self, first, last):
        if not 0 < first <= last:
            raise Refused(first, INVALID_HANDLE)
        return self.attributes[first - 1:last]


def _alike(rows, room):
    """As many from the beginning as fit into the room and are as long as the first."""
    size = len(rows[0])
    alike = itertools.takewhile(lambda row: len(row) == size, rows[:max(1, room // size)])
    return [row[:room] for row in alike]


class AttServer:
    """Of one connection. `written(value)` gets what is written to the SMP characteristic; `refusal()` is the error with
    which it is refused at the moment, or 0. A write command that is refused is lost without a word."""

    def __init__(self, database, written, refusal):
        self.database, self.written, self.refusal = database, written, refusal
        self.mtu, self.is_subscribed = LEAST_MTU, False
        self._answers = {0x02: self._exchange_mtu, 0x04: self._find_information, 0x06: self._find_by_type_value,
                         0x08: self._read_by_type, 0x0a: self._read, 0x0c: self._read_blob,
                         0x10: self._read_by_group_type, 0x12: self._write}

    def answer(self, packet):
        """What is to be sent, or None."""
        opcode, parameters = packet[0], packet[1:]
        if opcode == 0x52 and len(parameters) >= 2:
            self._write_command(*struct.unpack_from("<H", parameters), parameters[2:])
        if opcode & COMMAND_FLAG or opcode == CONFIRMATION:
            return None
        try:
            if opcode not in self._answers:
                raise Refused(0, NOT_SUPPORTED)
            return bytes([opcode + 1]) + self._answers[opcode](parameters)
        except Refused as refused:
            return struct.pack("<BBHB", ERROR, opcode, refused.handle, refused.error)
        except struct.error:
            return struct.pack("<BBHB", ERROR, opcode, 0, INVALID_PDU)

    def notification(self, value):
        return struct.pack("<BH", NOTIFICATION, self.database.smp) + value

    def _exchange_mtu(self, parameters):
        offered, = struct.unpack("<H", parameters)
        self.mtu = max(LEAST_MTU, min(MTU, offered))
        return struct.pack("<H", MTU)

    def _find_information(self, parameters):
        first, last = struct.unpack("<HH", parameters)
        rows = [struct.pack("<H", each.handle) + each.type for each in self.database.within(first, last)]
        if not rows:
            raise Refused(first, NOT_FOUND)
        return bytes([1 if len(rows[0]) == 4 else 2]) + b"".join(_alike(rows, self.mtu - 2))

    def _find_by_type_value(self, parameters):
        first, last, kind = struct.unpack_from("<HHH", parameters)
        found = [each for each in self.database.within(first, last)
                 if each.type == type_bytes(kind) and each.value == parameters[6:]]
        rows = [struct.pack("<HH", each.handle, each.group_end or each.handle) for each in found]
        if not rows:
            raise Refused(first, NOT_FOUND)
        return b"".join(_alike(rows, self.mtu - 1))

    def _read_by_type(self, parameters):
        first, last = struct.unpack_from("<HH", parameters)
        found = [each for each in self.database.within(first, last) if each.type == parameters[4:]]
        if not found:
            raise Refused(first, NOT_FOUND)
        if not found[0].readable:
            raise Refused(found[0].handle, READ_NOT_PERMITTED)
        return self._listed([struct.pack("<H", each.handle) + each.value for each in found if each.readable])

    def _read_by_group_type(self, parameters):
        first, last = struct.unpack_from("<HH", parameters)
        if parameters[4:] != type_bytes(PRIMARY):
            raise Refused(first, UNSUPPORTED_GROUP)
        found = [each for each in self.database.within(first, last) if each.type == parameters[4:]]
        if not found:
            raise Refused(first, NOT_FOUND)
        return self._listed([struct.pack("<HH", each.handle, each.group_end) + each.value for each in found])

    def _listed(self, rows):
        rows = _alike(rows, min(self.mtu - 2, 255))
        return bytes([len(rows[0])]) + b"".join(rows)

    def _read(self, parameters):
        return self._value_at(*struct.unpack("<H", parameters))[:self.mtu - 1]

    def _read_blob(self, parameters):
        handle, offset = struct.unpack("<HH", parameters)
        value = self._value_at(handle)
        if offset > len(value):
            raise Refused(handle, INVALID_OFFSET)
        return value[offset:offset + self.mtu - 1]

    def _value_at(self, handle):
        attribute = self.database.at(handle)
        if not attribute.readable:
            raise Refused(handle, READ_NOT_PERMITTED)
        return struct.pack("<H", self.is_subscribed) if handle == self.database.subscription else attribute.value

    def _write(self, parameters):
        handle, = struct.unpack_from("<H", parameters)
        self.database.at(handle)
        if handle != self.database.subscription:
            raise Refused(handle, WRITE_NOT_PERMITTED)
        if error := self.refusal():
            raise Refused(handle, error)
        if len(parameters) != 4:
            raise Refused(handle, INVALID_LENGTH)
        self.is_subscribed = bool(parameters[2] & 1)
        return b""

    def _write_command(self, handle, value):
        if handle == self.database.smp and not self.refusal():
            self.written(value)

