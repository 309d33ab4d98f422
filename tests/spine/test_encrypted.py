# SPDX-License-Identifier: Apache-2.0
"""Encrypted in motion, with real programs: an image that the vendor encrypted for the gateway reaches each child under a
wrap of its own, nothing that leaves for a child holds a run of the plain payload, and what protects nothing is not sent.
Who judges what the children got is tests/author/mcuboot_verifier.py, which shares no code with headgate."""

import hashlib
import time

import cbor2
import mcuboot_author
import mcuboot_verifier
import memory_search
import packet_log
import pytest
import trust_author
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from gateway import APP_1_0_0, PROFILE, VECTORS
from vault import Vault

KEYS = VECTORS / "keys"
GATEWAY_KEY = KEYS / "gateway-enc-p256.pem"
CHILD_KEYS = {"boiler": KEYS / "child1-enc-p256.pem", "other": KEYS / "child2-enc-p256.pem"}
VENDOR = KEYS / "vendor-sign-p256.pub.pem"
ENCRYPTED = VECTORS / "app-2.0.0-enc-p256-for-gateway.bin"
FOR_CHILD_1 = VECTORS / "app-2.0.0-enc-p256-for-child1.bin"
CLEAR = VECTORS / "app-1.0.0-clear.bin"
PLAIN = VECTORS / "app-2.0.0.bin"
STORE_KEY_INFO = b"headgate store key 1"
SLOW = ["--work-us", "200000"]  # so that something can happen in the middle of a transfer


def private(file):
    return serialization.load_pem_private_key(file.read_bytes(), None)


def payload_of(image):
    return mcuboot_verifier.parse(image).payload


def content_key_of(image, key):
    parsed = mcuboot_verifier.parse(image)
    wrap = parsed.value({mcuboot_verifier.ENC_EC256}, "wrapped content keys")
    return mcuboot_verifier.unwrap(wrap.kind, wrap.value, parsed.key_bytes, private(key))


def store_key_of(file, key):
    """The store key, by the gateway's private key (docs/keys.md)."""
    (_, _, nothing, recipients) = cbor2.loads(file.read_bytes()).value
    assert nothing is None
    ((protected, unprotected, wrapped),) = recipients
    ephemeral = unprotected[-1]
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(ephemeral[-2], "big"), int.from_bytes(ephemeral[-3], "big"),
                                            ec.SECP256R1())
    secret = private(key).exchange(ec.ECDH(), numbers.public_key())
    context = cbor2.dumps([-5, [None] * 3, [None] * 3, [256, protected, STORE_KEY_INFO]])
    return keywrap.aes_key_unwrap(HKDF(hashes.SHA256(), 32, None, context).derive(secret), wrapped)


@pytest.fixture
def vault(gateway):
    """A gateway with a key, and children whose links protect nothing."""
    gateway.profile = PROFILE + "\n[protection]\nleast = \"re-wrapped\"\n"
    gateway.give_key(GATEWAY_KEY)
    return gateway


def add(gateway, name, link="none", **more):
    child = gateway.add_child(name, link=link, options=["--enc-key", CHILD_KEYS[name], "--log-packets", *more.pop("options", [])], **more)
    return child


def set_key(gateway, name, key=None):
    """As an operator does: the public half, in a file."""
    public = gateway.directory / f"{name}-public.pem"
    public.write_bytes(private(key or CHILD_KEYS[name]).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return gateway.ctl("children", "set-key", name, "wrap", public)


def roll_out(gateway, image, version="2.0.0", **more):
    gateway.announce(gateway.publish(image, version=version, **more))
    deliverable = gateway.wait_until_sealed(version)
    gateway.start_rollout(deliverable)
    return deliverable


def sent_to(child):
    return packet_log.packets(child.state)


def view_of(child):
    return packet_log.uploaded(sent_to(child))


def opens(view, key):
    return mcuboot_verifier.open_image(view, private(key), serialization.load_pem_public_key(VENDOR.read_bytes()))


def test_each_child_gets_the_same_ciphertext_under_a_wrap_of_its_own(vault):
    for name in CHILD_KEYS:
        add(vault, name)
    vault.start()
    for name in CHILD_KEYS:
        set_key(vault, name)
    roll_out(vault, ENCRYPTED)
    for name in CHILD_KEYS:
        assert vault.wait_for_phase("confirmed", name)["version"] == "2.0.0"
    shared = ENCRYPTED.read_bytes()
    views = {name: view_of(vault.children[name]) for name in CHILD_KEYS}
    for name, view in views.items():
        changed = [at for at in range(len(shared)) if view[at] != shared[at]]
        offset, size = mcuboot_verifier.wrap_of(shared)
        assert len(view) == len(shared) and offset <= changed[0] and changed[-1] < offset + size, "only the wrap"
        assert opens(view, CHILD_KEYS[name]) == payload_of(PLAIN.read_bytes())
        for stranger in (*(key for other, key in CHILD_KEYS.items() if other != name), GATEWAY_KEY):
            with pytest.raises(mcuboot_verifier.Refused):
                opens(view, stranger)
        assert vault.ctl("children", "show", name)["protection"] == "re-wrapped"
    assert views["boiler"] != views["other"]


def test_no_run_of_the_plain_payload_leaves_for_a_child(vault):
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, ENCRYPTED)
    vault.wait_for_phase("confirmed")
    sent = sent_to(vault.child)
    assert sum(map(len, sent)) > len(PLAIN.read_bytes())
    assert packet_log.runs_of(payload_of(PLAIN.read_bytes()), sent) == 0


