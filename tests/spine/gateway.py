# SPDX-License-Identifier: Apache-2.0
"""A whole gateway of real programs on loopback: broker, web server, bus, daemon, plugin, children.

    with Gateway(directory) as gateway:
        gateway.start()
        deliverable = gateway.publish(version="1.1.0", image=APP_1_1_0)
        gateway.announce(deliverable)

Nothing in it is a mock but the children's flash. All programs end with the test. tests/demo uses it as well.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import suit_author
from certificates import Authority
from cloud import Broker, WebServer
from processes import Happenings, Program, Unmet

SOURCE = pathlib.Path(os.environ.get("HEADGATE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("HEADGATE_BIN", SOURCE / "build/dev/bin"))
VECTORS = SOURCE / "tests/vectors/mcuboot"
APP_1_0_0 = VECTORS / "app-1.0.0.bin"
APP_1_1_0 = VECTORS / "app-1.1.0.bin"
APP_2_0_0 = VECTORS / "app-2.0.0.bin"
RADIO_1_0_0 = VECTORS / "radio-1.0.0.bin"
RADIO_2_0_0 = VECTORS / "radio-2.0.0.bin"
RADIO_2_0_0_AFTER_APP_2 = VECTORS / "radio-2.0.0-needs-app-2.bin"
TOPIC = "headgate/announcements"
VENDOR = "vendor.example"
DEVICE_CLASS = "boiler-v1"
PRODUCT = "boiler"

# Sanitizers are slow and the machine may be busy; what should come at once may take this long.
SOON_S = 60

PROFILE = """\
[patience]
answer_ms  = 4000
stall_ms   = 15000
swap_ms    = 8000
health_ms  = 0
attempts   = 5
backoff_ms = 500

