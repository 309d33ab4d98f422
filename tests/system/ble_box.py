# SPDX-License-Identifier: Apache-2.0
"""The machine of box.py with a radio: the real bluetoothd on virtual controllers (rig/air). hci0 is the gateway's; on each
of hci1 to hci3 tests/children/ble_peripheral.py can be a child, an smp_child behind a GATT server. These children run
inside of the machine, in memory; they come and go by systemd."""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from box import HERE, SOURCE, SOON_S, Box

CHILDREN = SOURCE / "tests/children"
BIN = pathlib.Path(os.environ.get("HEADGATE_BIN", SOURCE / "build/dev/bin"))
GATEWAY_KEY = SOURCE / "tests/vectors/mcuboot/keys/gateway-enc-p256.pem"
ADDRESS = {"hci1": "00:AA:01:01:00:01", "hci2": "00:AA:01:02:00:02", "hci3": "00:AA:01:03:00:03"}  # btvirt's
AIR_PROGRAMS = ("ble_peripheral.py", "smp_gatt.py", "ble_air.py", "air_link.py", "air_peripheral.py", "att_server.py",
                "event_loop.py", "hci_controller.py", "le_crypto.py", "le_pairing.py")
WINDOW = 16        # bytes of an image that count as a piece of it
LEAST_DISTINCT = 10  # bytes of such a piece: others (padding) may be anywhere

PROFILE = """\
[patience]
answer_ms  = 60000
stall_ms   = 60000
swap_ms    = 90000
health_ms  = 0
attempts   = 9
backoff_ms = 500
pause_ms   = 500

[ble]
pairing  = "{pairing}"
erase_ms = 10000
last_ms  = 10000
idle_ms  = 1000
{more}"""

ENROLLED = """\
[children.{name}]
transport = "ble"
address = "{address}"
profile = "ble-{name}"
vendor = "vendor.example"
class = "boiler-v1"
target = "app"
image = 0
link = "{link}"
"""


@dataclasses.dataclass
class BleChild:
    """`enrolled_as`: its address in the configuration; None: a stranger. `pairing` is what the child demands, `asks` what
    the profile says (None: the same)."""
    name: str
    adapter: str
    enrolled_as: str = ""
    advertised: str = ""
    pairing: str = "none"
    asks: str = None
    passkey: int = 123456
    link: str = "none"
    options: tuple = ()
    profile: str = ""
    enrollment: str = ""  # more lines of its enrollment

    @property
    def address(self):
        return ADDRESS[self.adapter]

    @property
    def state(self):
        return f"/run/children/{self.name}"

    def description(self):
        return {"adapter": self.adapter, "name": self.advertised or self.name, "child": f"{self.state}/air",
                "pairing": self.pairing, "passkey": self.passkey}


