# SPDX-License-Identifier: Apache-2.0
"""What carries SMP packets for the client in smp_client.py: a serial line with console or raw framing, UDP, or a
SOCK_SEQPACKET socket."""
import base64
import binascii
import os
import select
import socket
import stat
import struct
import termios
import tty

RAW_PER_LINE = 93


def frame(packet):
    """The console lines of a packet, each with marker and newline."""
    stream = struct.pack(">H", len(packet) + 2) + packet + struct.pack(">H", binascii.crc_hqx(packet, 0))
    pieces = [stream[i:i + RAW_PER_LINE] for i in range(0, len(stream), RAW_PER_LINE)]
    return [(b"\x04\x14" if i else b"\x06\x09") + base64.b64encode(piece) + b"\n" for i, piece in enumerate(pieces)]


class Deframer:
    """Bytes in, packets out. `lines` keeps every SMP line as it came; a frame that is broken raises, unless the line
    is known to be bad."""

    def __init__(self, bad_line=False):
        self.rest, self.stream, self.lines, self.bad_line = b"", None, [], bad_line

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [packet for packet in map(self._line, lines) if packet is not None]

    def _line(self, line):
        for marker in (b"\x06\x09", b"\x04\x14"):
            if marker in line:
                line = line[line.index(marker):]
                break
        else:
            return None
        self.lines.append(line)
        if line.startswith(b"\x06\x09"):
            self.stream = b""
        if self.stream is None:
            return None
        try:
            self.stream += base64.b64decode(line[2:], validate=True)
            return self._packet()
        except (binascii.Error, AssertionError):
            self.stream = None
            if not self.bad_line:
                raise
            return None

    def _packet(self):
        if len(self.stream) < 2 or len(self.stream) < struct.unpack(">H", self.stream[:2])[0] + 2:
            return None
        content, self.stream = self.stream, None
        assert len(content) == struct.unpack(">H", content[:2])[0] + 2, "bad length from the child"
        assert binascii.crc_hqx(content[2:], 0) == 0, "bad CRC from the child"
        return content[2:-2]


class RawDeframer:
    """The same for raw framing: only the header tells where a packet ends."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        self.rest += data
        packets = []
        while len(self.rest) >= 8 and len(self.rest) >= 8 + struct.unpack(">H", self.rest[2:4])[0]:
            size = 8 + struct.unpack(">H", self.rest[2:4])[0]
            packets.append(self.rest[:size])
            self.rest = self.rest[size:]
        return packets


class SerialLine:
    def __init__(self, path, framing="console", bad_line=False):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)
        termios.tcflush(self.fd, termios.TCIFLUSH)
        self.raw = framing == "raw"
        self.deframer = RawDeframer() if self.raw else Deframer(bad_line)

    def close(self):
        os.close(self.fd)

    def write(self, data):
        while data:
            select.select([], [self.fd], [], 10)
            data = data[os.write(self.fd, data):]

    def send(self, packet):
        self.write(packet if self.raw else b"".join(frame(packet)))

    def receive(self):
        """Packets of what can be read now."""
        return self.deframer.feed(os.read(self.fd, 65536))


class UdpLine:
    """To "127.0.0.1:PORT" or "[::1]:PORT"."""

    def __init__(self, where):
        host, port = where.rsplit(":", 1)
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((host.strip("[]"), int(port)))
        self.fd = self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, packet):
        self.socket.send(packet)

    def receive(self):
        try:
            return [self.socket.recv(65536)]
        except ConnectionRefusedError:  # the child's port is closed
            return []


class SeqpacketLine:
    """To the socket of a child's --seqpacket; ConnectionError when the child drops the connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)
        self.fd = self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, packet):
        self.socket.send(packet)

    def receive(self):
        packet = self.socket.recv(65536)
        if not packet:
            raise ConnectionResetError("the child dropped the link")
        return [packet]


def open_line(where, framing="console", bad_line=False):
    if os.path.exists(where) and stat.S_ISSOCK(os.stat(where).st_mode):
        return SeqpacketLine(where)
    return UdpLine(where) if ":" in where else SerialLine(where, framing, bad_line)
