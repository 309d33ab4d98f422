# SPDX-License-Identifier: Apache-2.0
"""Who is served, and how a child shows that it is the one: strangers get nothing until they are enrolled, by command, by
a signed list or by policy; and a child with a key for it is asked to show that before the first byte leaves."""

import uuid

import packet_log
import pytest
import trust_author
from gateway import APP_1_1_0, DEVICE_CLASS, VECTORS, VENDOR
from raw_plugin import DISCOVERED, ENROLL, VANISHED, WELCOME, RawPlugin
from vault import Vault

GATEWAY_KEY = VECTORS / "keys/gateway-enc-p256.pem"
KEY = bytes(range(32))
IDENTIFY, PROVE, UPLOAD = (18503, 0), (18503, 1), (1, 1)  # SMP groups and commands
VENDOR_ID = uuid.uuid5(uuid.NAMESPACE_DNS, VENDOR)
CLASS_ID = uuid.uuid5(VENDOR_ID, DEVICE_CLASS)
STRANGER = {0: DISCOVERED, 1: "meter-7", 2: "/dev/nowhere", 3: VENDOR_ID.bytes, 4: CLASS_ID.bytes, 5: "a meter"}


# ------------------------------------------------------------------------------------------------------- enrollment


@pytest.fixture
def listening(gateway):
    gateway.start(broker=False, plugin=False)
    return gateway


def connected(gateway):
    plugin = RawPlugin(gateway)
    plugin.hello()
    assert plugin.receive()[0] == WELCOME
    assert plugin.receive()[0] == ENROLL  # of the configured one
    return plugin


def strangers(gateway):
    return [child["id"] for child in gateway.ctl("children") if child.get("phase") == "discovered"]


def test_a_stranger_is_listed_and_gets_nothing(listening):
    with connected(listening) as plugin:
        plugin.send(STRANGER)
        listening.wait_for(lambda: strangers(listening) == ["meter-7"], 60, "the stranger to be listed")
        deliverable = listening.publish(APP_1_1_0)
        assert listening.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
        assert listening.ctl_result("rollout", "start", listening.sealed("1.1.0")["id"], "meter-7").returncode == 3
        plugin.send({0: VANISHED, 1: "meter-7"})
        listening.wait_for(lambda: not strangers(listening), 60, "the stranger to be gone")


def test_a_plugin_takes_its_strangers_with_it(listening):
    with connected(listening) as plugin:
        plugin.send(STRANGER)
        listening.wait_for(lambda: strangers(listening), 60, "the stranger to be listed")
    listening.wait_for(lambda: not strangers(listening), 60, "the stranger to be gone")


def test_a_child_is_enrolled_by_command_and_known_after_a_restart(listening):
    with connected(listening) as plugin:
        plugin.send(STRANGER)
        listening.wait_for(lambda: strangers(listening), 60, "the stranger to be listed")
        listening.ctl("children", "enroll", "meter-7", "--discovered", "--profile", "test")
        frame = plugin.receive()
        assert (frame[0], frame[1]) == (ENROLL, "meter-7")
        assert not strangers(listening)
    assert listening.child_says("meter-7")["origin"] == "command"
    assert listening.daemon.stop() == 0
    listening.start_daemon()
    assert listening.child_says("meter-7")["address"] == "/dev/nowhere"
    with connected(listening) as plugin:
        assert plugin.receive()[1] == "meter-7"
        listening.ctl("children", "forget", "meter-7")
        listening.wait_for_child("meter-7", lambda seen: "not enrolled" in seen["link_text"], "to be forgotten")


def test_the_address_of_another_child_is_not_given_twice(listening):
    address = str(listening.child.tty)
    refused = listening.ctl_result("children", "enroll", "twin", "--transport", "serial", "--address", address, "--profile",
                                   "test", "--vendor", VENDOR, "--class", DEVICE_CLASS)
    assert refused.returncode == 1 and "boiler" in refused.stderr


def test_a_policy_enrolls_its_class_and_nobody_else(gateway):
    gateway.more_configuration = (f'[[enroll]]\nname = "meters"\ntransport = "serial"\nvendor = "{VENDOR}"\n'
                                  f'class = "{DEVICE_CLASS}"\nprofile = "test"\n')
    gateway.start(broker=False, plugin=False)
    with connected(gateway) as plugin:
        plugin.send({**STRANGER, 1: "other", 2: "/dev/elsewhere", 4: uuid.uuid4().bytes})
        plugin.send(STRANGER)
        assert plugin.receive()[1] == "meter-7"
        assert gateway.child_says("meter-7")["origin"] == "policy"
        gateway.wait_for(lambda: strangers(gateway) == ["other"], 60, "the other one to be a stranger")


@pytest.fixture
def directed(gateway):
    """With a director whose lists count, and the gateway's own key."""
    vault = Vault(gateway)
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author"), vault.key("dirk", "director")],
                       sign=["chief"])
    own_key(gateway)
    gateway.more_configuration += f'[directories]\nimport = "{gateway.directory}/import"\n'
    gateway.configuration = lambda whole=gateway.configuration: one_table(whole())
    gateway.start(broker=False, plugin=False)
    return gateway, vault


