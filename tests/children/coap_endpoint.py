# SPDX-License-Identifier: Apache-2.0
"""One end of a CoAP conversation on asyncio (RFC 7252 section 4): retransmission, duplicates, separate answers, Block2.
It is given a line that carries datagrams: UdpLine here, or DtlsLine of dtls_socket."""

import asyncio
import os
import random
import socket
from urllib.parse import unquote, urlsplit

import coap_wire as wire

REMEMBERED = 64  # requests whose answers are kept for duplicates (RFC 7252 section 4.5)


class Lost(Exception):
    """No answer came, or a reset."""


class UdpLine(asyncio.DatagramProtocol):
    """A connected UDP socket."""

    def __init__(self):
        self.receive = lambda data: None
        self.refused = lambda: None
        self.transport = None

    @classmethod
    async def open(cls, host, port, local_port=0):
        loop = asyncio.get_running_loop()
        address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        plain = socket.socket(address[0], socket.SOCK_DGRAM)
        plain.setblocking(False)
        if local_port:
            plain.bind(("127.0.0.1", local_port))
        plain.connect(address[4])
        _, line = await loop.create_datagram_endpoint(cls, sock=plain)
        return line

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.receive(data)

    def error_received(self, error):
        self.refused()

    @property
    def local_port(self):
        return self.transport.get_extra_info("sockname")[1]

    def send(self, data):
        self.transport.sendto(data)

    def close(self):
        self.transport.close()


class PeerLine:
    """One peer of a UdpServer."""

    def __init__(self, transport, address):
        self.transport, self.address = transport, address
        self.receive = lambda data: None

    def send(self, data):
        self.transport.sendto(data, self.address)

    def close(self):
        pass


class UdpServer(asyncio.DatagramProtocol):
    """A bound UDP socket; `opened(line)` for each address that speaks."""

    def __init__(self, opened):
        self.opened, self.lines, self.transport, self.where = opened, {}, None, None

    @classmethod
    async def open(cls, host, port, opened):
        made = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(opened), local_addr=(host, port))
        return made[1]

    def connection_made(self, transport):
        self.transport, self.where = transport, transport.get_extra_info("sockname")

    def datagram_received(self, data, address):
        line = self.lines.get(address)
        if not line:
            if len(self.lines) >= REMEMBERED:
                self.lines.pop(next(iter(self.lines)))
            line = self.lines[address] = PeerLine(self.transport, address)
            self.opened(line)
        line.receive(data)

    def error_received(self, error):
        pass

    def close(self):
        self.transport.abort()


