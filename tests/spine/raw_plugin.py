# SPDX-License-Identifier: Apache-2.0
"""A plugin by hand: frames over the plugin socket, well-formed or not (docs/plugin-protocol.md)."""

import socket

import cbor2

HELLO, WELCOME, REFUSED, ENROLL, FORGET, LINK, DISCOVERED, VANISHED, LINK_KEY = range(1, 10)
INSPECT, OFFER, BACKUP, DELIVER, ACTIVATE, CONFIRM, REVERT, RESTORE, CANCEL = range(10, 19)
IDENTIFY, PROVE = 19, 30
INSPECTED = 20
IDENTIFIED, PROVEN = 29, 31
CAN_HOLD_KEYS = 32


class RawPlugin:
    def __init__(self, gateway, deadline_s=30):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(gateway.runtime / "plugins.sock"))
        self._socket.settimeout(deadline_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frame):
        self.send_bytes(cbor2.dumps(frame))

    def send_bytes(self, data):
        self._socket.send(data)

    def hello(self, transport="serial", **changes):
        frame = {0: HELLO, 1: 1, 2: 1, 3: transport, 4: 0, 5: "raw plugin of a test"}
        self.send({**frame, **{int(key[1:]): value for key, value in changes.items()}})

    def receive(self):
        """The next frame; None when the daemon has closed the connection."""
        try:
            data = self._socket.recv(1 << 20)
        except ConnectionResetError:
            return None
        return cbor2.loads(data) if data else None

    def receive_until_closed(self):
        frames = []
        while (frame := self.receive()) is not None:
            frames.append(frame)
        return frames
