#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A UDP relay between children and a gateway that does what networks do: delay, loss, duplication, a NAT that forgets,
a hole.

    udp_relay.py --to 127.0.0.1:5683 [--listen 127.0.0.1:0] [--delay-ms 50] [--loss 5] [--duplicate 1] [--seed 7]
                 [--rebind-every 30]

Each child (each source address) has a socket of its own to the gateway. Delay is in each direction, loss and duplication
in percent of the datagrams of each direction, drawn from the seed. The first line on stdout is {"event": "ready", "port":
N}. Commands are JSON lines on stdin, answered by an event of the same name: {"do": "rebind"}: from now on all children
come from other ports, and what is sent to the old ones is lost; {"do": "hole", "on": true, "way": "both" | "up" | "down"}:
everything that way is swallowed; {"do": "set", "values": {"delay_ms": 100, "loss": 2, "duplicate": 0}}; {"do": "stats"}:
up and down: {"datagrams", "bytes", "lost", "doubled"}, children, rebinds; {"do": "quit"}."""

import argparse
import asyncio
import ctypes
import json
import random
import signal
import socket
import sys


class Way:
    """One direction."""

    def __init__(self, options, seed):
        self.options, self.chance, self.is_hole = options, random.Random(seed), False
        self.counts = {"datagrams": 0, "bytes": 0, "lost": 0, "doubled": 0}

    def carry(self, data, send):
        """send(data) none, one or two times, later."""
        self.counts["datagrams"] += 1
        self.counts["bytes"] += len(data)
        if self.is_hole or self.chance.random() * 100 < self.options.loss:
            self.counts["lost"] += 1
            return
        times = 1 + (self.chance.random() * 100 < self.options.duplicate)
        self.counts["doubled"] += times - 1
        for _ in range(times):
            if self.options.delay_ms:
                asyncio.get_running_loop().call_later(self.options.delay_ms / 1000, send, data)
            else:
                send(data)


class Upstream(asyncio.DatagramProtocol):
    """One child's socket to the gateway."""

    def __init__(self, relay, child):
        self.relay, self.child, self.transport, self.waiting = relay, child, None, []

    def connection_made(self, transport):
        self.transport = transport
        for data in self.waiting:
            transport.sendto(data)

    def datagram_received(self, data, address):
        self.relay.down.carry(data, lambda data: self.relay.transport.sendto(data, self.child))

    def error_received(self, error):
        pass  # the gateway is away: as if it were lost

    def send(self, data):
        if self.transport:
            self.transport.sendto(data)
        else:
            self.waiting.append(data)

    def close(self):
        if self.transport:
            self.transport.abort()


class Relay(asyncio.DatagramProtocol):
    def __init__(self, options):
        self.options, self.transport, self.children, self.rebinds = options, None, {}, 0
        self.up, self.down = Way(options, f"{options.seed} up"), Way(options, f"{options.seed} down")
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport

    def error_received(self, error):
        pass

    def datagram_received(self, data, address):
        upstream = self.children.get(address)
        if not upstream:
            upstream = self.children[address] = Upstream(self, address)
            task = asyncio.ensure_future(self._open(upstream))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        self.up.carry(data, lambda data: self.children.get(address, upstream).send(data))

    async def _open(self, upstream):
        host, port = self.options.to.rsplit(":", 1)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: upstream, remote_addr=(host, int(port)))

    async def rebind(self):
        old, self.children = self.children, {}
        for address in old:
            fresh = self.children[address] = Upstream(self, address)
            await self._open(fresh)
        for upstream in old.values():
            upstream.close()
        self.rebinds += 1
        say("rebind", rebinds=self.rebinds)

    async def rebind_again(self):
        while self.options.rebind_every:
            await asyncio.sleep(self.options.rebind_every)
            await self.rebind()

    async def carry_out(self, command):
        """False: to end."""
        word = command["do"]
        if word == "rebind":
            await self.rebind()
        elif word == "hole":
            for name, way in (("up", self.up), ("down", self.down)):
                if command.get("way", "both") in ("both", name):
                    way.is_hole = command["on"]
            say("hole", on=command["on"])
        elif word == "set":
            vars(self.options).update(command["values"])
            say("set", values=command["values"])
        elif word == "stats":
            say("stats", up=self.up.counts, down=self.down.counts, children=len(self.children), rebinds=self.rebinds)
        return word != "quit"


def say(event, **more):
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


async def serve(options):
    loop = asyncio.get_running_loop()
    host, port = options.listen.rsplit(":", 1)
    transport, relay = await loop.create_datagram_endpoint(lambda: Relay(options), local_addr=(host, int(port)))
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    say("ready", port=transport.get_extra_info("sockname")[1])
    timer = asyncio.ensure_future(relay.rebind_again())
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if not await relay.carry_out(json.loads(line)):
            break
    timer.cancel()


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--duplicate", type=float, default=0.0)
    parser.add_argument("--rebind-every", type=float, default=0.0, help="seconds")
    parser.add_argument("--seed", default="1")
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    asyncio.run(serve(parser.parse_args(words)))


if __name__ == "__main__":
    main(sys.argv[1:])