def one_table(configuration):
    """The import directory in the table of directories that is there already."""
    head, _, line = configuration.partition("[directories]\n")[2].partition("[directories]\n")
    setting, _, rest = line.partition("\n")
    return f"[directories]\n{setting}\n{head}{rest}"


def listed(vault, **more):
    child = {"id": "meter-7", "transport": "serial", "address": "/dev/nowhere", "profile": "test",
             "vendor": VENDOR_ID.bytes, "device_class": CLASS_ID.bytes,
             "keys": [trust_author.child_key(use="wrap", pem=vault.pem("meter")),
                      trust_author.child_key(use="identify", kid="k1", secret=KEY, gateway=GATEWAY_KEY)]}
    return trust_author.enrollment(**{"name": "site-7", "version": 1, "gateway": GATEWAY_KEY,
                                      "children": [trust_author.child(**child)], "sign": [vault.pem("dirk")], **more})


def drop(gateway, name, record):
    """As a script of the integrator does it: written beside, moved in."""
    beside = gateway.directory / name
    beside.write_bytes(record)
    beside.rename(gateway.directory / "import" / name)


def test_a_signed_list_in_the_import_directory_enrolls_children_with_their_keys(directed):
    gateway, vault = directed
    drop(gateway, "site.hgr", listed(vault))
    gateway.wait_for(lambda: gateway.child_says("meter-7"), 60, "the child to be enrolled")
    seen = gateway.ctl("children", "show", "meter-7")
    assert seen["origin"] == "list" and "dirk" in seen["enrolled_by"]
    assert sorted(key["use"] for key in seen["keys"]) == ["identify", "wrap"]
    gateway.wait_for(lambda: not list((gateway.directory / "import").iterdir()), 60, "the file to be taken")
    assert KEY.hex() not in "\n".join(gateway.journal())

    drop(gateway, "again.hgr", listed(vault))  # of a version that is known
    gateway.wait_for_journal("dropped:again.hgr", "version 1 is not after 1")
    drop(gateway, "forged.hgr", listed(vault, version=2, sign=[vault.pem("anna")]))
    gateway.wait_for((gateway.directory / "import/forged.hgr.refused").exists, 60, "it to be set aside")
    gateway.wait_for_journal("dropped:forged.hgr", "for author, not for director")
    gateway.daemon.kill()
    gateway.start_daemon()
    drop(gateway, "away.hgr", listed(vault, version=2, children=[], forgets=["meter-7"]))
    gateway.wait_for_child("meter-7", lambda child: "not enrolled" in child["link_text"], "to be forgotten")


# --------------------------------------------------------------------------------------------------- identification


def own_key(gateway):
    """The gateway's own, to keep secrets under."""
    gateway.give_key(GATEWAY_KEY)


def with_kit(gateway, key=KEY, **more):
    """A child with the kit and a key, and the gateway's own key to keep secrets under."""
    file = gateway.directory / "kit.key"
    file.write_text(key.hex())
    own_key(gateway)
    return gateway.add_child("boiler", options=["--log-packets", "--kit", "--kit-key", file, "--kit-key-id", "k1"], **more)


def set_identify_key(gateway, key):
    file = gateway.directory / "identify.key"
    file.write_bytes(key)
    return gateway.ctl("children", "set-key", "boiler", "identify", file, "--kid", "k1")


def roll_out(gateway):
    gateway.announce(gateway.publish(APP_1_1_0, version="1.1.0"))
    gateway.start_rollout(gateway.wait_until_sealed("1.1.0"))


def test_a_child_shows_its_key_before_the_first_byte(gateway):
    with_kit(gateway)
    gateway.start()
    set_identify_key(gateway, KEY)
    roll_out(gateway)
    gateway.wait_for_phase("confirmed")
    assert gateway.child_says()["identity_state"] == "proven"
    asked = [(int.from_bytes(packet[4:6], "big"), packet[7]) for packet in packet_log.packets(gateway.child.state)]
    assert asked.index(PROVE) < asked.index(UPLOAD) and asked.index(IDENTIFY) < asked.index(PROVE)


def test_the_right_id_with_the_wrong_key_gets_nothing(gateway):
    with_kit(gateway)
    gateway.start()
    set_identify_key(gateway, KEY[::-1])
    roll_out(gateway)
    seen = gateway.wait_for_phase("refused")
    assert seen["reason"] == "wrong-identity"
    assert gateway.child.counters().get("uploads_started", 0) == 0
    gateway.wait_for_journal("child boiler", "wrong-identity")
    set_identify_key(gateway, KEY)
    gateway.start_rollout(gateway.sealed("1.1.0"))
    gateway.wait_for_phase("confirmed")


def test_a_child_that_asks_for_proof_gets_it(gateway):
    child = with_kit(gateway)
    child._options += ["--require-proof"]  # pylint: disable=protected-access
    gateway.start()
    set_identify_key(gateway, KEY)
    roll_out(gateway)
    gateway.wait_for_phase("confirmed")


def test_a_child_without_the_kit_that_should_show_a_key_gets_nothing(gateway):
    with_kit(gateway)
    gateway.child._options = []  # pylint: disable=protected-access
    gateway.start()
    set_identify_key(gateway, KEY)
    roll_out(gateway)
    assert gateway.wait_for_phase("refused")["reason"] == "wrong-identity"
