# SPDX-License-Identifier: Apache-2.0
"""A gateway as its owner has it: a Debian machine (vm/vm.py) with headgate installed from its packages and run by
systemd, and one child at a USB serial line. The line is real to the kernel: a gadget (g_serial on dummy_hcd) plugged
into the machine's own USB makes /dev/ttyACM0, a cdc_acm port with a name in /dev/serial/by-id. The child runs on the
host: it has its own power. The host also authors the deliverable, which the machine's own web server (rig/) serves."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import suit_author
from certificates import Authority
from child_process import ChildProcess
from mcuboot_image import write_image
from processes import Happenings, Program, Unmet

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]

# The names of config/headgate.toml's examples; vendor and product of Zephyr's CDC ACM, as in the example rule of udev.
GADGET = "iManufacturer=Vendor iProduct=Boiler iSerialNumber=1234 idVendor=0x2fe3 idProduct=0x0100"
LINE = "/dev/serial/by-id/usb-Vendor_Boiler_1234-if00"
SOON_S = 90  # an emulated processor, on a machine that may be busy
IMAGE_SIZE = 64 * 1024  # at 115200 baud a transfer of 8 s: there is a middle to lose something in

CONFIGURATION = """\
[cloud]
ca_file = "/etc/headgate/web-ca.pem"

[children.boiler]
transport = "serial"
address = "ADDRESS"
profile = "test"
vendor = "vendor.example"
class = "boiler-v1"
target = "app"
image = 0
link = "internal"
"""

PROFILE = """\
[patience]
answer_ms  = 4000
stall_ms   = 15000
swap_ms    = 15000
health_ms  = 0
attempts   = 5
backoff_ms = 500