class BleBox(Box):
    @staticmethod
    def fill(share, debs):
        Box.fill(share, debs)
        (share / "child/lib").mkdir(parents=True)
        shutil.copy(BIN / "smp_child", share / "child")
        shutil.copy(GATEWAY_KEY, share / "gateway.pem")
        for file in AIR_PROGRAMS:
            shutil.copy(CHILDREN / file, share / "child")
        # A sanitized child wants libraries that the machine has not.
        needed = subprocess.check_output(["ldd", BIN / "smp_child"], text=True)
        for name, path in re.findall(r"(\S+) => (/\S+)", needed):
            if name.split(".")[0] not in ("libc", "libm", "ld-linux-x86-64"):
                shutil.copy(path, share / "child/lib" / name)

    def install(self):
        super().install()
        self.machine.check("""set -e
            install -m 755 /share/rig/drop-links /share/rig/forget-devices /usr/local/sbin
            mkdir -p /etc/systemd/system/headgated.service.d
            printf '[Service]\nLoadCredential=gateway-key:/share/gateway.pem\n' \
              > /etc/systemd/system/headgated.service.d/key.conf
            systemctl daemon-reload""")
        self.give_plugin("--adapters hci0")
        self.install_air()

    def install_air(self):
        self.machine.check("bash /share/rig/air && systemd-run --quiet --unit=btvirt btvirt -L -l4 && "
                           "systemctl start bluetooth")
        self.power_adapters(4, "hci0")

    def give_plugin(self, options):
        self.write("/etc/default/headgate-plugin-ble", f'HEADGATE_BLE_OPTIONS="{options}"\n')

    def power_adapters(self, there, *adapters):
        """When bluetoothd shows as many as there are."""
        shown = "busctl tree --list org.bluez | grep -c 'hci[0-9]*$'"
        self.wait_for(lambda: self.machine.run(shown)[1].strip() == str(there), "bluetoothd to show its adapters")
        for adapter in adapters:
            self.power(adapter)

    def power(self, adapter, is_on=True):
        self.machine.check(f"busctl set-property org.bluez /org/bluez/{adapter} org.bluez.Adapter1 Powered b "
                           f"{str(is_on).lower()}")

    # ------------------------------------------------------------------------------------------------------ children

    def begin(self, *children, with_serial=False, more=""):
        """These, on the air with version 1.0.0, and a daemon that has never heard of them; bonds are gone. `with_serial`: a
        child at the serial line, too; `more` is more of the configuration."""
        self.machine.check("""set -e
            systemctl stop headgated headgate-serial headgate-ble 'child-*' 'air-children*' 'capture*'
            systemctl reset-failed
            forget-devices
            rm -rf /var/lib/headgate*/* /var/cache/headgate*/* /run/children /run/quiet-* /run/lock/LCK..*
            rm -f /etc/headgate/headgate.toml.d/*""")
        configuration = '[cloud]\nca_file = "/etc/headgate/web-ca.pem"\n[keys]\ngateway_credential = "gateway-key"\n'
        configuration += '[plugins.ble]\nuser = "headgate-ble"\n' + more
        for child in children:
            if child.enrolled_as is not None:
                configuration += ENROLLED.format(name=child.name, address=child.enrolled_as or child.address,
                                                 link=child.link) + child.enrollment
                profile = PROFILE.format(pairing=child.asks or child.pairing, more=child.profile)
                self.write(f"/etc/headgate/profiles/ble-{child.name}.toml", profile)
        self.write("/etc/headgate/headgate.toml.d/ble.toml", configuration)
        for child in children:
            self.start_child(child)
        self.write("/run/children/air.json", json.dumps(self.air_of(children)))
        self.start_air()
        self.machine.check("systemctl start web headgated")
        if with_serial:
            self.start_child_at_line()

    def write(self, path, text):
        self.machine.check(f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(text)} > {path}")

    def start_child(self, child):
        words = ["/share/child/smp_child", "--state", child.state, "--seqpacket", f"{child.state}/air", "--image",
                 "/share/images/1.0.0.bin", "--buf-size", "2048", "--buf-count", "4", *child.options]
        self.machine.check(f"mkdir -p {child.state} && systemd-run --quiet --unit=child-{child.name} "
                           f"--setenv=LD_LIBRARY_PATH=/share/child/lib --setenv=ASAN_OPTIONS=detect_leaks=0 "
                           f"{shlex.join(words)}")

    def air_of(self, children):
        return [child.description() for child in children]

    def start_air(self):
        """The peripherals of all children; returns when they are advertised."""
        self.run_air("ble_peripheral.py")

    def run_air(self, *words):
        program, *more = words
        self.machine.check("systemd-run --quiet --unit=air-children --setenv=PYTHONDONTWRITEBYTECODE=1 "
                           f"python3 /share/child/{program} /run/children/air.json {shlex.join(more)}")
        self.wait_for(lambda: "ready" in self.air_says(), "the children to be on the air")

    def air_says(self):
        """The lines that the program of the air has printed."""
        since = "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID air-children)"
        return self.machine.check(f"journalctl -q -o cat {since}").splitlines()

    def drop_link(self, child):
        self.machine.check(f"drop-links {child.adapter}")

    def end_child_at_line(self):
        self.unplug()
        self.end_child()

    def link_is_there(self, child):
        return "handle" in self.machine.check(f"hcitool -i {child.adapter} con")

    def counters_of(self, child):
        return json.loads(self.machine.check(f"cat {child.state}/counters"))

    # ------------------------------------------------------------------------------------------------------- operator

    def says(self, name):
        status, printed = self.machine.run("headgatectl --json children 2> /dev/null")
        return next((child for child in json.loads(printed) if child["id"] == name), None) if status == 0 else None

    def wait_until(self, child, predicate, what, deadline_s=2 * SOON_S):
        def as_wished():
            seen = self.says(child.name)
            return seen if seen and predicate(seen) else None

        return self.wait_for(as_wished, f"{child.name} {what}", deadline_s)

    def wait_until_served(self, child):
        return self.wait_until(child, lambda seen: seen["online"] and seen["version"] == "1.0.0",
                               "to be online with 1.0.0")

    def wait_until_updated(self, child, deadline_s=3 * SOON_S):
        self.wait_until(child, lambda seen: seen["phase"] == "confirmed" and seen["version"] == "1.1.0",
                        "to be confirmed with 1.1.0", deadline_s)
        return self.counters_of(child)

    def wait_for_bytes(self, child, count, deadline_s=SOON_S):
        self.wait_for(lambda: self.counters_of(child)["upload_bytes"] >= count, f"{count} bytes to be at {child.name}",
                      deadline_s)

    def link_security(self, child):
        shown = self.machine.check(f"headgatectl children show {child.name}")
        return re.search(r"Link security:?\s+(\S+)", shown).group(1)

    def give_passkey(self, child, passkey):
        self.machine.check(f"printf %06d {passkey} > /run/passkey && "
                           f"headgatectl children set-key {child.name} link /run/passkey; rm /run/passkey")

    # -------------------------------------------------------------------------------------------------------- the air

    def begin_capture(self):
        """All that goes over the air from now on."""
        self.machine.check("systemd-run --quiet --unit=capture btmon -w /run/capture")
        self.wait_for(lambda: self.machine.run("[ -s /run/capture ]")[0] == 0, "the capture to begin")

    def end_capture(self):
        """Its bytes; and the addresses to which a connection was asked for."""
        self.machine.check("systemctl stop capture; cp /run/capture /share/capture; btmon -r /run/capture > /share/shown; "
                           "rm /run/capture")
        shown = (self._directory / "share/shown").read_text(errors="replace")
        asked = re.findall(r"< HCI Command: LE (?:Extended )?Create Conn.*?Peer address: ([0-9A-F:]{17})", shown, re.DOTALL)
        return (self._directory / "share/capture").read_bytes(), set(asked)

    def pieces_of_image(self, capture):
        """How many pieces of 1.1.0 are in it. The controllers do not encrypt what they carry, whoever is paired."""
        image = (self._directory / "share/images/1.1.0.bin").read_bytes()
        pieces = {image[at:at + WINDOW] for at in range(0, len(image) - WINDOW + 1)}
        pieces = {piece for piece in pieces if len(set(piece)) >= LEAST_DISTINCT}
        assert len(pieces) > len(image) / 2, "the image is nothing to look for"
        return sum(capture[at:at + WINDOW] in pieces for at in range(len(capture) - WINDOW + 1))

    def report(self):
        return self.machine.run("""headgatectl children; for c in /run/children/*/; do headgatectl children show \
              $(basename $c) | grep -E 'Online|Link|State|Reason'; echo; tail -n 5 $c/log; grep upload $c/counters; done
            busctl tree --list org.bluez | grep -E 'dev(_..){6}$'; systemctl --no-pager --failed; dmesg | tail -n 3
            journalctl -b --no-pager -o short-monotonic -u headgated -u headgate-ble -u headgate-serial -u bluetooth \
              -u air-children | tail -n 100""")[1]
