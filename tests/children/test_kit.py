# SPDX-License-Identifier: Apache-2.0
"""The child kit in smp_child against an independent gateway (tests/author/child_kit.py), over a serial line: mutual
identification and everything that can be wrong with it, status, offers, notices, and all images confirmed at once."""
import re

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import child_kit as kit
from child_process import SOURCE, VECTORS, image_hash, make_image
from smp_client import READ, WRITE, SmpError

SECRET = bytes(range(32))
KEY = kit.HmacKey(b"k1", SECRET)
V100 = (VECTORS / "app-1.0.0.bin").read_bytes()
V110 = (VECTORS / "app-1.1.0.bin").read_bytes()
ACCESS_DENIED, NOT_SUPPORTED = 11, 8


@pytest.fixture
def start_kit(start, tmp_path):
    (tmp_path / "key").write_text(SECRET.hex() + "\n")

    def start_with(*options):
        return start("--kit", "--kit-id", "boiler-7", "--kit-key", tmp_path / "key", *options)

    return start_with


def ask(client, command, body=None):
    return client.request(kit.GROUP, command, body or {}, READ if command == kit.STATUS else WRITE)


def error_of(client, command, body=None):
    with pytest.raises(SmpError) as caught:
        ask(client, command, body)
    return caught.value.group, caught.value.rc


def identify(client, gateway):
    return gateway.judge(ask(client, kit.IDENTIFY, gateway.challenge()))


def prove(client, key=KEY):
    gateway = kit.Gateway(key)
    identify(client, gateway)
    assert ask(client, kit.PROVE, gateway.proof()) == {}


# --- the page ---

def examples():
    page = (SOURCE / "docs/child-protocol.md").read_text()
    return {name: bytes.fromhex(digits.replace("\n", ""))
            for name, digits in re.findall(r"```hex ([^\n]+)\n([^`]*)```", page)}


def test_the_macs_of_the_page_hold():
    shown = examples()
    gateway = kit.Gateway(KEY, nonce=bytes(range(0x10, 0x20)))
    assert cbor2.loads(shown["identify request"]) == {"nonce": gateway.nonce}
    answer = cbor2.loads(shown["identify answer"])
    assert kit.child_message(gateway.nonce, answer["says"]) == shown["identify signed"]
    claims = gateway.judge(answer)
    assert (claims["id"], claims["boots"], claims["nonce"]) == ("boiler-7", 12, bytes(range(0x20, 0x30)))
    assert kit.gateway_message(b"k1", gateway.nonce, claims["nonce"], claims["id"]) == shown["prove signed"]
    assert cbor2.loads(shown["prove request"])["mac"] == gateway.proof()["mac"]


# --- identification ---

@pytest.mark.parametrize("options", [(), ("--definite",), ("--smp", "v1"), ("--smp", "v1-echo")])
def test_child_and_gateway_know_each_other(start_kit, options):
    child = start_kit(*options)
    with child.client() as client:
        gateway = kit.Gateway(KEY)
        claims = identify(client, gateway)
        assert claims["id"] == "boiler-7" and claims["alg"] == kit.HMAC_SHA256 and claims["boots"] == 1
        assert claims["images"] == [{"image": 0, "version": "1.0.0", "hash": image_hash(V100)}]
        ask(client, kit.PROVE, gateway.proof())
        ask(client, kit.PROVE, gateway.proof())  # its answer was lost
    assert child.counter("identifies") == 1 and child.counter("proofs") == 2


