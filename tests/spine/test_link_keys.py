# SPDX-License-Identifier: Apache-2.0
"""The keys that links end with, from an operator's file to the plugin that ends the link: each plugin is told those of
its own children and no others, only if it holds keys, at connect and at every change; and nothing of them stays in the
daemon's memory outside of locked pages, in its journal or in its database."""

import hashlib
import os
import ssl
import uuid

import memory_search
import pytest
import trust_author
from gateway import DEVICE_CLASS, VECTORS, VENDOR
from raw_plugin import CAN_HOLD_KEYS, ENROLL, FORGET, LINK_KEY, WELCOME, RawPlugin
from vault import Vault

KEYS = VECTORS / "keys"
NONE, PSK, CERTIFICATE, PASSKEY = range(4)


class Placed:
    """A child that nobody plays: only its plugin is told of it."""

    def __init__(self, name, transport):
        self.name, self.tty = name, f"/dev/{name}"
        self.configuration = (f'[children.{name}]\ntransport = "{transport}"\naddress = "{self.tty}"\nprofile = "test"\n'
                              f'vendor = "{VENDOR}"\nclass = "{DEVICE_CLASS}"\ntarget = "app"\nimage = 0\nlink = "none"\n')

    def stop(self):
        pass


def prepare(gateway):
    """A gateway with a key, two children of the plugin "serial" and one of the plugin "udp"."""
    gateway.give_key(KEYS / "gateway-enc-p256.pem")
    gateway.more_configuration += f'[plugins.udp]\nuid = {os.getuid()}\n'
    gateway.children = {name: Placed(name, transport)
                        for name, transport in (("boiler", "serial"), ("pump", "serial"), ("meter", "udp"))}


def start(gateway):
    gateway.start_bus()
    gateway.start_daemon()
    return gateway


@pytest.fixture
def keeper(gateway):
    prepare(gateway)
    return start(gateway)


def set_psk(gateway, child, *more):
    """As an operator does, with a file; the file is gone afterwards."""
    secret = os.urandom(32)
    file = gateway.directory / f"{child}.psk"
    file.write_bytes(secret)
    gateway.ctl("children", "set-key", child, "link", file, *more)
    file.unlink()
    return secret


def psk(child, secret, identity=None):
    return {0: LINK_KEY, 1: child, 2: PSK, 3: identity or child, 4: secret}


def none(child):
    return {0: LINK_KEY, 1: child, 2: NONE}


def connected(gateway, children, transport="serial", capabilities=CAN_HOLD_KEYS):
    """The plugin, and what it was told of each child's key right after it."""
    plugin = RawPlugin(gateway)
    plugin.hello(transport, _4=capabilities)
    assert plugin.receive()[0] == WELCOME
    told = {}
    for child in children:
        frame = plugin.receive()
        assert (frame[0], frame[1]) == (ENROLL, child)
        if capabilities & CAN_HOLD_KEYS:
            told[child] = plugin.receive()
    return plugin, told


def test_a_plugin_gets_the_keys_of_its_own_children(keeper):
    secrets = {child: set_psk(keeper, child) for child in ("boiler", "meter")}
    serial, told = connected(keeper, ["boiler", "pump"])
    with serial:
        assert told == {"boiler": psk("boiler", secrets["boiler"]), "pump": none("pump")}
        udp, told = connected(keeper, ["meter"], "udp")
        with udp:
            assert told == {"meter": psk("meter", secrets["meter"])}
            again = set_psk(keeper, "meter")
            assert udp.receive() == psk("meter", again)
            last = set_psk(keeper, "boiler")
            assert serial.receive() == psk("boiler", last), "and not the meter's before it"


def test_a_plugin_that_holds_no_keys_gets_none(keeper):
    set_psk(keeper, "boiler")
    plugin, _ = connected(keeper, ["boiler", "pump"], capabilities=0xFF & ~CAN_HOLD_KEYS)
    with plugin:
        set_psk(keeper, "boiler")
        keeper.ctl("children", "enroll", "valve", "--transport", "serial", "--address", "/dev/valve", "--profile", "test",
                   "--vendor", VENDOR, "--class", DEVICE_CLASS)
        assert plugin.receive()[0] == ENROLL, "nothing was said before it"


def test_each_change_reaches_the_plugin_at_once(keeper):
    plugin, told = connected(keeper, ["boiler", "pump"])
    with plugin:
        assert told["boiler"] == none("boiler")
        first = set_psk(keeper, "boiler")
        assert plugin.receive() == psk("boiler", first)
        second = set_psk(keeper, "boiler", "--name", "urn:dev:mac:0024be")
        assert plugin.receive() == psk("boiler", second, "urn:dev:mac:0024be")
        certificate = keeper.authority.certificate_file
        keeper.ctl("children", "set-key", "boiler", "link", certificate)
        assert plugin.receive() == {0: LINK_KEY, 1: "boiler", 2: CERTIFICATE, 5: fingerprint(certificate)}
        keeper.ctl("children", "revoke-key", "boiler", "link")
        assert plugin.receive() == none("boiler")


