# SPDX-License-Identifier: Apache-2.0
"""A BLE child as it is on the air: what it advertises, what it accepts, the bonds it keeps. Behind it an
smp_child --seqpacket; the adapter of the stand-in hears it and connects to it."""
import os

import smp_gatt

OPEN, ENCRYPTED, AUTHENTICATED = 1, 2, 4  # levels of a link's security; 4: LE Secure Connections with a passkey


class Peripheral:
    def __init__(self, name, settings):
        """`settings`, of StandIn1.AddPeripheral: Address s; Identity s (what bluetoothd knows it by once bonded; the
        address), AddressType s ("public", "random"), Name s, UUIDs as (advertised; the SMP service), Rssi n (dBm), Mtu q
        (247), Smp s (socket of an smp_child), Pairing s (accepts "none", "just-works", "passkey"), Passkey u, Encrypted
        b (its SMP characteristic wants that), Acquire b (true; false: NotSupported), Reassembly b (true; false: a packet
        must fit one write), BytesPerSecond u (taken from an acquired socket; 0: no limit). KeyError or ValueError when
        they are not right."""
        self.name = name
        self.address = settings["Address"].upper()
        self.identity = settings.get("Identity", self.address).upper()
        self.address_type = settings.get("AddressType", "random")
        self.local_name = settings.get("Name", "")
        self.uuids = [uuid.lower() for uuid in settings.get("UUIDs", [smp_gatt.SERVICE])]
        self.rssi, self.mtu = settings.get("Rssi", -60), settings.get("Mtu", 247)
        self.smp = settings.get("Smp", "")
        self.pairing, self.passkey = settings.get("Pairing", "none"), settings.get("Passkey", 0)
        self.encrypted, self.acquire = settings.get("Encrypted", False), settings.get("Acquire", True)
        self.reassembly = settings.get("Reassembly", True)
        self.bytes_per_second = settings.get("BytesPerSecond", 0)
        if self.pairing not in ("none", "just-works", "passkey"):
            raise ValueError(f"Pairing is none, just-works or passkey, not {self.pairing}")
        self.advertising = True
        self.bonds = {}       # address of an adapter: level of the bond
        self.restarts = 0     # each gives the GATT other handles
        self.device = None    # the Device that is connected to it

    def is_there(self):
        """Whether it advertises: it does not while it is connected, nor while the child behind it boots."""
        return self.advertising and self.device is None and (not self.smp or os.path.exists(self.smp))

    @property
    def demands(self):
        """The level that its SMP characteristic wants. One that takes just-works cannot want more than encryption."""
        if not self.encrypted:
            return OPEN
        return ENCRYPTED if self.pairing == "just-works" else AUTHENTICATED

    def open_smp(self):
        """The way to the child for the time of a connection; None without a child. OSError: it does not answer."""
        return smp_gatt.SmpGatt(self.smp, self.mtu, self.reassembly) if self.smp else None