def test_on_an_internal_link_the_plain_payload_is_found(vault):
    """The positive control of the search above."""
    vault.profile = PROFILE
    add(vault, "boiler", link="internal")
    vault.start()
    roll_out(vault, PLAIN)
    vault.wait_for_phase("confirmed")
    assert packet_log.runs_of(payload_of(PLAIN.read_bytes()), sent_to(vault.child)) > 1000
    assert vault.ctl("children", "show", "boiler")["protection"] == "internal-link"


def refused(gateway, reason, name="boiler"):
    seen = gateway.wait_for_phase("refused", name)
    assert seen["reason"] == reason, seen
    assert not view_of(gateway.children[name]), "nothing was sent"
    gateway.wait_for_journal(f"child {name}", reason)
    return seen


def test_a_plain_image_is_refused_where_nothing_protects_it(vault):
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, PLAIN)
    refused(vault, "no-protection")


def test_an_internal_link_is_less_than_a_policy_that_asks_for_a_wrap(vault):
    add(vault, "boiler", link="internal")
    vault.start()
    roll_out(vault, PLAIN)
    refused(vault, "no-protection")


def test_a_child_without_a_key_is_refused_by_that_name(vault):
    add(vault, "boiler")
    vault.start()
    roll_out(vault, ENCRYPTED)
    refused(vault, "no-child-key")
    set_key(vault, "boiler")
    vault.start_rollout(vault.sealed("2.0.0"))
    vault.wait_for_phase("confirmed")


def test_a_wrap_for_an_unknown_key_is_refused_by_that_name(vault):
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, FOR_CHILD_1)
    refused(vault, "content-key-unknown")


def test_what_the_vendor_sealed_for_the_child_is_passed_on_as_claimed(vault):
    vault.profile = PROFILE + "\n[protection]\nsealed_by_vendor = true\n"
    add(vault, "boiler")
    vault.start()
    roll_out(vault, FOR_CHILD_1)
    vault.wait_for_phase("confirmed")
    assert view_of(vault.child) == FOR_CHILD_1.read_bytes()
    shown = vault.ctl("children", "show", "boiler")
    assert (shown["protection"], shown["protection_claimed"]) == ("sealed", True)


def granted(gateway, vault, **more):
    grant = trust_author.grant(**{"image": hashlib.sha256(FOR_CHILD_1.read_bytes()).digest(), "gateway": GATEWAY_KEY,
                                  "content_key": content_key_of(FOR_CHILD_1.read_bytes(), CHILD_KEYS["boiler"]),
                                  "sign": [vault.pem("dirk")], **more})
    return gateway.ctl_result("trust", "import", vault.write(grant))


def test_a_grant_brings_the_key_of_an_image_that_is_the_same_for_all_gateways(vault):
    keys = Vault(vault)
    keys.install_root(keys=[keys.key("chief", "root"), keys.key("vendor", "author"), keys.key("dirk", "director")],
                      sign=["chief"])
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, FOR_CHILD_1)
    refused(vault, "content-key-unknown")
    wrong = granted(vault, keys, content_key=bytes(range(16)))
    assert wrong.returncode == 1 and "not that of image" in wrong.stderr, wrong.stderr
    ends = int(time.time()) + 8
    short = granted(vault, keys, not_after=ends)
    assert short.returncode == 0, short.stderr
    vault.wait_for(lambda: time.time() > ends + 1, 30, "the grant to expire")
    vault.start_rollout(vault.sealed("2.0.0"))
    refused(vault, "grant-expired")
    assert granted(vault, keys).returncode == 0
    vault.start_rollout(vault.sealed("2.0.0"))
    vault.wait_for_phase("confirmed")
    assert opens(view_of(vault.child), CHILD_KEYS["boiler"]) == payload_of(PLAIN.read_bytes())


def test_a_damaged_wrap_is_named_when_it_comes_in(vault):
    damaged = bytearray(ENCRYPTED.read_bytes())
    damaged[mcuboot_verifier.wrap_of(bytes(damaged))[0] + 70] ^= 1  # in the MAC
    file = vault.directory / "damaged.bin"
    file.write_bytes(damaged)
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, file)
    vault.wait_for_journal("content key does not open here")
    refused(vault, "content-key-unknown")


def test_one_content_key_encrypts_one_plaintext(vault):
    add(vault, "boiler")
    vault.start()
    vault.announce(vault.publish(ENCRYPTED, version="2.0.0"))
    vault.wait_until_sealed("2.0.0")
    twin = vault.directory / "twin.bin"
    content_key = content_key_of(ENCRYPTED.read_bytes(), GATEWAY_KEY)
    twin.write_bytes(mcuboot_author.make_image(payload_of(APP_1_0_0.read_bytes()), ec.generate_private_key(ec.SECP256R1()),
                                               mcuboot_author.ENC_EC256, private(GATEWAY_KEY).public_key(), content_key))
    second = vault.publish(twin, version="2.0.1")
    vault.announce(second)
    assert "content key" in vault.wait_for_arrival(second, "refused")["text"]