[serial]
baud           = 115200
reset_delay_ms = 100
erase_ms       = 5000
chunk_ms       = 1000
last_ms        = 5000
"""


class Child:
    """One smp_child with its tty. Its flash and counters stay when its power goes."""

    def __init__(self, gateway, name, image, options):
        self._gateway = gateway
        self.name = name
        self.state = gateway.directory / f"child-{name}"
        self.tty = gateway.directory / f"tty-{name}"
        self._image = image
        self._options = list(options)
        self.program = None

    def start(self, *more_options):
        self.state.mkdir(exist_ok=True)
        self.program = Program(
            f"child {self.name}",
            [BIN / "smp_child", "--state", self.state, "--link", self.tty, "--die-with-parent", "--verbose",
             "--image", self._image, *self._options, *more_options], self._gateway.happenings)
        self.program.wait_until_said("ready", deadline_s=SOON_S)

    def stop(self):
        """Power and line are gone."""
        if self.program:
            self.program.stop()
            self.program = None
        self.tty.unlink(missing_ok=True)

    def tty_vanishes(self):
        """As when the cable is pulled; the child goes on running."""
        self.program.signal(signal.SIGUSR1)

    def tty_returns(self):
        self.program.signal(signal.SIGUSR2)

    def counters(self):
        try:
            return json.loads((self.state / "counters").read_text())
        except (OSError, ValueError):
            return {}

    def log(self):
        file = self.state / "log"
        return file.read_text().splitlines() if file.exists() else []


class Deliverable:
    """One envelope on the web server, and what is in it."""

    def __init__(self, url, envelope, image, version, sequence):
        self.url = url
        self.envelope = envelope
        self.image = image
        self.version = version
        self.sequence = sequence


class Announced:
    """Anything else on the web server: a trust record."""

    def __init__(self, url):
        self.url = url


class Gateway:
    def __init__(self, directory, profile=PROFILE, more_configuration=""):
        self.directory = pathlib.Path(directory)
        self.happenings = Happenings()
        self.profile = profile
        self.more_configuration = more_configuration
        self.authority = Authority(self.directory)
        self.broker = Broker(self.directory, self.authority, self.happenings)
        self.web = WebServer(self.directory, self.authority, self.happenings)
        self.children = {}
        self.bus = None
        self.daemon = None
        self.plugin = None
        self._daemons = []
        self._stops = []
        self._sequence = 0
        self.runtime = self.directory / "run"
        self.anchors = self.directory / "anchors"
        self.trust = f'anchors = "{self.anchors}"\n'
        self.environment = {}
        for sub in ("state", "cache", "run", "anchors", "profiles"):
            (self.directory / sub).mkdir()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure:
            print(self.report())
        for program in (self.plugin, self.daemon):
            if program:
                program.stop()
        for child in self.children.values():
            child.stop()
        for stop in reversed(self._stops):
            stop()
        self.web.stop()
        self.broker.stop()
        if self.bus:
            self.bus.stop()

    def ends_with_test(self, stop):
        """Something else that is to be stopped at the end."""
        self._stops.append(stop)

    # ------------------------------------------------------------------------------------------------------- parts

    def add_child(self, name="boiler", image=APP_1_0_0, options=(), link="internal", profile="test",
                  targets='target = "app"\nimage = 0\n'):
        child = Child(self, name, image, options)
        child.configuration = (
            f'[children.{name}]\ntransport = "serial"\naddress = "{child.tty}"\nprofile = "{profile}"\n'
            f'vendor = "{VENDOR}"\nclass = "{DEVICE_CLASS}"\n{targets}link = "{link}"\n')
        self.children[name] = child
        return child

    @property
    def child(self):
        """The only one, or the first."""
        return next(iter(self.children.values()))

    def give_key(self, file):
        """The gateway's own, before the daemon starts: to keep secrets under, and to be granted keys for."""
        credentials = self.directory / "credentials"
        credentials.mkdir()
        (credentials / "gateway-key").write_bytes(file.read_bytes())
        self.environment["CREDENTIALS_DIRECTORY"] = str(credentials)
        self.more_configuration += '[keys]\ngateway_credential = "gateway-key"\n'

    def start(self, broker=True, plugin=True):
        """Everything, with one child unless some were added; returns when the child's version is known."""
        if not self.children:
            self.add_child()
        if broker:
            self.broker.start()
        self.web.start()
        self.start_bus()
        for child in self.children.values():
            child.start()
        self.start_daemon()
        if plugin:
            self.start_plugin()
            for name in self.children:
                self.wait_for_child(name, lambda seen: seen["online"], "to be online")
        if broker:
            self.wait_for(lambda: self.broker.has_subscriber(TOPIC), SOON_S, "the daemon's subscription")

    def start_bus(self):
        socket = self.directory / "bus"
        configuration = self.directory / "bus.conf"
        configuration.write_text(f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>""")
        self.bus = Program("dbus-daemon", ["dbus-daemon", f"--config-file={configuration}", "--nofork"], self.happenings)
        self.happenings.wait_for(lambda: socket.exists() or not self.bus.is_running(), SOON_S, "the bus")
        assert self.bus.is_running(), self.bus.tail()

    @property
    def bus_address(self):
        return f"unix:path={self.directory}/bus"

    def configuration(self):
        return f"""\
[directories]
state = "{self.directory}/state"
cache = "{self.directory}/cache"
runtime = "{self.runtime}"
profiles = ["{SOURCE}/config/profiles", "{self.directory}/profiles"]

[trust]
{self.trust}
[cloud]
broker = "{self.broker.url}"
client_id = "headgate-test"
ca_file = "{self.authority.certificate_file}"

[plugins.serial]
uid = {os.getuid()}

{self.more_configuration}
""" + "\n".join(child.configuration for child in self.children.values())

    def write_configuration(self, text=None):
        (self.directory / "profiles/test.toml").write_text(self.profile)
        file = self.directory / "headgate.toml"
        file.write_text(self.configuration() if text is None else text)
        return file

    def launch_daemon(self, text=None):
        """Starts the daemon and does not wait for it."""
        self.key("vendor")
        file = self.write_configuration(text)
        self.daemon = Program("headgated", [BIN / "headgated", "--config", file, "--bus", self.bus_address],
                              self.happenings,
                              {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", **self.environment})
        self._daemons.append(self.daemon)
        return self.daemon

    def start_daemon(self):
        self.launch_daemon()
        self.wait_for(self.answers, SOON_S, "the daemon to answer")

    def start_plugin(self):
        self.plugin = Program("headgate-serial", [BIN / "headgate-serial", "--socket", self.runtime / "plugins.sock"],
                              self.happenings)

    def answers(self):
        assert self.daemon.is_running(), f"headgated ended with {self.daemon.exit_code}:\n{self.daemon.tail()}"
        return self.ctl_result("status").returncode == 0

    # ------------------------------------------------------------------------------------------------ deliverables

    def key(self, name):
        """The private key of a signer; "vendor" is a trust anchor, others are not."""
        file = self.directory / f"{name}.pem"
        if not file.exists():
            suit_author.make_key("ESP256", file, self.anchors / "vendor.pem" if name == "vendor" else None)
        return file

    def publish(self, image, version="1.1.0", signer="vendor", name=None, served=None, via=None, change=None,
                damage=None, sequence=None, product=PRODUCT, component="app", beside=None, more=()):
        """Puts an envelope for `image` and its bytes on the web server. `served`: a file that is served in its place.
        `via`: base URL of another server, or of another location. `damage`: one of suit_author.DAMAGES. `change`:
        alters the envelope's bytes. `beside`: more images, by component. `more`: further words for suit_author."""
        self._sequence = sequence if sequence is not None else self._sequence + 1
        name = name or f"{product}-{version}-{self._sequence}"
        shutil.copyfile(served or image, self.web.root / f"{name}.bin")
        base = via or self.web.url
        envelope = self.web.root / f"{name}.suit"
        command = ["/usr/bin/python3", "-B", SOURCE / "tests/author/suit_author.py", "--key", self.key(signer),
                   "--alg", "ESP256", "--sequence", self._sequence, "--product", product, "--set-version", version,
                   "--vendor-domain", VENDOR, "--class-name", DEVICE_CLASS,
                   "--image", f"component={component},file={image},uri={base}/{name}.bin", "-o", envelope, *more]
        for other, file in (beside or {}).items():
            shutil.copyfile(file, self.web.root / f"{name}-{other}.bin")
            command += ["--image", f"component={other},file={file},uri={base}/{name}-{other}.bin"]
        if damage:
            command += ["--damage", damage]
        subprocess.run([str(word) for word in command], check=True, timeout=120)
        if change:
            envelope.write_bytes(change(envelope.read_bytes()))
        return Deliverable(f"{base}/{name}.suit", envelope, image, version, self._sequence)

    def publish_record(self, name, record):
        """Puts a trust record on the web server."""
        (self.web.root / name).write_bytes(record)
        return Announced(f"{self.web.url}/{name}")

    def announce(self, deliverable, retain=False):
        self.announce_bytes(json.dumps({"url": deliverable.url}).encode(), retain)

    def announce_bytes(self, payload, retain=False):
        self.broker.publish(TOPIC, payload, retain)

    # ---------------------------------------------------------------------------------------------------- operator

    def ctl_result(self, *words, deadline_s=60):
        return subprocess.run([str(BIN / "headgatectl"), "--bus", self.bus_address, *map(str, words)],
                              capture_output=True, text=True, timeout=deadline_s)

    def ctl(self, *words):
        """What headgatectl answers, parsed; a failure is the test's."""
        result = self.ctl_result(*words, "--json")
        if result.returncode != 0:
            raise Unmet(f"headgatectl {' '.join(map(str, words))}: exit {result.returncode}: {result.stderr}")
        return json.loads(result.stdout)

    def child_says(self, name="boiler"):
        return next((child for child in self.ctl("children") if child["id"] == name), None)

    def sealed(self, version):
        """The deliverable with this version, when it is in the catalogue."""
        return next((each for each in self.ctl("deliverables") if each["version"] == version), None)

    def wait_for_arrival(self, deliverable, state):
        """What headgatectl says of an announcement, when it says that it is in this state."""
        def as_wished():
            return next((each for each in self.ctl("status")["arrivals"]
                         if each["url"] == deliverable.url and each["state"] == state), None)

        return self.wait_for(as_wished, SOON_S, f"{deliverable.url} to be shown as {state}")

    def wait_for(self, predicate, deadline_s, what):
        try:
            return self.happenings.wait_for(predicate, deadline_s, what)
        except Unmet as unmet:
            raise Unmet(f"{unmet}\n{self.report()}") from None

    def wait_for_child(self, name, predicate, what, deadline_s=SOON_S):
        def as_wished():
            seen = self.child_says(name)
            return seen if seen and predicate(seen) else None

        return self.wait_for(as_wished, deadline_s, f"{name} {what}")

    def wait_for_phase(self, phase, name="boiler", deadline_s=SOON_S):
        return self.wait_for_child(name, lambda seen: seen["phase"] == phase, f"to be {phase}", deadline_s)

    def wait_until_sealed(self, version, deadline_s=SOON_S):
        return self.wait_for(lambda: self.sealed(version), deadline_s, f"version {version} to be sealed")

    def start_rollout(self, deliverable, *children):
        return self.ctl("rollout", "start", deliverable["id"], *children)

    # ----------------------------------------------------------------------------------------------------- journal

    def journal(self):
        """All that the daemons of this test have written, the earlier ones first."""
        return [line for daemon in self._daemons for line in list(daemon.lines)]

    def journal_lines(self, *words):
        return [line for line in self.journal() if all(word in line for word in words)]

    def wait_for_journal(self, *words, deadline_s=SOON_S):
        return self.wait_for(lambda: self.journal_lines(*words), deadline_s, f"the journal to say {words}")[0]

    def restarts(self):
        return len(self._daemons) - 1

    def report(self):
        """What every part said last: for a test that failed."""
        parts = [daemon.tail(80) for daemon in self._daemons[-3:]]
        if self.plugin:
            parts.append(self.plugin.tail())
        for child in self.children.values():
            parts.append("\n".join(f"  log of {child.name}: {line}" for line in child.log()[-30:]))
            parts.append(f"  counters of {child.name}: {child.counters()}")
        parts.append(self.web.tail())
        return "\n".join(part for part in parts if part)
