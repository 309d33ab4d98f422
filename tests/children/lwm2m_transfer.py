# SPDX-License-Identifier: Apache-2.0
"""How an image comes to an lwm2m_child: pulled by Block2 from a Package URI, or pushed by Block1 into Package. Both say
in events and in `counts` what was asked for, repeated and begun again."""

import asyncio
import socket

import coap_wire as wire
import lwm2m_firmware as firmware
from coap_endpoint import Endpoint, Lost, Uri, blocks

ANSWER_CHANGED, ANSWER_CONTINUE = wire.code("2.04"), wire.code("2.31")


class Pull:
    """One download. `connect(uri)` opens a line; `same`: the endpoint to use instead where the URI leads there."""

    def __init__(self, unit, options, counts, connect, same, report, keep):
        self.unit, self.options, self.counts, self.connect, self.same = unit, options, counts, connect, same
        self.report, self.keep = report, keep
        self.data, self.etag = b"", None
        self.block = options.block or 1024  # bytes: as it came, so that it can be gone on with
        self.is_cancelled = False

    def resume(self, saved):
        """At the first block that is not there whole."""
        self.etag, self.block = bytes.fromhex(saved["etag"]) or None, saved["block"]
        self.data = saved["data"][:len(saved["data"]) // self.block * self.block]

    def saved_head(self):
        return {"etag": (self.etag or b"").hex(), "block": self.block}

    def saved(self):
        return {**self.saved_head(), "data": self.data}

    async def run(self):
        result = await self._result()
        if self.is_cancelled:
            return
        if result != firmware.INITIAL:
            self.report("pull_failed", result=result, bytes=len(self.data), uri=self.unit.uri)
            self.unit.reset(result)
            return
        self.report("pull_done", bytes=len(self.data), uri=self.unit.uri)
        self.unit.finish(self.data)

    async def _result(self):
        try:
            uri = Uri(self.unit.uri)
        except ValueError:
            return firmware.BAD_PROTOCOL if "://" in self.unit.uri else firmware.BAD_URI
        if {"coap": 0, "coaps": 1}[uri.scheme] not in (self.options.protocols or (0, 1)):
            return firmware.BAD_PROTOCOL
        try:
            endpoint = self.same or Endpoint(await self.connect(uri), ack_timeout=self.options.ack_timeout)
        except (OSError, socket.gaierror, Lost, asyncio.TimeoutError):
            return firmware.BAD_URI
        try:
            return await self._blocks(endpoint, uri)
        except Lost:
            return firmware.CONNECTION_LOST
        finally:
            self.counts["resends"] += endpoint.resends if endpoint is not self.same else 0
            if endpoint is not self.same:
                endpoint.close()

    async def _blocks(self, endpoint, uri):
        size = self.block if self.data else self.options.block
        async for offset, answer in blocks(endpoint, uri.get, size, len(self.data), self._asked):
            refused = self._refused(offset, answer)
            if refused != firmware.INITIAL or self.is_cancelled:
                return refused
            self.data = self.data[:offset] + answer.payload
            self.counts["bytes"] += len(answer.payload)
            block = answer.block(wire.BLOCK2)
            self.block = block.size if block else self.block
            self.keep(self, offset, answer.payload)
            if self.options.block_gap:
                await asyncio.sleep(self.options.block_gap)
        return firmware.INITIAL

    def _asked(self, message):
        self.counts["blocks"] += 1
        block = message.block(wire.BLOCK2)
        offset = block.offset if block else 0
        seen = self.counts["asked_at"]
        self.counts["repeated"] += offset in seen
        seen.add(offset)

    def _refused(self, offset, answer):
        if answer.code != wire.code("2.05"):
            self.report("pull_refused", code=wire.code_text(answer.code))
            return firmware.BAD_URI
        if offset != len(self.data):
            self.report("wrong_block", offset=offset, expected=len(self.data))
            return firmware.CONNECTION_LOST
        etag = answer.get(wire.ETAG)
        if offset and etag != self.etag and self.options.etag == "check":
            self.report("etag_changed", was=(self.etag or b"").hex(), now=(etag or b"").hex())
            return self.options.etag_result
        self.etag = etag
        return self.unit.size_refused(max(offset + len(answer.payload), answer.number(wire.SIZE2) or 0))


class Push:
    """The Package resource, as it is written."""

    def __init__(self, unit, options, counts, report):
        self.unit, self.options, self.counts, self.report = unit, options, counts, report
        self.data, self.token, self.last = None, b"", None
        self.tokens = set()
        self.touched = 0.0  # loop time of the last block

    @property
    def is_open(self):
        return self.data is not None

    def break_off(self, result=firmware.CONNECTION_LOST):
        self.report("push_broken", bytes=len(self.data))
        self.data = None
        self.unit.reset(result)

    def write(self, message):
        """The answer to a PUT, None: silence."""
        self.touched = asyncio.get_running_loop().time()
        self.tokens.add(message.token)
        block = message.block(wire.BLOCK1)
        if block is None:
            return self._whole(message.payload)
        self.counts["blocks"] += 1
        if self.options.push_refuse_over and block.size > self.options.push_refuse_over:
            smaller = wire.Block(0, True, wire.szx_of(self.options.push_refuse_over))
            return wire.Message(wire.ACK, wire.code("4.13")).add(wire.BLOCK1, smaller.value())
        if block.offset == 0:
            return self._first(message, block)
        return self._next(message, block)

    def _whole(self, data):
        self.data = None
        if data in (b"", b"\0"):
            self.unit.reset()
        else:
            self.unit.begin()
            self.unit.finish(data)
        return wire.Message(wire.ACK, ANSWER_CHANGED)

    def _first(self, message, block):
        if self.is_open and self.last == 0:
            self.counts["repeated"] += 1
            if self.options.ignore_resent_block:
                return None
        elif self.is_open and self.options.ignore_block_0_again:
            self.counts["repeated"] += 1
            return self._go_on(block)  # a duplicate, it believes (zephyr#70591)
        elif self.is_open:
            self.counts["restarts"] += 1
        if self.unit.state not in (firmware.IDLE, firmware.DOWNLOADING):
            return wire.Message(wire.ACK, wire.code("4.05"))
        self.data, self.token, self.last = b"", message.token, None
        self.unit.begin()
        refused = self.unit.size_refused(message.number(wire.SIZE1) or 0)
        return self._refuse_size(refused) if refused else self._take(message, block)

    def _next(self, message, block):
        if self.is_open and block.number == self.last and block.offset < len(self.data):
            self.counts["repeated"] += 1
            return None if self.options.ignore_resent_block else self._go_on(block)
        if not self.is_open or block.offset != len(self.data):
            return wire.Message(wire.ACK, wire.code("4.08"))
        if self.options.match_token and message.token != self.token:
            self.report("token_changed")
            self.break_off()
            return wire.Message(wire.ACK, wire.code("4.08"))
        return self._take(message, block)

    def _take(self, message, block):
        self.data += message.payload
        self.last = block.number
        self.counts["bytes"] += len(message.payload)
        refused = self.unit.size_refused(len(self.data))
        if refused:
            return self._refuse_size(refused)
        if block.more:
            return self._go_on(block)
        data, self.data = self.data, None
        self.report("push_done", bytes=len(data))
        self.unit.finish(data)
        return wire.Message(wire.ACK, ANSWER_CHANGED).add(wire.BLOCK1, block.value())

    def _refuse_size(self, result):
        self.data = None
        self.unit.reset(result)
        return wire.Message(wire.ACK, wire.code("4.13"))

    def _go_on(self, block):
        szx = min(block.szx, wire.szx_of(self.options.push_block)) if self.options.push_block else block.szx
        answer = wire.Message(wire.ACK, ANSWER_CONTINUE if block.more else ANSWER_CHANGED)
        return answer.add(wire.BLOCK1, wire.Block(block.number, block.more, szx).value())