def test_a_clear_image_is_kept_and_sent_as_ciphertext_only(vault):
    add(vault, "boiler", image=APP_1_0_0)
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, CLEAR, version="1.0.0")
    vault.wait_for_phase("confirmed")
    clear = payload_of(CLEAR.read_bytes())
    kept = [file.read_bytes() for file in (vault.directory / "cache").rglob("*") if file.is_file()]
    assert kept and packet_log.runs_of(clear, kept) == 0
    assert view_of(vault.child) and packet_log.runs_of(clear, sent_to(vault.child)) == 0
    cache = vault.ctl("cache")
    assert cache["plain_images"] == 0 and cache["encrypted_images"] == 1


def test_another_child_costs_no_signature_and_no_hash_of_an_image(vault):
    for name in CHILD_KEYS:
        add(vault, name)
    vault.start()
    for name in CHILD_KEYS:
        set_key(vault, name)
    vault.announce(vault.publish(ENCRYPTED, version="2.0.0"))
    deliverable = vault.wait_until_sealed("2.0.0")
    vault.start_rollout(deliverable, "boiler")
    vault.wait_for_phase("confirmed", "boiler")
    before = vault.ctl("metrics")
    vault.start_rollout(deliverable, "other")
    vault.wait_for_phase("confirmed", "other")
    after = vault.ctl("metrics")
    assert after.pop("keys_wrapped") == before.pop("keys_wrapped") + 1
    assert after == before and before["signatures_verified"] > 0 and before["images_hashed"] > 0


def test_the_keys_stay_in_locked_pages(vault):
    """After a transfer the daemon's memory holds neither content key nor store key in the clear outside locked pages."""
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, ENCRYPTED)
    vault.wait_for_phase("confirmed")
    marker = vault.sealed("2.0.0")["id"].encode()
    secrets = {"content key": content_key_of(ENCRYPTED.read_bytes(), GATEWAY_KEY),
               "store key": store_key_of(vault.directory / "state/store-key", GATEWAY_KEY)}
    assert memory_search.find(vault.daemon.pid, {"marker": marker}), "the search finds nothing at all"
    assert not memory_search.find(vault.daemon.pid, secrets)
    assert memory_search.find(vault.daemon.pid, secrets, locked=True), "the store key is there, in a locked page"


def test_a_key_rotated_in_mid_transfer_ends_the_transfer(vault):
    add(vault, "boiler", options=SLOW)
    vault.start()
    set_key(vault, "boiler", CHILD_KEYS["other"])  # the wrong one, as it turns out
    roll_out(vault, ENCRYPTED)
    vault.wait_for_phase("transferring")
    vault.wait_for(lambda: vault.child.counters().get("uploads_started"), 60, "the upload to begin")
    set_key(vault, "boiler")
    vault.wait_for_phase("confirmed")
    vault.wait_for_journal("child boiler", "key-changed")
    assert vault.child.counters()["uploads_started"] == 2
    assert opens(view_of(vault.child), CHILD_KEYS["boiler"]) == payload_of(PLAIN.read_bytes())


def test_a_view_is_the_same_after_a_restart(vault):
    add(vault, "boiler", options=SLOW)
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, ENCRYPTED)
    vault.wait_for(lambda: vault.child.counters().get("uploads_started"), 60, "the upload to begin")
    vault.daemon.kill()
    vault.start_daemon()
    vault.wait_for_phase("confirmed")
    assert vault.child.counters()["uploads_started"] == 1, "resumed: the file was the same byte for byte"


def test_a_gateway_with_another_key_has_lost_the_content_keys_and_says_so(vault):
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    vault.announce(vault.publish(ENCRYPTED, version="2.0.0"))
    vault.wait_until_sealed("2.0.0")
    assert vault.daemon.stop() == 0
    (vault.directory / "credentials/gateway-key").write_bytes((KEYS / "gateway-enc-x25519.pem").read_bytes())
    vault.start_daemon()
    vault.wait_for_journal("store key")
    vault.wait_for_child("boiler", lambda seen: seen["online"] and seen["version"], "to be seen")
    vault.start_rollout(vault.sealed("2.0.0"))
    refused(vault, "content-key-unknown")


def test_nothing_that_is_secret_is_written_anywhere(vault):
    """No content key in the journal, the catalogue or the configuration that plugins get."""
    add(vault, "boiler")
    vault.start()
    set_key(vault, "boiler")
    roll_out(vault, ENCRYPTED)
    vault.wait_for_phase("confirmed")
    content_key = content_key_of(ENCRYPTED.read_bytes(), GATEWAY_KEY)
    assert content_key.hex() not in "\n".join(vault.journal())
    assert vault.daemon.stop() == 0
    for file in (vault.directory / "state").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert content_key not in content and content_key.hex().encode() not in content, file
