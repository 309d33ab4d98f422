# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the real polkitd and our bus policy on a private bus of the system type. The daemon runs as a user
that is not root, because that is how it is installed (without the owner annotation polkit would not answer it)."""

import os
import pwd
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "bus"))
import private_bus  # noqa: E402
from private_bus import BIN, NAME, ROOT, SOURCE, busctl  # noqa: E402

POLKITD = "/usr/lib/polkit-1/polkitd"
ACTIONS = "/usr/share/polkit-1/actions/org.headgate.Headgate1.policy"
RULES = "/etc/polkit-1/rules.d/10-headgate-test.rules"
DAEMON_USER = "daemon"  # stands for "headgate", which need not exist here
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED LOUDLY: polkit can be tested as root only"),
    pytest.mark.skipif(not os.path.exists(POLKITD), reason=f"SKIPPED LOUDLY: no {POLKITD}"),
]

# Every method: what it is called with, and the polkit action that it needs (None: it only reads). A method that is
# missing here fails test_the_table_is_complete; one that needs an action is refused to nobody below.
METHODS = {
    ("Manager", "StartRollout"): ("/Manager", ["oaoa{sv}", f"{ROOT}/deliverables/a1{'0' * 22}", "1",
                                               f"{ROOT}/children/ok_2d1", "0"], "start-rollout"),
    ("Manager", "Fetch"): ("/Manager", ["sa{sv}", "https://vendor.example/x", "0"], "fetch"),
    ("Manager", "Import"): ("/Manager", ["ha{sv}"], "fetch"),  # LEND has what is lent
    # Before CreateGroup: a child lets go of what it is in alone when it becomes a member.
    ("Job", "Cancel"): ("/jobs/1", ["a{sv}", "0"], "cancel-job"),
    ("Manager", "CreateGroup"): ("/Manager", ["ssa(ss)a{sv}", "shed", "lone", "1", "one", "slow-1", "0"], "manage-groups"),
    ("Manager", "DissolveGroup"): ("/Manager", ["sa{sv}", "shed", "0"], "manage-groups"),
    ("Group", "Repair"): ("/groups/house", ["a{sv}", "0"], "start-rollout"),
    ("Group", "Resolve"): ("/groups/house", ["ssa{sv}", "ok-1", "retry", "0"], "resolve-split"),
    ("Deliverable", "DeclareBaseline"): (f"/deliverables/a1{'0' * 22}", ["a{sv}", "0"], "declare-baseline"),
    ("Manager", "EnrollChild"): ("/Manager", ["sa{sv}", "new-1", "4", "transport", "s", "serial", "address", "s", "/dev/x",
                                              "vendor", "s", "v", "class", "s", "c"], "enroll-child"),
    ("Child", "SetKey"): ("/children/ok_2d1", ["sha{sv}", "wrap"], "set-child-key"),  # LEND has what is lent
    ("Child", "RevokeKey"): ("/children/ok_2d1", ["sa{sv}", "identify", "0"], "set-child-key"),
    ("Child", "ReplaceBoard"): ("/children/slow_2d1", ["a{sv}", "0"], "enroll-child"),
    ("Child", "Forget"): ("/children/ok_2d2", ["a{sv}", "0"], "enroll-child"),
    ("Manager", "ListDiscovered"): ("/Manager", [], None),
    ("Manager", "GetCounts"): ("/Manager", [], None),
    ("Manager", "FindChild"): ("/Manager", ["s", "ok-1"], None),
    ("Trust", "ImportRecord"): ("/Trust", ["aya{sv}", "1", "104", "0"], "import-record"),
    ("Rollout", "Close"): ("/rollouts/1", ["a{sv}", "0"], "close-rollout"),
    ("Child", "GetHistory"): ("/children/ok_2d1", ["u", "5"], None),
}
# What the gateway itself answers when polkit has let the call through and there is nothing that could be done.
PASSED = {("Manager", "EnrollChild"): "there is a child", ("Child", "RevokeKey"): "has no key for this use", ("Child", "Forget"): "the configuration names child",
          ("Group", "Repair"): "has committed nothing", ("Group", "Resolve"): "is not split",
          ("Deliverable", "DeclareBaseline"): "no child that has committed nothing"}
# Actions that an option of a method asks for in place of the method's own.
STRONGER = {"approve-rollout"}
APPROVED = ["oaoa{sv}", f"{ROOT}/deliverables/a1{'0' * 22}", "1", f"{ROOT}/children/ok_2d1", "1", "approved", "b", "true"]
FORCED = [*APPROVED[:-3], "forced", "b", "true"]
WRITES = [method for method, (_, _, action) in METHODS.items() if action]


def as_installed(text):
    """A configuration file for the user that the daemon runs as here."""
    changed = text.replace('user="headgate"', f'user="{DAEMON_USER}"').replace("unix-user:headgate",
                                                                              f"unix-user:{DAEMON_USER}")
    assert changed != text
    return changed


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class FileInPlace:
    """A file of the system, ours for a while."""

    def __init__(self, path, text):
        self.path, self.text = path, text

    def __enter__(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.before = read(self.path) if os.path.exists(self.path) else None
        self.write(self.text)

    def __exit__(self, *_):
        if self.before is None:
            os.unlink(self.path)
        else:
            self.write(self.before)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path, 0o644)


def start_polkitd(processes, address):
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=address)
    process, _ = processes.start([POLKITD, "--no-debug"], ready=False, env=environment)
    await_name(address, "org.freedesktop.PolicyKit1", process)
    return process


def await_name(address, name, process):
    """busctl itself waits for the name; the loop is only for the time before polkitd has connected."""
    deadline = time.monotonic() + private_bus.DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        status, _, _ = busctl(address, "call", name, "/org/freedesktop/PolicyKit1/Authority",
                              "org.freedesktop.DBus.Peer", "Ping")
        if status == 0:
            return
    pytest.fail(f"{name} does not come")


def start_server(processes, address):
    user = pwd.getpwnam(DAEMON_USER)
    journal = open(os.path.join("/tmp", f"face-server-{os.getpid()}.log"), "w+", encoding="utf-8")
    os.unlink(journal.name)
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=address)
    private_bus.face_server(processes, address, user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                            env=environment, stderr=journal)
    start_job(address)
    private_bus.make_group(address)
    return journal


def start_job(address):
    """A job that lasts, so that there is one to cancel: the daemon's own user needs polkit too, so root asks."""
    status, _, err = busctl(address, "call", NAME, ROOT + "/Manager", NAME + ".Manager", "StartRollout", "oaoa{sv}",
                            f"{ROOT}/deliverables/a2{'0' * 22}", "0", "0")
    assert status == 0, err


