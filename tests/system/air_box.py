# SPDX-License-Identifier: Apache-2.0
"""The machine of ble_box.py with an air of our own (tests/children/ble_air.py): the kernel and its bluetoothd have only the
gateway's adapters, one or more, and the children are neither's. They may be several at a time, and change addresses."""

import dataclasses
import re

from ble_box import BleBox, BleChild

GATEWAYS = ("00:AA:01:00:00:00", "00:AA:01:00:00:01")
CONTROL = "/run/air-control"


@dataclasses.dataclass
class AirChild(BleChild):
    """`adapter`: the gateway's, that it is enrolled at; empty: any."""
    adapter: str = ""
    identity: str = "C0:FF:EE:00:00:01"
    changes_address: bool = False
    services: str = "stay"  # or "move", or "move-with-hash": at each restart of the child

    @property
    def address(self):
        return self.identity + (f"@{self.adapter}" if self.adapter else "")

    def description(self):
        return {"name": self.name, "advertised": self.advertised or self.name, "address": self.identity,
                "child": f"{self.state}/air", "pairing": self.pairing, "changes_address": self.changes_address,
                "services": self.services}


class AirBox(BleBox):
    adapters = 1   # of the gateway
    medium = None  # of ble_air.py

    def install_air(self):
        self.machine.check("bash /share/rig/air")

    def begin(self, *children, adapters=1, transfers=2, medium=None, **more):
        self.machine.check("""systemctl stop headgated headgate-ble 'air-children*' bluetooth &&
            rm -rf /var/lib/bluetooth/* && systemctl start bluetooth""")
        self.adapters, self.medium = adapters, medium
        self.give_plugin(f"--adapters {','.join(f'hci{i}' for i in range(adapters))} --transfers {transfers}")
        super().begin(*children, **more)

    def air_of(self, children):
        return {"controllers": GATEWAYS[:self.adapters], "peripherals": super().air_of(children),
                **({"medium": self.medium} if self.medium else {})}

    def start_air(self):
        self.run_air("ble_air.py", CONTROL)
        self.power_adapters(self.adapters, *(f"hci{i}" for i in range(self.adapters)))

    def tell_air(self, what, child):
        self.machine.check(f"printf '{what} {child.name}' | socat -u STDIN UNIX-SENDTO:{CONTROL}")

    def drop_link(self, child):
        self.tell_air("drop", child)

    def connections_of(self, child):
        """(its address, the gateway's) of each until now."""
        return re.findall(rf"^{child.name} connected (\S+) by (\S+)$", "\n".join(self.air_says()), re.MULTILINE)

    def link_is_there(self, child):
        told = [line.split()[1] for line in self.air_says() if line.startswith(child.name + " ")]
        return bool(told) and told[-1] == "connected"
