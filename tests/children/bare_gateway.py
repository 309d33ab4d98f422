# SPDX-License-Identifier: Apache-2.0
"""A gateway for one lwm2m_child on a bare socket, message by message: for what no real server would do to order."""

import itertools
import socket
import time

import coap_wire as wire


class BareGateway:
    """`inbox`: what the child has sent and nobody has awaited yet; CON is acknowledged."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.where = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.child, self.inbox, self.mids = None, [], itertools.count(1)

    def close(self):
        self.socket.close()

    def receive(self, within=10.0):
        """The next message; None: silence."""
        self.socket.settimeout(within)
        try:
            data, self.child = self.socket.recvfrom(2048)
        except TimeoutError:
            return None
        return wire.decode(data)

    def send(self, message):
        self.socket.sendto(message.encode(), self.child)

    def await_request(self, path, within=10.0):
        """A request of the child to this path; what else comes goes to the inbox."""
        end = time.monotonic() + within
        while message := self.receive(max(0.01, end - time.monotonic())):
            if message.is_request() and message.path == path:
                return message
            self._keep(message)
        raise AssertionError(f"no request to {path}")

    def answer(self, request, code, *options, payload=b""):
        message = wire.Message(wire.ACK, wire.code(code), request.mid, request.token, payload=payload)
        for number, value in options:
            message.add(number, value)
        self.send(message)

    def register(self, location="7", within=10.0):
        request = self.await_request("rd", within)
        self.answer(request, "2.01", (wire.LOCATION_PATH, "rd"), (wire.LOCATION_PATH, location))
        return request

    def _keep(self, message):
        if message.kind == wire.CON and not message.is_request():
            self.send(wire.Message(wire.ACK, wire.EMPTY, message.mid))
        self.inbox.append(message)

    def ask(self, method, path, within=5.0, token=b"t", mid=None, **more):
        """The child's answer, None: silence."""
        message = wire.request(method, path, **more)
        return self.exchange(message, within, token, mid)

    def exchange(self, message, within=5.0, token=b"t", mid=None):
        message.token, message.mid = token, next(self.mids) if mid is None else mid
        self.send(message)
        end = time.monotonic() + within
        while answer := self.receive(max(0.01, end - time.monotonic())):
            if answer.kind == wire.ACK and answer.mid == message.mid:
                return answer
            self._keep(answer)
        return None

    def block1(self, path, data, number, size, within=5.0, token=b"p", mid=None):
        """Sends one block of a push; the code of the answer as text, None: silence."""
        message = wire.request(wire.PUT, path, content=wire.OPAQUE, payload=data[number * size:(number + 1) * size])
        message.add(wire.BLOCK1, wire.Block(number, (number + 1) * size < len(data), wire.szx_of(size)).value())
        answer = self.exchange(message, within, token, mid)
        return wire.code_text(answer.code) if answer else None

    def read(self, path):
        answer = self.ask(wire.GET, path, accept=wire.TEXT)
        return answer.payload.decode() if answer.code == wire.code("2.05") else wire.code_text(answer.code)

    def put(self, path, text):
        return wire.code_text(self.ask(wire.PUT, path, content=wire.TEXT, payload=str(text).encode()).code)

    def execute(self, path, arguments=""):
        return wire.code_text(self.ask(wire.POST, path, payload=arguments.encode()).code)

    def push_whole(self, data, base="5/0", size=512):
        """All blocks; the code of the last."""
        for number in range(-(-len(data) // size)):
            code = self.block1(f"{base}/0", data, number, size)
        return code
