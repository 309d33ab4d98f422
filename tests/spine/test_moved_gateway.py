# SPDX-License-Identifier: Apache-2.0
"""What docs/keys.md says of backups and moves, with real programs: the state goes on to a gateway with a key of its own,
the director grants the content key to that one, and floors and children's public halves are still there."""

import hashlib
import shutil

import mcuboot_verifier
import packet_log
import pytest
import trust_author
from cryptography.hazmat.primitives import serialization
from gateway import PROFILE, VECTORS
from vault import Vault, entry_of

KEYS = VECTORS / "keys"
OLD_KEY, CHILD_KEY = KEYS / "gateway-enc-p256.pem", KEYS / "child1-enc-p256.pem"
VENDOR = KEYS / "vendor-sign-p256.pub.pem"
ENCRYPTED = VECTORS / "app-2.0.0-enc-p256-for-gateway.bin"
PLAIN = VECTORS / "app-2.0.0.bin"
A128CTR = -65534


def private(file):
    return serialization.load_pem_private_key(file.read_bytes(), None)


@pytest.fixture
def vault(gateway):
    gateway.profile = PROFILE + "\n[protection]\nleast = \"re-wrapped\"\n"
    gateway.give_key(OLD_KEY)
    gateway.add_child("boiler", link="none", options=["--enc-key", CHILD_KEY, "--log-packets"])
    vault = Vault(gateway)
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author"), vault.key("hilda", "head"),
                             vault.key("dirk", "director")], sign=["chief"])
    return vault


def set_key(gateway):
    public = gateway.directory / "boiler-public.pem"
    public.write_bytes(private(CHILD_KEY).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    gateway.ctl("children", "set-key", "boiler", "wrap", public)


def content_key_of(image):
    parsed = mcuboot_verifier.parse(image)
    wrap = parsed.value({mcuboot_verifier.ENC_EC256}, "wrapped content keys")
    return mcuboot_verifier.unwrap(wrap.kind, wrap.value, parsed.key_bytes, private(OLD_KEY))


def restart(gateway):
    gateway.start_daemon()
    gateway.wait_for_journal("what was sealed under an earlier store key is lost")
    gateway.wait_for_child("boiler", lambda seen: seen["online"] and seen["version"], "to be seen")


def move(gateway, new_key, with_cache):
    """The state directory goes on to a gateway with another key."""
    assert gateway.daemon.stop() == 0
    shutil.copytree(gateway.directory / "state", gateway.directory / "moved")
    shutil.rmtree(gateway.directory / "state")
    (gateway.directory / "moved").rename(gateway.directory / "state")
    if not with_cache:
        shutil.rmtree(gateway.directory / "cache")
        (gateway.directory / "cache").mkdir()
    (gateway.directory / "credentials/gateway-key").write_bytes(new_key.read_bytes())
    restart(gateway)
    gateway.wait_for_journal("store key", "is kept as", "store-key.lost-")


def sealed_under_a_head(vault, gateway):
    """The deliverable, and the head that names it."""
    gateway.start()
    set_key(gateway)
    deliverable = gateway.publish(ENCRYPTED, version="2.0.0", signer="anna")
    head = entry_of(deliverable, minimum=deliverable.sequence)
    assert vault.importing(vault.head(sign=["hilda"], entries=[head], version=2))[0] == 0
    gateway.announce(deliverable)
    gateway.wait_until_sealed("2.0.0")
    return deliverable, head


def is_refused_for_want_of_the_key(gateway):
    gateway.start_rollout(gateway.sealed("2.0.0"))
    return gateway.wait_for_phase("refused")["reason"] == "content-key-unknown"


def child_boots_it(gateway):
    gateway.start_rollout(gateway.sealed("2.0.0"))
    gateway.wait_for_phase("confirmed")
    view = packet_log.uploaded(packet_log.packets(gateway.child.state))
    vendor = serialization.load_pem_public_key(VENDOR.read_bytes())
    opened = mcuboot_verifier.open_image(view, private(CHILD_KEY), vendor)  # its public half was never set again
    return opened == mcuboot_verifier.parse(PLAIN.read_bytes()).payload


@pytest.mark.parametrize("with_cache", [True, False], ids=["with-the-cache", "without-the-cache"])
def test_the_content_keys_are_granted_again_to_the_new_gateway(vault, gateway, with_cache):
    deliverable, head = sealed_under_a_head(vault, gateway)
    floors = gateway.ctl("trust")["floors"]
    assert floors == [{"product": "boiler", "sequence": deliverable.sequence}]
    new_key = vault.pem("new-gateway")
    move(gateway, new_key, with_cache)
    assert gateway.ctl("trust")["floors"] == floors
    status, text = vault.importing(vault.head(sign=["hilda"], entries=[head], version=1))
    assert status != 0, "a channel head's version never goes back: " + text
    if with_cache:
        assert is_refused_for_want_of_the_key(gateway)
    for gateway_key, is_taken in ((OLD_KEY, False), (new_key, True)):
        grant = trust_author.grant(image=hashlib.sha256(ENCRYPTED.read_bytes()).digest(), gateway=gateway_key,
                                   content_key=content_key_of(ENCRYPTED.read_bytes()), algorithm=A128CTR,
                                   iv=bytes(16), sign=[vault.pem("dirk")])
        status, text = vault.importing(grant)
        assert (status == 0) == is_taken, text
    if not with_cache:
        assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    assert child_boots_it(gateway)


def test_what_opens_by_its_own_wrap_is_imported_again_after_the_store_key_is_lost(vault, gateway):
    deliverable, _ = sealed_under_a_head(vault, gateway)
    assert gateway.daemon.stop() == 0
    (gateway.directory / "state/store-key").unlink()
    restart(gateway)
    assert is_refused_for_want_of_the_key(gateway)
    assert gateway.ctl_result("fetch", deliverable.url, "--wait").returncode == 0
    assert child_boots_it(gateway)