def may(method, status, err):
    return status == 0 or (method in PASSED and PASSED[method] in err)


@pytest.fixture(scope="module")
def place():
    """A bus with our policy, and polkit's actions of ours in place."""
    processes = private_bus.Processes()
    policy = f"/tmp/headgate-policy-{os.getpid()}.conf"
    with FileInPlace(policy, as_installed(read(f"{SOURCE}/config/dbus/{NAME}.conf"))), \
         FileInPlace(ACTIONS, as_installed(read(f"{SOURCE}/config/polkit/{NAME}.policy"))):
        try:
            address = private_bus.system_bus(processes, policy)
            yield processes, address
        finally:
            processes.close()


@pytest.fixture(scope="module")
def with_polkit(place):
    processes, address = place
    polkitd = start_polkitd(processes, address)
    journal = start_server(processes, address)
    return address, polkitd, processes, journal


# busctl knows no descriptors.
LEND = f"""import dbus, sys
bus = dbus.bus.BusConnection(sys.argv[1])
path, interface, method, signature, *before = sys.argv[2:]
try:
    bus.call_blocking("{NAME}", "{ROOT}" + path, "{NAME}." + interface, method, signature,
                      (*before, dbus.types.UnixFd(0), {{}}))
except dbus.DBusException as refused:
    sys.exit(str(refused))
"""


