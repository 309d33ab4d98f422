# SPDX-License-Identifier: Apache-2.0
"""The child's side of SMP over GATT (smp.md 2.3), between a GATT server and an smp_child --seqpacket.

What is written to the SMP characteristic is put together to whole packets by the length in their headers, as Zephyr
does with CONFIG_MCUMGR_TRANSPORT_BT_REASSEMBLY, and goes to the child; its answers are cut to notifications. Whoever
serves the characteristic (the stand-in for bluetoothd; a peripheral on a real one) waits for `fileno()` to be readable
and then takes `notifications()`. Only Python; no bus and no loop.
"""
import socket
import struct

SERVICE = "8d53dc1d-1db7-4cd3-868b-8a527460aa84"
CHARACTERISTIC = "da2e7828-fbce-4e01-ae9e-261174997c48"
ATT_HEADER = 3  # bytes of opcode and handle in a write command or notification: a value has at most MTU - 3
HEADER = 8      # bytes of an SMP header
LONGEST = 65536
PATIENCE = 2.0  # seconds; a child that takes nothing for so long counts as gone


class Reassembly:
    """Fragments in, whole packets out. What does not fit (a first fragment without a whole header, or more than the
    header announces) is dropped with all of its packet, as Zephyr drops it. `whole`: without reassembly, where every
    write must be a packet."""

    def __init__(self, whole=False):
        self.whole, self.held, self.expected, self.dropped = whole, b"", 0, 0

    def feed(self, fragment):
        """The packet that this fragment completes, or None."""
        if not self.held:
            if len(fragment) < HEADER:
                return self._drop()
            self.expected = HEADER + struct.unpack(">H", fragment[2:4])[0]
        self.held += fragment
        if len(self.held) > self.expected or (self.whole and len(self.held) < self.expected):
            return self._drop()
        if len(self.held) < self.expected:
            return None
        packet, self.held = self.held, b""
        return packet

    def _drop(self):
        self.held = b""
        self.dropped += 1


def cut(packet, mtu):
    """The notifications that carry a packet over a link with this ATT MTU."""
    size = mtu - ATT_HEADER
    return [packet[i:i + size] for i in range(0, len(packet), size)]


class SmpGatt:
    """One connection's worth of bridge to the socket at `path`; OSError when the child is not there (it is off, or
    boots). Closing it is the end of the link: what was half written is forgotten."""

    def __init__(self, path, mtu, reassembly=True):
        self.mtu, self.reassembly = mtu, Reassembly(whole=not reassembly)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def fileno(self):
        return self.socket.fileno()

    def write(self, value):
        """Takes the value of one write; ConnectionError or TimeoutError when the child has dropped the link."""
        packet = self.reassembly.feed(bytes(value))
        if packet:
            self.socket.send(packet)

    def notifications(self):
        """Takes one answer of the child, which must be there to read: the values to be notified, in order.
        ConnectionError when the child has dropped the link."""
        packet = self.socket.recv(LONGEST)
        if not packet:
            raise ConnectionResetError("the child dropped the link")
        return cut(packet, self.mtu)

    def close(self):
        self.socket.close()
