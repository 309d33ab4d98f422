#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A child that takes SUIT manifests over CoAP as RIOT's example does: POST suit/trigger with a URL as text is answered at
once; then it GETs the manifest, judges it in silence, GETs what the manifest names, and runs it after a reboot.

    suit_child.py --listen 127.0.0.1:0 --server 127.0.0.1:5683 --key vendor-public.pem
                  --vendor-domain vendor.example --class-name boiler-v1 [--psk-identity NAME --psk-key HEX]

The first line on stdout is {"event": "ready", "port": N}. GET suit/version, riot/board and .well-known/core are answered.
With a PSK it listens by DTLS, and pulls coaps URIs with it. Payload URIs lead to --server, whatever host stands in them,
but for --keep-host. Events: triggered, manifest, refused, payload, bad_payload, pull_failed, installed, reboot, up, stats.
Commands as JSON lines on stdin: {"do": "stats"}, {"do": "set", "values": {...}}, {"do": "reboot"}, {"do": "quit"}."""

import argparse
import asyncio
import ctypes
import hashlib
import json
import os
import signal
import sys

import coap_wire as wire
import suit_manifest
from coap_endpoint import Endpoint, Lost, UdpLine, UdpServer, Uri, blocks
from dtls_socket import DtlsLine, DtlsServer
from suit_manifest import Identity, Refused

CONTENT, CHANGED, NOT_FOUND, NOT_ALLOWED = map(wire.code, ("2.05", "2.04", "4.04", "4.05"))
CHANGEABLE = {"block", "block_gap", "reboot_s", "refuse", "no_version", "abrupt", "never_back", "keep_version", "no_answer",
              "ack_timeout", "never_payload"}


def say(event, **more):
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


class SuitChild:
    def __init__(self, options):
        self.options, self.key = options, suit_manifest.load_key(options.key)
        self.identity = Identity(options.vendor_domain, options.class_name, options.slot)
        self.version, self.sequence = options.version, options.sequence
        self.counts = {"blocks": 0, "repeated": 0, "bytes": 0, "resends": 0, "handshakes": 0, "triggers": 0, "requests": 0}
        self.asked_at, self.listening, self.work, self.port = set(), None, None, 0
        self.running = set()
        self._load()

    # ------------------------------------------------------------------------------------------------------ its server

    async def listen(self):
        host, port = self.options.listen.rsplit(":", 1)
        port = self.port or int(port)
        if self.options.psk_key:
            keys = {self.options.psk_identity: bytes.fromhex(self.options.psk_key)}
            self.listening = DtlsServer(host, port, keys, self._opened)
        else:
            self.listening = await UdpServer.open(host, port, self._opened)
        self.port = self.listening.where[1]

    def _opened(self, line):
        Endpoint(line, self._answer)

    def _answer(self, message):
        self.counts["requests"] += 1
        if self.options.no_answer:
            return None
        answers = {"suit/version": "NONE" if self.options.no_version else self.version, "riot/board": "native",
                   ".well-known/core": "</suit/trigger>,</suit/version>,</riot/board>"}
        if message.path == "suit/trigger":
            return self._trigger(message)
        if message.path not in answers:
            return wire.Message(wire.ACK, NOT_FOUND)
        if message.code != wire.GET:
            return wire.Message(wire.ACK, NOT_ALLOWED)
        form = wire.LINK if message.path.startswith(".") else wire.TEXT
        return wire.Message(wire.ACK, CONTENT, payload=answers[message.path].encode()).add(wire.CONTENT_FORMAT, form)

    def _trigger(self, message):
        if message.code != wire.POST:
            return wire.Message(wire.ACK, NOT_ALLOWED)
        url = message.payload.decode("utf-8", "replace")
        self.counts["triggers"] += 1
        say("triggered", url=url)
        if self.work and not self.work.done():
            self.work.cancel()
        self.work = asyncio.ensure_future(self._update(url))
        return wire.Message(wire.ACK, CHANGED)

    # ------------------------------------------------------------------------------------------------------ updating

    async def _update(self, url):
        try:
            await self._carry_out(await self._judged(url))
        except Refused as error:
            say("refused", why=str(error))
        except (Lost, OSError, ValueError) as error:
            say("pull_failed", why=repr(error))

    async def _judged(self, url):
        envelope = await self._get(Uri(url))
        say("manifest", bytes=len(envelope))
        if self.options.refuse:
            raise Refused("it does not want to")
        return suit_manifest.read(envelope, self.key, self.identity, self.sequence)

    async def _carry_out(self, order):
        if self.options.never_payload:
            return
        for uri, digest, size in order.fetches:
            where = Uri(uri)
            if self.options.server and not self.options.keep_host:
                host, port = self.options.server.rsplit(":", 1)
                where.host, where.port = host.strip("[]"), int(port)
            payload = await self._get(where, self.options.abrupt)
            if len(payload) != size or hashlib.sha256(payload).digest() != digest:
                say("bad_payload", uri=uri, bytes=len(payload))
                return
            say("payload", uri=uri, bytes=size)
        self.sequence = order.sequence
        if not self.options.keep_version:
            self.version = order.version
        self._save()
        say("installed", version=order.version, sequence=order.sequence)
        self.spawn(self.reboot())

    async def reboot(self):
        """Deaf for --reboot-s."""
        self.listening.close()
        if self.work and not self.work.done():
            self.work.cancel()
        say("reboot")
        await asyncio.sleep(self.options.reboot_s)
        if not self.options.never_back:
            await self.listen()
            say("up", version=self.version)

    async def _get(self, uri, is_abrupt=False):
        endpoint = Endpoint(await self._line(uri), ack_timeout=self.options.ack_timeout)
        if is_abrupt:
            endpoint.heard = lambda message: _fall_silent(endpoint, message)
        self.asked_at.clear()
        data = b""
        try:
            async for offset, answer in blocks(endpoint, uri.get, self.options.block, asked=self._asked):
                if answer.code != CONTENT:
                    raise Lost(f"answered {wire.code_text(answer.code)}")
                if offset != len(data):
                    raise Lost("another block than asked for")
                data += answer.payload
                self.counts["bytes"] += len(answer.payload)
                await asyncio.sleep(self.options.block_gap)
        finally:
            self.counts["resends"] += endpoint.resends
            endpoint.close()
        return data

    async def _line(self, uri):
        if uri.scheme == "coap":
            return await UdpLine.open(uri.host, uri.port)
        self.counts["handshakes"] += 1
        return await DtlsLine.connect(uri.host, uri.port, identity=self.options.psk_identity,
                                      key=bytes.fromhex(self.options.psk_key))

    def _asked(self, message):
        block = message.block(wire.BLOCK2)
        self.counts["blocks"] += 1
        self.counts["repeated"] += block.offset in self.asked_at
        self.asked_at.add(block.offset)

    # ------------------------------------------------------------------------------------------------------ the rest

    def _load(self):
        if self.options.state and os.path.exists(self.options.state):
            with open(self.options.state, encoding="ascii") as file:
                self.version, self.sequence = json.load(file)

    def _save(self):
        if self.options.state:
            with open(self.options.state, "w", encoding="ascii") as file:
                json.dump([self.version, self.sequence], file)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    def tell(self, command):
        """False: to end."""
        word = command["do"]
        if word == "stats":
            say("stats", **self.counts, version=self.version, sequence=self.sequence)
        elif word == "set" and set(command["values"]) <= CHANGEABLE:
            vars(self.options).update(command["values"])
            say("set", values=command["values"])
        elif word == "reboot":
            self.spawn(self.reboot())
        elif word != "quit":
            say("wrong_command", command=command)
        return word != "quit"


def _fall_silent(endpoint, message):
    """The last block, answered separately (RFC 7252 section 5.2.2), is never acknowledged."""
    block = message.block(wire.BLOCK2)
    endpoint.is_mute = bool(block and not block.more)


async def serve(options):
    child = SuitChild(options)
    await child.listen()
    say("ready", port=child.port)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if not child.tell(json.loads(line)):
            break


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--server", default="", help="HOST:PORT that payload URIs lead to")
    parser.add_argument("--keep-host", action="store_true", help="payload URIs lead where they say")
    parser.add_argument("--key", required=True, help="PEM, public: Ed25519 or P-256")
    parser.add_argument("--vendor-domain", required=True)
    parser.add_argument("--class-name", required=True)
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--sequence", type=int, default=0, help="of the manifest that it took last")
    parser.add_argument("--state", default="", help="file that outlives it: version and sequence number")
    parser.add_argument("--psk-identity", default="")
    parser.add_argument("--psk-key", default="", help="in hexadecimal: of the gateway that calls, and its own")
    parser.add_argument("--block", type=int, default=64)
    parser.add_argument("--block-gap", type=float, default=0.0, help="seconds between two blocks")
    parser.add_argument("--ack-timeout", type=float, default=2.0)
    parser.add_argument("--reboot-s", type=float, default=0.3)
    parser.add_argument("--refuse", action="store_true", help="refuses every manifest, in silence")
    parser.add_argument("--never-payload", action="store_true", help="takes the manifest and asks for no payload")
    parser.add_argument("--abrupt", action="store_true", help="installs and reboots before it acknowledges the last block")
    parser.add_argument("--no-version", action="store_true", help='suit/version says "NONE"')
    parser.add_argument("--keep-version", action="store_true", help="suit/version never changes")
    parser.add_argument("--never-back", action="store_true", help="does not come back from a reboot")
    parser.add_argument("--no-answer", action="store_true", help="answers nothing")
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    asyncio.run(serve(parser.parse_args(words)))


if __name__ == "__main__":
    main(sys.argv[1:])