@pytest.mark.parametrize("algorithm", [kit.ES256, kit.EDDSA])
def test_signatures_of_both_sides_hold(start, tmp_path, algorithm):
    def make(name):
        key = ec.generate_private_key(ec.SECP256R1()) if algorithm == kit.ES256 else (
            ed25519.Ed25519PrivateKey.generate())
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        public = key.public_key().public_bytes(serialization.Encoding.PEM,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(private)
        (tmp_path / f"{name}.pub").write_bytes(public)
        return private, public

    _, child_public = make("child")
    gateway_private, _ = make("gateway")
    stranger_private, _ = make("stranger")
    child = start("--kit", "--kit-key", tmp_path / "child", "--kit-gateway-key", tmp_path / "gateway.pub")
    with child.client() as client:
        for private, holds in [(gateway_private, True), (stranger_private, False)]:
            gateway = kit.Gateway(kit.SigningKey(b"k1", child_public), kit.SigningKey(b"gateway", private))
            assert identify(client, gateway)["alg"] == algorithm
            if holds:
                assert ask(client, kit.PROVE, gateway.proof()) == {}
            else:
                assert error_of(client, kit.PROVE, gateway.proof()) == (kit.GROUP, kit.WRONG_PROOF)
        other = kit.Gateway(kit.SigningKey(b"k1", stranger_private))
        with pytest.raises(kit.NotProven, match="wrong MAC"):
            identify(client, other)


def test_a_child_without_a_key_only_claims(start):
    with start("--kit").client() as client:
        answer = ask(client, kit.IDENTIFY, kit.Gateway(KEY).challenge())
        assert "mac" not in answer and cbor2.loads(answer["says"])["id"] == "smp-child"
        with pytest.raises(kit.NotProven, match="claimed"):
            kit.Gateway(KEY).judge(answer)
        assert error_of(client, kit.PROVE, {"kid": b"k1", "mac": bytes(32)}) == (kit.GROUP, kit.NO_KEY)


def test_a_child_with_another_key_is_not_believed(start_kit):
    with start_kit().client() as client:
        with pytest.raises(kit.NotProven, match="wrong MAC"):
            identify(client, kit.Gateway(kit.HmacKey(b"k1", bytes(32))))
        with pytest.raises(kit.NotProven, match="another key"):
            identify(client, kit.Gateway(kit.HmacKey(b"k2", SECRET)))


def test_an_answer_of_before_or_changed_on_the_way_is_not_believed(start_kit):
    with start_kit().client() as client:
        first = kit.Gateway(KEY)
        answer = ask(client, kit.IDENTIFY, first.challenge())
        with pytest.raises(kit.NotProven, match="wrong MAC"):
            kit.Gateway(KEY).judge(answer)
        for place in range(0, len(answer["says"]), 7):
            changed = bytearray(answer["says"])
            changed[place] ^= 1
            with pytest.raises((kit.NotProven, cbor2.CBORDecodeError, ValueError)):
                kit.Gateway(KEY, nonce=first.nonce).judge(answer | {"says": bytes(changed)})
        first.judge(answer)


def test_wrong_proofs_are_refused_by_name(start_kit):
    with start_kit().client() as client:
        assert error_of(client, kit.PROVE, {"kid": b"k1", "mac": bytes(32)}) == (kit.GROUP, kit.NO_CHALLENGE)

        def refused(change):
            gateway = kit.Gateway(KEY)
            answer = ask(client, kit.IDENTIFY, gateway.challenge())
            gateway.judge(answer)
            return error_of(client, kit.PROVE, change(gateway, answer))[1]

        assert refused(lambda g, a: g.proof() | {"mac": bytes(32)}) == kit.WRONG_PROOF
        assert refused(lambda g, a: g.proof() | {"mac": a["mac"]}) == kit.WRONG_PROOF  # reflected
        assert refused(lambda g, a: g.proof() | {"kid": b"k2"}) == kit.OTHER_KEY
        assert refused(lambda g, a: g.proof() | {"mac": g.proof()["mac"][:16]}) == kit.WRONG_PROOF
        # After a wrong one, the right one comes too late.
        gateway = kit.Gateway(KEY)
        identify(client, gateway)
        assert error_of(client, kit.PROVE, gateway.proof() | {"mac": bytes(32)})[1] == kit.WRONG_PROOF
        assert error_of(client, kit.PROVE, gateway.proof())[1] == kit.NO_CHALLENGE


def test_a_replayed_exchange_opens_nothing(start_kit):
    with start_kit("--require-proof").client() as client:
        gateway = kit.Gateway(KEY)
        identify(client, gateway)
        recorded = gateway.proof()
        ask(client, kit.PROVE, recorded)
        ask(client, kit.IDENTIFY, gateway.challenge())
        assert error_of(client, kit.PROVE, recorded) == (kit.GROUP, kit.WRONG_PROOF)
        assert ask(client, kit.STATUS)["prove"] is True


def test_of_two_identifies_the_last_counts(start_kit):
    with start_kit().client() as client:
        one, two = kit.Gateway(KEY), kit.Gateway(KEY)
        identify(client, one)
        identify(client, two)
        assert ask(client, kit.PROVE, two.proof()) == {}
        identify(client, one)
        identify(client, two)
        assert error_of(client, kit.PROVE, one.proof()) == (kit.GROUP, kit.WRONG_PROOF)


def test_nothing_is_uploaded_before_the_gateway_has_proven_itself(start_kit):
    child = start_kit("--require-proof")
    with child.client() as client:
        with pytest.raises(SmpError) as caught:
            client.upload(V110)
        assert (caught.value.group, caught.value.rc) == (None, ACCESS_DENIED)
        for command, body in [(kit.OFFER, {"version": "1", "size": 1}), (kit.NOTICE, {"what": 0}),
                              (kit.CONFIRM_ALL, {"hashes": []})]:
            assert error_of(client, command, body) == (kit.GROUP, kit.UNPROVEN)
        prove(client)
        assert client.upload(V110)["off"] == len(V110)
        client.reset()
        child.wait_up(1)
        assert ask(client, kit.STATUS)["prove"] is True


# --- status, offer, notice ---

def test_status(start_kit):
    child = start_kit("--battery", 42, "--power", "battery")
    with child.client() as client:
        assert ask(client, kit.STATUS) == {"v": 1, "id": "boiler-7", "can": 15, "prove": False, "boots": 1, "reset": 1,
                                           "battery": 42, "power": 2, "busy": False}
        client.reset()
        child.wait_up(1)
        status = ask(client, kit.STATUS)
        assert (status["boots"], status["reset"]) == (2, 3)


def test_status_names_the_unit(start_kit):
    with start_kit("--kit-unit", "HTR-0042").client() as client:
        assert ask(client, kit.STATUS)["unit"] == "HTR-0042"


def test_status_says_how_the_link_is_protected(start_kit):
    with start_kit("--kit-link-level", 4).client() as client:
        assert ask(client, kit.STATUS)["level"] == 4


def test_a_busy_child_says_how_long_and_puts_a_notice_off(start_kit):
    child = start_kit("--busy-ms", 60000)
    with child.client() as client:
        status = ask(client, kit.STATUS)
        assert status["busy"] is True and 0 < status["ms"] <= 60000
        assert 0 < ask(client, kit.NOTICE, {"what": 0, "in": 5000, "for": 20000})["ms"] <= 60000
    assert child.counter("notices") == 1 and "kit: reset in 5000 ms for 20000 ms" in child.log()


def test_a_child_that_is_not_busy_takes_a_notice(start_kit):
    with start_kit().client() as client:
        assert ask(client, kit.NOTICE, {"what": 1}) == {}


@pytest.mark.parametrize("answer, number", [("yes", 0), ("no", 1), ("later:60000", 2)])
def test_offers(start_kit, answer, number):
    child = start_kit("--answer-offer", answer)
    with child.client() as client:
        said = ask(client, kit.OFFER, {"image": 0, "version": "1.1.0", "size": len(V110), "urgency": 2})
        assert said["answer"] == number
        assert ("ms" in said) == (number == 2) and said.get("ms", 1) <= 60000
    assert child.counter("offers") == 1 and "kit: offered 1.1.0" in child.log()


def test_a_deferred_offer_is_taken_when_its_time_has_come(start_kit):
    child = start_kit("--answer-offer", "later:200")
    offer = {"version": "1.1.0", "size": 1}
    with child.client() as client:
        assert ask(client, kit.OFFER, offer)["answer"] == 2
        child.wait_until(lambda: ask(client, kit.OFFER, offer)["answer"] == 0)


# --- confirm all ---

def start_in_test(start_kit, tmp_path, *options):
    """Two images, both new and in test; answers child, client and the hashes that run."""
    old, new = make_image((2, 0, 0)), make_image((2, 1, 0))
    (tmp_path / "radio").write_bytes(old)
    child = start_kit("--image", f"1={tmp_path / 'radio'}", *options)
    client = child.client()
    for number, image in enumerate([V110, new]):
        client.upload(image, image=number)
        client.set_state(image_hash(image))
    client.reset()
    child.wait_up(1)
    return child, client, [{"image": 0, "hash": image_hash(V110)}, {"image": 1, "hash": image_hash(new)}]


def confirmed(client):
    return [entry["confirmed"] for entry in client.list() if entry.get("active")]


def test_all_images_are_confirmed_in_one_request(start_kit, tmp_path):
    child, client, running = start_in_test(start_kit, tmp_path)
    with client:
        assert confirmed(client) == [False, False]
        assert ask(client, kit.CONFIRM_ALL, {"hashes": running}) == {}
        assert confirmed(client) == [True, True]
        assert ask(client, kit.CONFIRM_ALL, {"hashes": running}) == {}
    assert child.counter("confirms") == 2 and child.counter("confirm_alls") == 2


def test_a_guard_that_does_not_hold_confirms_nothing(start_kit, tmp_path):
    _, client, running = start_in_test(start_kit, tmp_path)
    with client:
        for hashes, image in [(running[:1], 1), ([running[0], running[1] | {"hash": bytes(32)}], 1),
                              ([*running, {"image": 2, "hash": bytes(32)}], 2)]:
            packet = client.packet(kit.GROUP, kit.CONFIRM_ALL, {"hashes": hashes}, WRITE)
            answer = cbor2.loads(client.raw_request(packet)[8:])
            assert answer == {"err": {"group": kit.GROUP, "rc": kit.MISMATCH}, "image": image}
        assert confirmed(client) == [False, False]


def test_a_child_that_will_not_confirm_names_the_image(start_kit, tmp_path):
    _, client, running = start_in_test(start_kit, tmp_path, "--refuse-confirm")
    with client:
        packet = client.packet(kit.GROUP, kit.CONFIRM_ALL, {"hashes": running}, WRITE)
        answer = cbor2.loads(client.raw_request(packet)[8:])
        assert answer == {"err": {"group": kit.GROUP, "rc": kit.NOT_CONFIRMED}, "image": 0}
        assert confirmed(client) == [False, False]


def test_in_v1_a_refusal_is_an_rc(start_kit):
    with start_kit("--smp", "v1").client(version=0) as client:
        packet = client.packet(kit.GROUP, kit.CONFIRM_ALL, {"hashes": []}, WRITE)
        assert cbor2.loads(client.raw_request(packet)[8:]) == {"rc": 6, "image": 0}


# --- with less than all of it ---

def test_a_child_without_the_kit_says_rc_8(start):
    with start().client() as client:
        for command in range(6):
            assert error_of(client, command) == (None, NOT_SUPPORTED)


def test_a_kit_without_confirm_all_says_so(start_kit):
    with start_kit("--kit-no-confirm-all").client() as client:
        assert ask(client, kit.STATUS)["can"] == 7
        assert error_of(client, kit.CONFIRM_ALL, {"hashes": []}) == (None, NOT_SUPPORTED)


def test_an_answer_that_does_not_fit_the_buffer_is_too_large(start_kit):
    with start_kit("--buf-size", 160).client() as client:
        with pytest.raises(SmpError) as caught:
            ask(client, kit.IDENTIFY, kit.Gateway(KEY).challenge())
        assert (caught.value.group, caught.value.rc) == (None, 7)
        assert ask(client, kit.STATUS)["id"] == "boiler-7"
