#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""LwM2M clients, one or thousands in a process, for the tests of headgate-coap: see lwm2m_child/README.md.

    lwm2m_child.py --server 127.0.0.1:5683 --name boiler-1 --version 1.0.0

Events are JSON objects, a line each, on stdout; commands the same on stdin. It ends with its parent, or when stdin does."""

import asyncio
import copy
import ctypes
import json
import os
import random
import resource
import signal
import sys
import time

import coap_wire as wire
import lwm2m_options
from coap_endpoint import Endpoint, Lost, UdpLine
from lwm2m_device import Device
from lwm2m_updates import Updates


class Child:
    """Registers and stays so; hands requests to its Device and its Updates."""

    def __init__(self, name, options, state_file, report):
        self.name, self.options, self.state_file = name, options, state_file
        self.report = lambda event, **more: report(event, child=name, **more)
        self.chance = random.Random(f"{options.seed} {name}" if options.seed else None)
        self.counts = {"blocks": 0, "repeated": 0, "bytes": 0, "restarts": 0, "resends": 0, "handshakes": 0,
                       "registers": 0, "updates": 0, "requests": 0, "notifications": 0, "asked_at": set()}
        self.endpoint, self.location, self.task, self.sleeping = None, None, None, None
        self.is_sulking = False  # --silent-after-push
        self.poke = asyncio.Event()
        self.lifetime = options.lifetime
        self.updates = Updates(self)
        self.device = Device(self)
        self.updates.load()

    # ---------------------------------------------------------------------------------------------------- its life

    def start(self, delay=0.0):
        self.task = asyncio.ensure_future(self._life(delay))

    async def _life(self, delay):
        await asyncio.sleep(delay)
        while True:
            try:
                await self._open()
                await self._register()
                self.updates.resume()
                while True:
                    await self._rest()
                    await self._update()
            except (Lost, OSError) as error:
                self.report("unreachable", why=str(error) or type(error).__name__)
            self.close()
            await asyncio.sleep(self.options.retry)

    @property
    def is_secured(self):
        options = self.options
        return not options.server.startswith("coap://") and bool(options.psk_key or options.certificate)

    @property
    def server(self):
        host, port = self.options.server.split("://")[-1].rsplit(":", 1)
        return host.strip("[]"), int(port)

    async def open_line(self, host, port, is_secured, local_port=0):
        if not is_secured:
            return await UdpLine.open(host, port, local_port)
        from dtls_socket import DtlsLine  # pylint: disable=import-outside-toplevel  # plain children need no OpenSSL
        options = self.options
        line = await DtlsLine.connect(host, port, local_port=local_port, cipher=options.cipher,
                                      identity=options.psk_identity.format(name=self.name),
                                      key=bytes.fromhex(options.psk_key), certificate=options.certificate,
                                      private_key=options.private_key, authorities=options.authorities,
                                      within=options.handshake_s)
        self.counts["handshakes"] += 1
        self.report("handshake", cipher=line.cipher, host=host, port=port)
        return line

    async def _open(self):
        line = await self.open_line(*self.server, self.is_secured, self.options.local_port)
        self.location, self.is_sulking = None, False
        self.endpoint = Endpoint(line, self._answer, self.options.ack_timeout, self.options.retransmissions, self.chance)
        self.endpoint.heard = self._heard

    def close(self):
        if self.endpoint:
            self.counts["resends"] += self.endpoint.resends
            self.endpoint.close()
        self.endpoint, self.location = None, None
        self.device.observations.clear()

    async def _rest(self):
        """Until the next Update is due."""
        every = self.options.update_every or max(1.0, self.lifetime / 2)
        try:
            await asyncio.wait_for(self.poke.wait(), every)
        except asyncio.TimeoutError:
            pass
        if self.is_sulking and not self.poke.is_set():
            left = self.registered_at + self.lifetime - time.monotonic()
            try:
                await asyncio.wait_for(self.poke.wait(), max(0.0, left))
            except asyncio.TimeoutError as error:
                raise Lost("silent for its lifetime") from error
        self.poke.clear()

    async def reboot(self, silence, restart=lambda: True):
        """Called from another task than its life."""
        self.task.cancel()
        self.updates.power_off()
        self.close()
        self.report("reboot", silence=silence)
        await asyncio.sleep(silence)
        if restart():
            self.start()

    # ---------------------------------------------------------------------------------------------------- registration

    def _links(self):
        options = self.options
        if options.links:
            return options.links
        quote = '"' if options.quoted_ver else ""
        prefix = f"/{options.root}" if options.root else ""
        found = [f"<{prefix or '/'}>;rt=\"oma.lwm2m\""] if options.root else []
        found += [f"<{prefix}/1/0>", f"<{prefix}/3/0>"]
        if options.object5 != "none":
            default = {"1.0": "1.0", "1.1": "1.0", "1.2": "1.1"}[options.lwm2m]
            is_plain = options.object5 == default
            found += [f"<{prefix}/5/0>"] if is_plain else [f"<{prefix}/5>;ver={quote}{options.object5}{quote}",
                                                           f"<{prefix}/5/0>"]
        units = self.updates.advanced
        found += [f"<{prefix}/33629>;ver={quote}1.0{quote}"] if units else []
        return ",".join(found + [f"<{prefix}/33629/{unit.instance}>" for unit in units])

    def _register_query(self):
        options = self.options
        query = [f"lwm2m={options.lwm2m}", f"lt={self.lifetime}"]
        query += [] if options.no_name else [f"ep={self.name}"]
        binding = options.binding or ("UQ" if options.queue and options.lwm2m == "1.0" else "")
        query += [f"b={binding}"] if binding else []
        return query + (["Q"] if options.queue and options.lwm2m != "1.0" else [])

    async def _register(self):
        self.location = None
        self.device.observations.clear()
        self.wake()
        message = wire.request(wire.POST, "rd", query=self._register_query(), payload=self._links().encode(),
                               content=wire.LINK)
        answer = await self.endpoint.ask(message)
        if answer.code != wire.code("2.01"):
            self.report("register_refused", code=wire.code_text(answer.code))
            raise Lost("not registered")
        self.location = "/".join(part.decode() for part in answer.all(wire.LOCATION_PATH))
        self.registered_at = time.monotonic()
        self.counts["registers"] += 1
        self.report("registered", location=self.location, version=self.updates.main.version)

    async def _update(self):
        if self.options.no_answer:
            return
        self.wake()
        answer = await self.endpoint.ask(wire.request(wire.POST, self.location))
        self.counts["updates"] += 1
        if answer.code == wire.code("2.04"):
            self.registered_at = time.monotonic()
            self.report("updated")
            return
        self.report("update_refused", code=wire.code_text(answer.code))
        await self._register()

    async def deregister(self):
        self.task.cancel()
        if self.endpoint and self.location:
            answer = await self.endpoint.ask(wire.request(wire.DELETE, self.location))
            self.report("deregistered", code=wire.code_text(answer.code))
        self.close()

    async def rebind(self):
        """From another port, as behind a NAT; what waits for an answer waits in vain."""
        old = self.endpoint
        if self.is_secured:
            old.line.move()
        else:
            line = await UdpLine.open(*self.server)
            old.line.close()
            old.line, line.receive = line, old._received  # pylint: disable=protected-access
        self.report("rebound", port=old.line.local_port)

    # ---------------------------------------------------------------------------------------------------- queue mode

    def wake(self):
        """Listens, in queue mode for --awake seconds from now."""
        if self.endpoint:
            self.endpoint.is_deaf = self.options.no_answer
        if self.sleeping:
            self.sleeping.cancel()
        if self.options.queue:
            self.sleeping = asyncio.get_running_loop().call_later(self.options.awake, self._sleep)

    def _sleep(self):
        if self.updates.is_pulling:
            self.wake()
        elif self.endpoint:
            self.endpoint.is_deaf = True
            self.report("sleeps")

    # ---------------------------------------------------------------------------------------------------- requests

    def _heard(self, message):
        self.wake()
        if self.is_sulking:
            self.is_sulking = False
            self.report("found_again")
            self.poke.set()

    def _answer(self, message):
        self.counts["requests"] += 1
        if self.options.no_answer or (self.options.deaf_until_registered and not self.location):
            self.report("dropped", path=message.path)
            return None
        return self.device.answer(message)

    def sulk(self):
        if self.options.silent_after_push:
            self.is_sulking = True
            self.report("sulks")


class Program:
    """All children of this process, their commands and their events."""

    def __init__(self, options):
        self.options = options
        self.children = {}
        self.running = set()

    @staticmethod
    def report(event, **more):
        sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
        sys.stdout.flush()

    def _make(self):
        options = self.options
        names = [f"{options.name}{options.first + each}" for each in range(options.children)] or [options.name]
        for name in names:
            state = options.state and (f"{options.state}.{name}" if options.children else options.state)
            self.children[name] = Child(name, copy.copy(options), state, self.report)
        for position, child in enumerate(self.children.values()):
            child.start(position * options.stagger)

    async def run(self):
        self._make()
        self.report("ready", children=len(self.children), pid=os.getpid())
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            if not self._carry_out(json.loads(line)):
                return

    def _carry_out(self, command):
        """False: to end. {"do": ..., "child": NAME or nothing for all}"""
        if command["do"] == "quit":
            return False
        for child in [self.children[command["child"]]] if "child" in command else list(self.children.values()):
            try:
                self._tell(child, command)
            except (ValueError, KeyError) as error:
                child.report("wrong_command", why=str(error))
        return True

    def _tell(self, child, command):
        word = command["do"]
        if word == "set":
            lwm2m_options.change(child.options, command["values"])
            child.wake()
            child.report("set", values=command["values"])
        elif word == "update":
            child.poke.set()
        elif word == "stats":
            child.report("stats", **child.updates.stats())
        elif word == "install":
            child.updates.stop_deferring()
        else:
            self._begin({"reboot": lambda: child.reboot(command.get("silence", child.options.reboot_s)),
                         "deregister": child.deregister, "rebind": child.rebind}[word](), child)

    def _begin(self, coroutine, child):
        task = asyncio.ensure_future(coroutine)
        self.running.add(task)

        def ended(task):
            self.running.discard(task)
            if not task.cancelled() and task.exception():
                child.report("command_failed", why=repr(task.exception()))

        task.add_done_callback(ended)


def main(words):
    options = lwm2m_options.parse(words)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(Program(options).run())


if __name__ == "__main__":
    main(sys.argv[1:])