def call(address, method, prefix=(), interactive=False):
    path, arguments, _ = METHODS[method]
    if "h" in (arguments or [""])[0].partition("a")[0]:
        done = subprocess.run([*prefix, "/usr/bin/python3", "-c", LEND, address, path, *method, *arguments],
                              input="what is lent", capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr
    return busctl(address, "call", NAME, ROOT + path, f"{NAME}.{method[0]}", method[1], *arguments, prefix=prefix,
                  interactive=interactive)


def test_the_table_is_complete():
    methods = set()
    for name in os.listdir(f"{SOURCE}/config/dbus"):
        if name.endswith(".xml"):
            for interface in ET.parse(f"{SOURCE}/config/dbus/{name}").getroot().findall("interface"):
                short = interface.get("name").rsplit(".", 1)[1]
                methods |= {(short, method.get("name")) for method in interface.findall("method")}
    assert methods == set(METHODS)


def test_every_action_is_declared_for_the_daemons_user():
    declared = {}
    for action in ET.parse(f"{SOURCE}/config/polkit/{NAME}.policy").getroot().findall("action"):
        declared[action.get("id")] = action.findtext("annotate[@key='org.freedesktop.policykit.owner']")
    actions = {action for _, _, action in METHODS.values() if action} | STRONGER
    assert declared == {f"{NAME}.{action}": "unix-user:headgate" for action in actions}


def test_nobody_reads(with_polkit):
    address = with_polkit[0]
    status, out, err = busctl(address, "get-property", NAME, ROOT + "/Manager", NAME + ".Manager", "Version",
                              prefix=NOBODY)
    assert (status, out.strip()) == (0, 's "0.1.0-test"'), err
    for method in METHODS.keys() - set(WRITES):
        status, _, err = call(address, method, prefix=NOBODY)
        assert status == 0, err
    status, _, err = busctl(address, "call", NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                            prefix=NOBODY)
    assert status == 0, err


@pytest.mark.parametrize("interactive", [False, True])
@pytest.mark.parametrize("method", WRITES)
def test_nobody_writes(with_polkit, method, interactive):
    address, _, _, journal = with_polkit
    status, _, err = call(address, method, prefix=NOBODY, interactive=interactive)
    assert status != 0
    assert "authentication" in err.lower() or "Access denied" in err, err
    journal.seek(0)
    assert f"denied to uid 65534: {method[1]}: " in journal.read()


def test_nobody_owns_the_name(with_polkit):
    address = with_polkit[0]
    status, _, err = busctl(address, "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                            "RequestName", "su", NAME, "0", prefix=NOBODY)
    assert status != 0
    assert "Access denied" in err, err


def test_headgatectl_says_that_nobody_may_not(with_polkit):
    address = with_polkit[0]
    for command in (["fetch", "https://x/y"], ["jobs", "cancel", "1"], ["rollout", "start", "a1", "ok-1"],
                    ["groups", "create", "shed", "--layout", "lone", "one=slow-1"], ["groups", "dissolve", "house"],
                    ["groups", "repair", "house"], ["groups", "resolve", "house", "ok-1", "retry"],
                    ["children", "enroll", "new-1", "--transport", "serial", "--address", "/dev/x", "--vendor", "v", "--class", "c"],
                    ["children", "forget", "ok-1"], ["children", "set-key", "ok-1", "wrap", __file__],
                    ["children", "revoke-key", "ok-1", "wrap"], ["children", "replace-board", "ok-1"],
                    ["deliverables", "import", "https://x/y", "--baseline"], ["deliverables", "import", __file__]):
        done = subprocess.run([*NOBODY, f"{BIN}/headgatectl", "--bus", address, *command], capture_output=True,
                              text=True, timeout=150, check=False)
        assert done.returncode == 5, done.stderr
    done = subprocess.run([*NOBODY, f"{BIN}/headgatectl", "--bus", address, "children", "--json"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("method", WRITES)
def test_root_writes(with_polkit, method):
    status, _, err = call(with_polkit[0], method)
    assert may(method, status, err), err


def test_a_rule_lets_nobody_write(with_polkit):
    """After the tests above: polkitd starts anew, so that it has read the rule for sure."""
    address, polkitd, processes, _ = with_polkit
    rule = """polkit.addRule(function(action, subject) {
      if (action.id.indexOf("org.headgate.Headgate1.") == 0 && subject.user == "nobody") return polkit.Result.YES;
    });"""
    with FileInPlace(RULES, rule):
        processes.end(polkitd)
        start_polkitd(processes, address)
        start_job(address)  # the job before was cancelled by root
        _, out, _ = busctl(address, "tree", "--list", NAME)
        job = max((line for line in out.split() if "/jobs/" in line), key=lambda line: int(line.rsplit("/", 1)[1]))
        for method in WRITES:
            path = METHODS[method]
            if method == ("Job", "Cancel"):
                METHODS[method] = (job[len(ROOT):], *path[1:])
            status, _, err = call(address, method, prefix=NOBODY)
            METHODS[method] = path
            assert may(method, status, err), f"{method}: {err}"


@pytest.mark.parametrize("option", (APPROVED, FORCED), ids=("approved", "forced"))
def test_who_may_start_rollouts_may_not_approve_or_force_them(with_polkit, option):
    address, polkitd, processes, _ = with_polkit
    rule = """polkit.addRule(function(action, subject) {
      if (action.id == "org.headgate.Headgate1.start-rollout" && subject.user == "nobody") return polkit.Result.YES;
    });"""
    with FileInPlace(RULES, rule):
        processes.end(polkitd)
        start_polkitd(processes, address)
        status, _, err = call(address, ("Manager", "StartRollout"), prefix=NOBODY)
        assert status == 0, err
        status, _, err = busctl(address, "call", NAME, ROOT + "/Manager", NAME + ".Manager", "StartRollout", *option,
                                prefix=NOBODY)
        assert status != 0 and ("authentication" in err.lower() or "Access denied" in err), err
    status, _, err = busctl(address, "call", NAME, ROOT + "/Manager", NAME + ".Manager", "StartRollout", *option)
    assert status == 0, err


def test_without_polkit_only_root_and_the_daemons_user_write(place):
    """A bus of its own without polkitd."""
    policy = f"/tmp/headgate-policy-{os.getpid()}-2.conf"
    processes = private_bus.Processes()
    with FileInPlace(policy, as_installed(read(f"{SOURCE}/config/dbus/{NAME}.conf"))):
        try:
            address = private_bus.system_bus(processes, policy)
            start_server(processes, address)
            fetch = ("Manager", "Fetch")
            user = pwd.getpwnam(DAEMON_USER)
            own = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
            assert call(address, fetch)[0] == 0
            assert call(address, fetch, prefix=own)[0] == 0
            status, _, err = call(address, fetch, prefix=NOBODY)
            assert status != 0 and "Access denied" in err, err
        finally:
            processes.close()
