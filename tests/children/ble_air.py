#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The air of a test machine: adapters of the gateway, and children that share neither kernel nor bluetoothd with it.

    ble_air.py DESCRIPTION CONTROL       JSON:
    {"controllers": ["00:AA:01:00:00:00"],
     "medium": {"packet_ms": 2.5, "interval_ms": 30},
     "peripherals": [{"name": "boiler", "address": "C0:FF:EE:00:11:22", "child": "/run/children/boiler/air",
                      "pairing": "just-works", "changes_address": true}]}

Each controller is an adapter of this machine's kernel (hci_controller.py), each peripheral a child behind GATT: "child" is
the socket of an smp_child --seqpacket; "advertised" another name than its own; "pairing" what its characteristic
demands, "none" or "just-works". "changes_address": it is on the air under a resolvable address, a new one after each
connection; "address" is then its identity. "services": "move" puts its SMP service under other handles whenever its child
restarts, "move-with-hash" says so in a database hash as well. An address that begins with C to F is a static random one,
unless "public". Without "medium" nothing takes any time.

It prints `ready` when all are on the air, and who is connected to whom. The Unix datagram socket CONTROL takes "drop NAME"
(its link breaks), "hide NAME" and "show NAME" (it is not advertised, and again)."""
import json
import pathlib
import socket
import sys

from air_link import AirLink, Ether, SharedMedium
from air_peripheral import AirPeripheral
from event_loop import EventLoop
from hci_controller import HciController
from le_crypto import address_from

ADVERTISED_EVERY_S = 0.25
LONGEST = 1024


def say(*words):
    print(*words, flush=True)


class Air:
    def __init__(self, description):
        self.loop = EventLoop()
        times = description.get("medium")
        self.medium = Ether()
        if times:
            self.medium = SharedMedium(self.loop, times["packet_ms"] / 1000, times["interval_ms"] / 1000)
        self.peripherals = [AirPeripheral(each, self.loop, say) for each in description["peripherals"]]
        self.controllers = [HciController(address_from(each), self) for each in description["controllers"]]
        for controller in self.controllers:
            self.loop.watch(controller, controller.received)
        self.loop.every(ADVERTISED_EVERY_S, self._advertise)

    def soon(self, what, *arguments):
        self.loop.after(0, lambda: what(*arguments))

    def _advertise(self):
        for peripheral in self.peripherals:
            for controller in self.controllers:
                if peripheral.is_advertised:
                    controller.heard(peripheral.device, peripheral.data, peripheral.response)
                if peripheral.is_advertised and controller.wants(peripheral.device):
                    self._connect(controller, peripheral)

    def _connect(self, controller, peripheral):
        def make_link(handle, central):
            link = AirLink(self.medium, controller, handle, peripheral, peripheral.device, central)
            peripheral.connected(link)
            return link

        controller.connected(peripheral.device, make_link)

    def obey(self, path):
        control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        control.bind(path)

        def asked():
            what, name = control.recv(LONGEST).decode().split()
            for peripheral in self.peripherals:
                if peripheral.name == name:
                    say(what, name)
                    self._do(what, peripheral)

        self.loop.watch(control, asked)

    @staticmethod
    def _do(what, peripheral):
        if what == "drop":
            peripheral.drop()
        else:
            peripheral.is_quiet = what == "hide"


def main():
    air = Air(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    pathlib.Path(sys.argv[2]).unlink(missing_ok=True)
    air.obey(sys.argv[2])
    say("ready")
    air.loop.run()


if __name__ == "__main__":
    main()