[serial]
baud           = 115200
reset_delay_ms = 250
erase_ms       = 5000
chunk_ms       = 2500
last_ms        = 5000
"""


class Box:
    def __init__(self, machine, directory):
        self.machine = machine
        self.child = None
        self._directory = directory
        self._cable = None
        self.starts_of_installation = 0
        self._happenings = Happenings()

    # ------------------------------------------------------------------------------------------------------- set-up

    @staticmethod
    def fill(share, debs):
        """What the machine finds under /share, and the child's images."""
        for name in ("debs", "rig", "images", "web/files"):
            (share / name).mkdir(parents=True)
        for deb in debs:
            shutil.copy(deb, share / "debs")
        for file in (HERE / "rig").iterdir():
            shutil.copy(file, share / ("web" if file.name == "nginx.conf" else "rig"))
        for version in ((1, 0, 0), (1, 1, 0)):
            write_image(share / f"images/{'.'.join(map(str, version))}.bin", IMAGE_SIZE, version, seed=version[1] + 1)
        Authority(share / "web").vouch_for("web")
        (share / "profile.toml").write_text(PROFILE)
        (share / "configuration.toml").write_text(CONFIGURATION)
        suit_author.make_key("ESP256", share / "vendor-private.pem", share / "vendor.pem")
        image, url = share / "images/1.1.0.bin", "https://localhost/boiler-1.1.0"
        shutil.copy(image, share / "web/files/boiler-1.1.0.bin")
        subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/author/suit_author.py", "--key",
                        share / "vendor-private.pem", "--alg", "ESP256", "--sequence", "1", "--product", "boiler",
                        "--set-version", "1.1.0", "--vendor-domain", "vendor.example", "--class-name", "boiler-v1",
                        "--image", f"component=app,file={image},uri={url}.bin",
                        "-o", share / "web/files/boiler-1.1.0.suit"], check=True, timeout=60)

    def install(self):
        """headgate and its configuration, as its owner would; then the rig. Nothing is plugged in yet."""
        self.machine.check("apt-get -qq -y -o Dpkg::Use-Pty=0 install /share/debs/*.deb")
        self.starts_of_installation = int(self.machine.check("systemctl show -P NRestarts headgated")) + 1
        self.machine.check("""set -e
            install -m 644 /share/web/test-ca.pem /etc/headgate/web-ca.pem
            install -m 644 -D /share/vendor.pem /etc/headgate/anchors/vendor.pem
            install -m 644 -D /share/profile.toml /etc/headgate/profiles/test.toml
            mkdir -p /etc/headgate/headgate.toml.d
            install -m 644 /share/rig/*.service /etc/systemd/system
            install -m 644 /share/rig/*.rules /etc/udev/rules.d
            systemctl daemon-reload
            udevadm control --reload""")

    def begin_anew(self, address=LINE):
        """A new child with version 1.0.0 at the line, and a daemon that has never heard of it."""
        self.machine.check(f"""set -e
            systemctl stop headgated headgate-serial 'held-*'
            if [ -d /sys/module/g_serial ]; then rmmod g_serial; fi
            rm -f /etc/udev/rules.d/70-headgate-lines.rules
            udevadm control --reload
            rm -rf /var/lib/headgate*/* /var/cache/headgate*/* /run/lock/LCK..*
            sed "s|ADDRESS|{address}|" /share/configuration.toml > /etc/headgate/headgate.toml.d/boiler.toml
            systemctl reset-failed
            systemctl start web headgated""")
        self.start_child_at_line()
        self.wait_for_child(lambda seen: seen["online"] and seen["version"] == "1.0.0", "to be online with 1.0.0")

    def start_child_at_line(self):
        self.end_child()
        directory = pathlib.Path(tempfile.mkdtemp(dir=self._directory, prefix="child-"))
        self.child = ChildProcess(directory, "--image", self._directory / "share/images/1.0.0.bin", "--baud", "115200")
        self.connect_child()
        self.plug()

    def connect_child(self):
        """Between the child's tty and the machine's port; again when the machine was started again."""
        if self._cable:
            self._cable.stop()
        ends = [f"OPEN:{self.child.tty},rawer", f"UNIX-CONNECT:{self._directory}/child"]
        self._cable = Program("cable", ["socat", *ends], self._happenings)

    def end_child(self):
        if self._cable:
            self._cable.stop()
        if self.child:
            self.child.stop()
        self._cable = self.child = None

    # ----------------------------------------------------------------------------------------------------- the line

    def plug(self):
        """Returns when the line has its name; answers the node behind it."""
        self.machine.check(f"modprobe dummy_hcd && modprobe g_serial {GADGET}")
        self.wait_for(lambda: self.machine.run(f"[ -c {LINE} ]")[0] == 0, f"{LINE} to appear")
        return self.node()

    def unplug(self):
        self.machine.check("rmmod g_serial")

    def node(self):
        return self.machine.check(f"readlink -f {LINE}")

    def hold(self, what="true"):
        """Another program opens the line (descriptor 3), does `what` and keeps it, also when it is hung up."""
        self.machine.check("systemd-run --quiet --unit=held-line --service-type=notify --property=NotifyAccess=all "
                           f"bash -c 'trap \"\" HUP; exec 3<>{LINE} && {what} && systemd-notify --ready && "
                           "exec sleep infinity'")

    def release(self):
        self.machine.check("systemctl stop held-line; rm -f /run/lock/LCK..ttyACM0")

    # ---------------------------------------------------------------------------------------------------- operator

    def ctl(self, *words):
        return json.loads(self.machine.check(f"headgatectl --json {' '.join(map(str, words))} 2> /dev/null"))

    def child_says(self):
        """What headgatectl tells of the child; None while the daemon does not answer."""
        status, printed = self.machine.run("headgatectl --json children 2> /dev/null")
        return next((child for child in json.loads(printed) if child["id"] == "boiler"), None) if status == 0 else None

    def begin_update(self):
        """To 1.1.0: fetched, verified, sealed, and on its way to the child."""
        self.machine.check("headgatectl fetch https://localhost/boiler-1.1.0.suit --wait")
        deliverable, = self.ctl("deliverables")
        self.ctl("rollout", "start", deliverable["id"])

    def counters(self):
        """What the child has counted (tests/children/smp_child/README.md)."""
        return json.loads((self.child.state / "counters").read_text())

    def wait_for_middle_of_transfer(self):
        self.wait_for(lambda: self.counters()["upload_bytes"] > IMAGE_SIZE / 4, "a quarter to be at the child")
        assert self.counters()["upload_bytes"] < IMAGE_SIZE * 3 / 4, "the transfer was too fast to be disturbed"

    # ----------------------------------------------------------------------------------------------------- waiting

    def wait_for(self, predicate, what, deadline_s=SOON_S):
        try:
            return self._happenings.wait_for(predicate, deadline_s, what)
        except Unmet as unmet:
            raise Unmet(f"{unmet}\n{self.report()}") from None

    def wait_for_child(self, predicate, what, deadline_s=SOON_S):
        def as_wished():
            seen = self.child_says()
            return seen if seen and predicate(seen) else None

        return self.wait_for(as_wished, f"the child {what}", deadline_s)

    def wait_for_offline(self):
        """Answers the cause."""
        return self.wait_for_child(lambda seen: not seen["online"] and seen["link_text"],
                                   "to be offline, and why")["link_text"]

    def wait_until_confirmed(self):
        self.wait_for_child(lambda seen: seen["phase"] == "confirmed" and seen["version"] == "1.1.0",
                            "to be confirmed with 1.1.0", 2 * SOON_S)
        return self.counters()

    def report(self):
        """What every part said last: for a test that failed."""
        return self.machine.run("""headgatectl children; headgatectl history boiler | head -n 20
            ls -l /dev/serial/by-id /dev/ttyACM*; systemctl --no-pager --failed
            journalctl -b --no-pager -o short-monotonic -u headgated -u headgate-serial -u child-cable | tail -n 80
            """)[1] + f"\nlog of the child:\n{self.child.log()}\ncounters: {self.counters()}"