class Endpoint:
    """`answer(request)` makes the answer to a request: a Message, whose kind and mid are filled in here, or None, which
    is silence. `ack_timeout` in seconds; with 4 retransmissions it gives up after 31 times that and a little."""

    def __init__(self, line, answer=lambda request: None, ack_timeout=2.0, retransmissions=4, chance=random):
        self.line, self.answer, self.ack_timeout, self.retransmissions = line, answer, ack_timeout, retransmissions
        self.chance = chance
        self.heard = lambda message: None
        self.is_deaf = False  # drops all that comes
        self.is_mute = False  # sends nothing
        self.is_silent_to_duplicates = False
        self.resends = 0
        self._mid = chance.randrange(65536)
        self._waiting, self._acks, self._answered = {}, {}, {}
        self._notified = {}  # mid of a notification -> what to call when it is reset
        self._tasks = set()
        line.receive = self._received

    def close(self):
        for task in self._tasks:
            task.cancel()
        for future in [*self._waiting.values(), *self._acks.values()]:
            if not future.done():
                future.set_exception(Lost("closed"))
                future.exception()
        self._waiting.clear()
        self._acks.clear()
        self.line.close()

    def _next_mid(self):
        self._mid = self._mid + 1 & 0xFFFF
        return self._mid

    def _send(self, message):
        self._send_raw(message.encode())

    def _send_raw(self, raw):
        try:
            if not self.is_mute:
                self.line.send(raw)
        except OSError:
            pass  # as good as lost

    # ------------------------------------------------------------------------------------------------------ requests

    async def ask(self, message, answer_within=60.0):
        """The answer; Lost if there is none. The token is new unless the message has one."""
        message.token = message.token or os.urandom(4)
        message.mid = self._next_mid()
        answer = self._waiting[message.token] = asyncio.get_running_loop().create_future()
        try:
            await self._until_acknowledged(message, answer)
            return await asyncio.wait_for(asyncio.shield(answer), answer_within)
        except asyncio.TimeoutError as error:
            raise Lost("acknowledged and not answered") from error
        finally:
            self._waiting.pop(message.token, None)
            self._acks.pop(message.mid, None)

    async def _until_acknowledged(self, message, answer=None):
        acknowledged = self._acks[message.mid] = asyncio.get_running_loop().create_future()
        wait = self.ack_timeout * self.chance.uniform(1, 1.5)
        awaited = [acknowledged] + ([answer] if answer else [])
        for attempt in range(1 + self.retransmissions):
            self.resends += attempt > 0
            self._send(message)
            done, _ = await asyncio.wait(awaited, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            if done:
                if acknowledged in done:
                    acknowledged.result()
                return
            wait *= 2
        raise Lost("not acknowledged")

    def notify(self, message, reset=lambda: None):
        """Sends a message that no answer is awaited for; a CON is retransmitted."""
        message.mid = self._next_mid()
        self._notified[message.mid] = reset
        if len(self._notified) > REMEMBERED:
            self._notified.pop(next(iter(self._notified)))
        if message.kind == wire.CON:
            self.spawn(self._confirmed(message))
        else:
            self._send(message)

    async def _confirmed(self, message):
        try:
            await self._until_acknowledged(message)
        except Lost:
            pass
        finally:
            self._acks.pop(message.mid, None)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------------------------------------------------ receiving

    def _received(self, data):
        if self.is_deaf:
            return
        try:
            message = wire.decode(data)
        except wire.Malformed:
            return
        self.heard(message)
        if message.is_request():
            self._request(message)
        elif message.code == wire.EMPTY:
            self._empty(message)
        else:
            self._response(message)

    def _empty(self, message):
        if message.kind == wire.CON:  # a ping
            self._send(wire.Message(wire.RST, wire.EMPTY, message.mid))
            return
        acknowledged = self._acks.get(message.mid)
        if message.kind == wire.RST:
            self._notified.pop(message.mid, lambda: None)()
        if acknowledged and not acknowledged.done():
            if message.kind == wire.RST:
                acknowledged.set_exception(Lost("reset"))
            else:
                acknowledged.set_result(None)

    def _response(self, message):
        waiting = self._waiting.get(message.token)
        if message.kind == wire.CON:
            self._send(wire.Message(wire.ACK if waiting else wire.RST, wire.EMPTY, message.mid))
        if waiting and not waiting.done():
            waiting.set_result(message)

    def _request(self, message):
        if message.mid in self._answered:
            if not self.is_silent_to_duplicates:
                self._send_raw(self._answered[message.mid])
            return
        answer = self.answer(message)
        if answer is None:
            return
        answer.token = message.token
        if message.kind == wire.CON:
            answer.kind, answer.mid = wire.ACK, message.mid
        else:
            answer.kind, answer.mid = wire.NON, self._next_mid()
        raw = self._answered[message.mid] = answer.encode()
        if len(self._answered) > REMEMBERED:
            self._answered.pop(next(iter(self._answered)))
        self._send_raw(raw)


class Uri:
    """coap://host[:port]/path?query"""

    def __init__(self, text):
        parts = urlsplit(text)
        if parts.scheme not in ("coap", "coaps") or not parts.hostname:
            raise ValueError(f"no CoAP URI: {text}")
        self.scheme, self.host = parts.scheme, parts.hostname
        self.port = parts.port or (5684 if self.scheme == "coaps" else 5683)
        self.path = [unquote(part) for part in parts.path.split("/")[1:]] if parts.path not in ("", "/") else []
        self.query = [unquote(part) for part in parts.query.split("&")] if parts.query else []

    def get(self):
        message = wire.Message(wire.CON, wire.GET)
        for part in self.path:
            message.add(wire.URI_PATH, part)
        for part in self.query:
            message.add(wire.URI_QUERY, part)
        return message


async def blocks(endpoint, make, size=0, start=0, asked=lambda message: None):
    """Yields (offset, answer) for each block of a GET from byte `start` on. `make()` makes the request without block;
    `size`: of a block to ask for, 0: as the server likes. A code that is no success is yielded as the last."""
    number, szx, at = None, wire.szx_of(size) if size else 6, start
    while True:
        message = make()
        if size or at:
            message.add(wire.BLOCK2, wire.Block(at >> (szx + 4), False, szx).value())
        asked(message)
        answer = await endpoint.ask(message)
        block = answer.block(wire.BLOCK2)
        yield (block.offset if block else 0), answer
        if answer.code >> 5 != 2 or not block or not block.more:
            return
        number, szx, size = block.number, block.szx, block.size
        at = (number + 1) * block.size