def test_a_passkey_reaches_the_plugin_as_its_digits(keeper):
    file = keeper.directory / "passkey"
    file.write_text("042137\n")
    for child in ("boiler", "pump"):  # the same for both: it names nobody
        keeper.ctl("children", "set-key", child, "link", file)
    plugin, told = connected(keeper, ["boiler", "pump"])
    with plugin:
        assert told == {child: {0: LINK_KEY, 1: child, 2: PASSKEY, 4: b"042137"} for child in ("boiler", "pump")}
        shown = keeper.child_says("boiler")["keys"]
        assert [key["kind"] for key in shown] == ["passkey"]
        assert shown[0]["id"] != keeper.child_says("pump")["keys"][0]["id"], "nobody sees that they are the same"
        file.write_text("12345\n")
        refused = keeper.ctl_result("children", "set-key", "boiler", "link", file)
        assert refused.returncode != 0
        assert "16 to 64 secret bytes" in refused.stderr and "six decimal digits of a passkey" in refused.stderr
        keeper.ctl("children", "revoke-key", "boiler", "link")
        assert plugin.receive() == none("boiler")


def fingerprint(file):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text())).digest()


def test_a_child_that_is_forgotten_takes_its_key_with_it(keeper):
    plugin, _ = connected(keeper, ["boiler", "pump"])
    with plugin:
        keeper.ctl("children", "enroll", "valve", "--transport", "serial", "--address", "/dev/valve", "--profile", "test",
                   "--vendor", VENDOR, "--class", DEVICE_CLASS)
        assert (plugin.receive()[0], plugin.receive()) == (ENROLL, none("valve"))
        secret = set_psk(keeper, "valve")
        assert plugin.receive() == psk("valve", secret)
        keeper.ctl("children", "forget", "valve")
        assert plugin.receive() == none("valve")
        assert plugin.receive() == {0: FORGET, 1: "valve"}


def listed(vault, version, secret):
    key = trust_author.child_key(use="link", secret=secret, gateway=KEYS / "gateway-enc-p256.pem")
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, VENDOR)
    child = trust_author.child(id="valve", transport="serial", address="/dev/valve", profile="test", vendor=vendor.bytes,
                               device_class=uuid.uuid5(vendor, DEVICE_CLASS).bytes, keys=[key])
    return trust_author.enrollment(name="site", version=version, gateway=KEYS / "gateway-enc-p256.pem", children=[child],
                                   sign=[vault.pem("dirk")])


def test_the_keys_of_a_signed_list_reach_the_plugin_under_the_childs_name(gateway):
    prepare(gateway)
    vault = Vault(gateway)
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author"), vault.key("dirk", "director")],
                       sign=["chief"])
    plugin, _ = connected(start(gateway), ["boiler", "pump"])
    secrets = {"first": os.urandom(32), "second": os.urandom(32)}
    with plugin:
        code, said = vault.importing(listed(vault, 1, secrets["first"]))
        assert code == 0, said
        assert plugin.receive()[0] == ENROLL
        assert plugin.receive() == psk("valve", secrets["first"])
        code, said = vault.importing(listed(vault, 2, secrets["second"]))
        assert code == 0, said
        assert plugin.receive() == psk("valve", secrets["second"])
        assert not memory_search.find(gateway.daemon.pid, secrets)


def test_after_a_restart_the_keys_are_there_again(keeper):
    secret = set_psk(keeper, "boiler")
    plugin, told = connected(keeper, ["boiler", "pump"])
    with plugin:
        assert told["boiler"] == psk("boiler", secret)
        assert keeper.daemon.stop() == 0
        assert plugin.receive() is None
    keeper.start_daemon()
    plugin, told = connected(keeper, ["boiler", "pump"])
    with plugin:
        assert told == {"boiler": psk("boiler", secret), "pump": none("pump")}


def test_a_key_that_does_not_open_any_more_is_none_and_named(keeper):
    set_psk(keeper, "boiler")
    assert keeper.daemon.stop() == 0
    (keeper.directory / "credentials/gateway-key").write_bytes((KEYS / "gateway-enc-x25519.pem").read_bytes())
    keeper.start_daemon()
    plugin, told = connected(keeper, ["boiler", "pump"])
    with plugin:
        assert told["boiler"] == none("boiler")
        secret = set_psk(keeper, "boiler")
        assert plugin.receive() == psk("boiler", secret)


def test_no_psk_stays_in_the_daemon_outside_of_locked_pages(keeper):
    secrets = {}
    plugin, _ = connected(keeper, ["boiler", "pump"])
    with plugin:
        for child in ("boiler", "pump"):
            secrets[child] = set_psk(keeper, child)
            assert plugin.receive() == psk(child, secrets[child])
    plugin, _ = connected(keeper, ["boiler", "pump"])
    with plugin:
        secrets["boiler again"] = set_psk(keeper, "boiler")
        assert plugin.receive() == psk("boiler", secrets["boiler again"])
        assert memory_search.find(keeper.daemon.pid, {"marker": b"/dev/boiler"}), "the search finds nothing at all"
        assert not memory_search.find(keeper.daemon.pid, secrets)
    shown = "\n".join(keeper.journal())
    assert keeper.daemon.stop() == 0
    for name, secret in secrets.items():
        assert secret.hex() not in shown, name
        for file in (keeper.directory / "state").rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert secret not in content and secret.hex().encode() not in content, (name, file)
