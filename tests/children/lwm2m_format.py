# SPDX-License-Identifier: Apache-2.0
"""Values of LwM2M resources in the formats of OMA: TLV, SenML-CBOR, text, opaque. Values are int, bool, str, bytes,
ObjectLink, and a dict of them for a resource with several instances."""

from dataclasses import dataclass

import cbor2

import coap_wire as wire

BASE_NAME, NAME, VALUE, STRING, BOOLEAN, DATA, LINK = -2, 0, 2, 3, 4, 8, "vlo"


class Unsupported(Exception):
    """The format cannot say this."""


@dataclass(frozen=True)
class ObjectLink:
    object: int
    instance: int


def tlv_value(value):
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return next(value.to_bytes(size, "big", signed=True) for size in (1, 2, 4, 8) if _fits(value, size))
    if isinstance(value, ObjectLink):
        return value.object.to_bytes(2, "big") + value.instance.to_bytes(2, "big")
    return value if isinstance(value, bytes) else value.encode()


def _fits(value, size):
    return -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1


def tlv_record(kind, number, value):
    """kind: 0 object instance, 1 resource instance, 2 multiple resource, 3 resource"""
    identifier = number.to_bytes(1 + (number > 255), "big")
    if len(value) < 8:
        return bytes([kind << 6 | (number > 255) << 5 | len(value)]) + identifier + value
    size = (len(value).bit_length() + 7) // 8
    return bytes([kind << 6 | (number > 255) << 5 | size << 3]) + identifier + len(value).to_bytes(size, "big") + value


def tlv_resource(number, value):
    if isinstance(value, dict):
        return tlv_record(2, number, b"".join(tlv_record(1, key, tlv_value(each)) for key, each in value.items()))
    return tlv_record(3, number, tlv_value(value))


def tlv_records(data):
    """(kind, number, value) of each"""
    at, found = 0, []
    while at < len(data):
        head = data[at]
        wide, size = 1 + (head >> 5 & 1), head >> 3 & 3
        number = int.from_bytes(data[at + 1:at + 1 + wide], "big")
        at += 1 + wide
        length = int.from_bytes(data[at:at + size], "big") if size else head & 7
        at += size
        if at + length > len(data):
            raise Unsupported("TLV is cut")
        found.append((head >> 6, number, data[at:at + length]))
        at += length
    return found


def senml(base, rows):
    """rows: (name below base, value)"""
    records = []
    for name, value in rows:
        for key, each in value.items() if isinstance(value, dict) else [(None, value)]:
            record = {} if records else {BASE_NAME: base}
            record[NAME] = name if key is None else f"{name}/{key}"
            record[_senml_label(each)] = f"{each.object}:{each.instance}" if isinstance(each, ObjectLink) else each
            records.append(record)
    return cbor2.dumps(records)


def _senml_label(value):
    for kind, label in ((bool, BOOLEAN), (int, VALUE), (str, STRING), (bytes, DATA), (ObjectLink, LINK)):
        if isinstance(value, kind):
            return label
    raise Unsupported(repr(value))


def text(value):
    if isinstance(value, (dict, bytes)):
        raise Unsupported("text")
    if isinstance(value, ObjectLink):
        return f"{value.object}:{value.instance}".encode()
    return str(int(value) if isinstance(value, bool) else value).encode()


def encode(form, path, resources):
    """`path`: the numbers that were asked for; `resources`: (instance, resource, value) that stand there."""
    if form in (wire.TEXT, wire.OPAQUE):
        if len(path) != 3:
            raise Unsupported("a single resource")
        value = resources[0][2]
        if form == wire.TEXT:
            return text(value)
        if isinstance(value, bytes):
            return value
        raise Unsupported("opaque")
    if form == wire.TLV:
        return _tlv(path, resources)
    if form == wire.SENML_CBOR:
        return _senml(path, resources)
    raise Unsupported(str(form))


def _tlv(path, resources):
    if len(path) > 1:
        return b"".join(tlv_resource(number, value) for _, number, value in resources)
    instances = dict.fromkeys(instance for instance, _, _ in resources)
    return b"".join(
        tlv_record(0, each, b"".join(tlv_resource(number, value) for at, number, value in resources if at == each))
        for each in instances)


def _senml(path, resources):
    if len(path) == 3:
        return senml("/" + "/".join(map(str, path)), [("", resources[0][2])])
    base = "/" + "/".join(map(str, path)) + "/"
    return senml(base, [(str(number) if len(path) == 2 else f"{instance}/{number}", value)
                        for instance, number, value in resources])


def decode_single(form, data, kind):
    """The value written to one resource, as `kind` (int, str, bytes, bool)."""
    if form == wire.SENML_CBOR:
        record = cbor2.loads(data)[0]
        return kind(next(record[label] for label in (VALUE, STRING, DATA, BOOLEAN) if label in record))
    if form == wire.TLV:
        records = tlv_records(data)
        raw = records[0][2] if records else b""
        return int.from_bytes(raw, "big", signed=True) if kind in (int, bool) else _plain(raw, kind)
    return _plain(data, kind)


def _plain(data, kind):
    return data if kind is bytes else kind(data.decode()) if kind is str else kind(int(data.decode()))
