# SPDX-License-Identifier: Apache-2.0
"""CoAP messages as bytes and values (RFC 7252 section 3, RFC 7641, RFC 7959): for the test children, which share no code
with headgate."""

from dataclasses import dataclass, field

CON, NON, ACK, RST = range(4)
EMPTY, GET, POST, PUT, DELETE = range(5)
IF_MATCH, URI_HOST, ETAG, OBSERVE, URI_PORT, LOCATION_PATH, URI_PATH, CONTENT_FORMAT = 1, 3, 4, 6, 7, 8, 11, 12
URI_QUERY, ACCEPT, BLOCK2, BLOCK1, SIZE2, SIZE1 = 15, 17, 23, 27, 28, 60
CRITICAL_KNOWN = {IF_MATCH, URI_HOST, URI_PORT, URI_PATH, URI_QUERY, ACCEPT, BLOCK2, BLOCK1}
TEXT, LINK, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, TLV = 0, 40, 42, 60, 110, 112, 11542


def code(text):
    """ "2.05" as it travels """
    high, low = text.split(".")
    return int(high) << 5 | int(low)


def code_text(number):
    return f"{number >> 5}.{number & 31:02}"


class Malformed(ValueError):
    """What came is no CoAP message (RFC 7252 section 3)."""


@dataclass(frozen=True)
class Block:
    """Block1 or Block2 (RFC 7959 section 2.2)."""

    number: int
    more: bool
    szx: int

    @property
    def size(self):
        return 16 << self.szx

    @property
    def offset(self):
        return self.number * self.size

    def value(self):
        return self.number << 4 | self.more << 3 | self.szx


def szx_of(size):
    """16 to 1024 bytes"""
    return size.bit_length() - 5


def uint(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@dataclass
class Message:
    kind: int
    code: int
    mid: int = 0
    token: bytes = b""
    options: list = field(default_factory=list)  # (number, bytes), in the order of numbers after encode()
    payload: bytes = b""

    def add(self, number, value):
        """`value`: bytes, str or an unsigned integer. Answers the message."""
        raw = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else uint(value)
        self.options.append((number, raw))
        return self

    def all(self, number):
        return [value for each, value in self.options if each == number]

    def get(self, number):
        return next(iter(self.all(number)), None)

    def number(self, number):
        value = self.get(number)
        return None if value is None else int.from_bytes(value, "big")

    def block(self, number):
        value = self.number(number)
        return None if value is None else Block(value >> 4, bool(value >> 3 & 1), value & 7)

    @property
    def path(self):
        return "/".join(part.decode("utf-8", "replace") for part in self.all(URI_PATH))

    @property
    def query(self):
        return [part.decode("utf-8", "replace") for part in self.all(URI_QUERY)]

    def is_request(self):
        return 0 < self.code < 32

    def encode(self):
        self.options.sort(key=lambda option: option[0])
        head = bytes([1 << 6 | self.kind << 4 | len(self.token), self.code]) + self.mid.to_bytes(2, "big")
        body, last = b"", 0
        for number, value in self.options:
            delta, more_delta = _nibble(number - last)
            length, more_length = _nibble(len(value))
            body += bytes([delta << 4 | length]) + more_delta + more_length + value
            last = number
        return head + self.token + body + (b"\xff" + self.payload if self.payload else b"")


def _nibble(value):
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")


def request(method, path, kind=CON, query=(), payload=b"", content=None, accept=None):
    """`path`: "rd/5", without escapes"""
    message = Message(kind, method, payload=payload)
    for part in filter(None, path.split("/")):
        message.add(URI_PATH, part)
    for part in query:
        message.add(URI_QUERY, part)
    if content is not None:
        message.add(CONTENT_FORMAT, content)
    if accept is not None:
        message.add(ACCEPT, accept)
    return message


def decode(data):
    if len(data) < 4 or data[0] >> 6 != 1 or data[0] & 15 > 8:
        raise Malformed("head")
    kind, length = data[0] >> 4 & 3, data[0] & 15
    message = Message(kind, data[1], int.from_bytes(data[2:4], "big"), data[4:4 + length])
    if len(message.token) != length or (data[1] == EMPTY and len(data) > 4):
        raise Malformed("token")
    at, last = 4 + length, 0
    while at < len(data) and data[at] != 0xFF:
        head = data[at]
        delta, at = _extended(data, head >> 4, at + 1)
        size, at = _extended(data, head & 15, at)
        if at + size > len(data):
            raise Malformed("option")
        last += delta
        message.options.append((last, data[at:at + size]))
        at += size
    if at < len(data):
        message.payload = data[at + 1:]
        if not message.payload:
            raise Malformed("marker without payload")
    return message


def _extended(data, nibble, at):
    if nibble < 13:
        return nibble, at
    size = {13: 1, 14: 2}.get(nibble)
    if size is None or at + size > len(data):
        raise Malformed("option head")
    return int.from_bytes(data[at:at + size], "big") + (13 if size == 1 else 269), at + size
