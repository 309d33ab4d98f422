# SPDX-License-Identifier: Apache-2.0
"""Root files, heads and permits: what headgate-pack writes, what another program reads, and what a gateway says of it."""

import json
import uuid

import cbor2
import pytest
import suit_author
import suit_verifier
from cryptography.hazmat.primitives import serialization

ROOT = """version = 1
issued = 2024-11-21

[thresholds]
root = 2

[[key]]
name = "rita"
file = "rita.pub"
roles = ["root"]

[[key]]
name = "rolf"
file = "rolf.pub"
roles = ["root"]
offline = true

[[key]]
name = "desk"
file = "desk.pub"
roles = ["author"]
prefixes = ["acme/"]
not-after = 2099-01-01

[[key]]
name = "vault"
file = "vault.pub"
roles = ["author"]
offline = true

[[key]]
name = "channel"
file = "channel.pub"
roles = ["head"]

[[product]]
prefix = "acme/"
threshold = 2
offline = 1
"""
RELEASE = ('product = "{product}"\nsequence = {sequence}\nversion = "2.0.0"\nvendor = "vendor.example"\n'
           'class = "boiler-v1"\n\n[[target]]\ncomponent = "{product}/app"\nfile = "app.bin"\n')


@pytest.fixture
def workshop(workshop):
    workshop.keys = {name: workshop.key(name, "Ed25519" if name == "vault" else "ESP256")
                     for name in ("rita", "rolf", "desk", "vault", "channel", "stranger")}
    workshop.write("root.toml", ROOT)
    workshop.write("app.bin", b"image")
    return workshop


def signed_root(workshop, name="root.hgr", *more):
    workshop.pack("root", "root.toml", "--key", "rita.pem", "-o", name, *more)
    workshop.pack("sign", name, "--key", "rolf.pem")
    return name


def release(workshop, product="acme/boiler", sequence=7, keys=("desk", "vault"), name="out.suit"):
    workshop.write("recipe.toml", RELEASE.format(product=product, sequence=sequence))
    words = [word for key in keys for word in ("--key", f"{key}.pem")]
    workshop.pack("create", "recipe.toml", "-o", name, *words)
    return name


def test_a_root_by_two(workshop):
    workshop.pack("root", "root.toml", "--key", "rita.pem", "-o", "root.hgr")
    assert "1 of 2 root keys" in workshop.refusal("verify", "--root", "root.hgr", "root.hgr")
    assert "signed it already" in workshop.refusal("sign", "root.hgr", "--key", "rita.pem")
    workshop.pack("sign", "root.hgr", "--key", "rolf.pem")
    workshop.pack("verify", "--root", "root.hgr", "root.hgr")
    keys = [workshop.keys["rita"], workshop.keys["rolf"]]
    kind, payload, signers = suit_verifier.open_record(workshop.read("root.hgr"), keys)
    assert (kind, signers) == ("root", [0, 1])
    shown = json.loads(workshop.pack("inspect", "--json", "root.hgr"))
    assert (shown["kind"], shown["verified"], shown["version"]) == ("root", False, 1)
    assert shown["issued"] == "2024-11-21T00:00:00Z"
    assert shown["thresholds"] == {"root": 2, "author": 1, "director": 1, "head": 1, "gateway": 1}
    assert [key["name"] for key in shown["keys"]] == ["rita", "rolf", "desk", "vault", "channel"]
    assert shown["keys"][2]["prefixes"] == ["acme/"] and shown["keys"][2]["not_after"] == "2099-01-01T00:00:00Z"
    assert shown["products"] == [{"prefix": "acme/", "threshold": 2, "offline": 1}]
    assert payload[1] == 1


def test_a_successor(workshop):
    signed_root(workshop)
    words = ("root", "root.toml", "--key", "rita.pem", "--key", "rolf.pem", "-o", "next.hgr", "--successor-of",
             "root.hgr")
    assert "must be higher than 1 of root.hgr" in workshop.refusal(*words)
    workshop.write("root.toml", workshop.read("root.toml").replace(b"version = 1", b"version = 2"))
    workshop.pack(*words)
    workshop.pack("verify", "--root", "root.hgr", "next.hgr")
    assert workshop.run("verify", "--root", "next.hgr", "root.hgr").returncode == 1


def test_a_release_under_a_root(workshop):
    signed_root(workshop)
    release(workshop)
    assert "signed by desk, vault" in workshop.pack("verify", "--root", "root.hgr", "--complete", "out.suit")
    release(workshop, keys=["desk"])
    assert "1 of 2" in workshop.refusal("verify", "--root", "root.hgr", "out.suit")
    release(workshop, keys=["channel"])
    assert "channel is for head, not for author" in workshop.refusal("verify", "--root", "root.hgr", "out.suit")
    release(workshop, product="other/thing", keys=["desk"])
    assert "desk may sign acme/, not other/thing" in workshop.refusal("verify", "--root", "root.hgr", "out.suit")
    release(workshop, keys=["stranger"])
    assert workshop.run("verify", "--root", "root.hgr", "out.suit").returncode == 1


def test_a_head_of_envelopes(workshop):
    signed_root(workshop)
    release(workshop, name="boiler.suit")
    release(workshop, product="acme/pump", sequence=3, name="pump.suit")
    workshop.pack("head", "--channel", "stable", "--version", 42, "--expires", "2099-02-07", "--key", "channel.pem", "-o",
                  "stable.hgr", "boiler.suit", "pump.suit")
    workshop.pack("verify", "--root", "root.hgr", "stable.hgr")
    kind, _, signers = suit_verifier.open_record(workshop.read("stable.hgr"), [workshop.keys["channel"]])
    assert (kind, signers) == ("head", [0])
    shown = json.loads(workshop.pack("inspect", "--json", "stable.hgr"))
    assert (shown["channel"], shown["version"], shown["expires"]) == ("stable", 42, "2099-02-07T00:00:00Z")
    digests = [cbor2.loads(cbor2.loads(cbor2.loads(workshop.read(name)).value[2])[0])[1].hex()
               for name in ("boiler.suit", "pump.suit")]
    assert shown["entries"] == [{"product": "acme/boiler", "sequence": 7, "manifest_digest": digests[0]},
                                {"product": "acme/pump", "sequence": 3, "manifest_digest": digests[1]}]


def test_a_head_of_a_recipe(workshop):
    release(workshop, name="boiler.suit")
    workshop.write("head.toml", 'channel = "stable"\nversion = 43\nissued = 2026-11-21\nexpires = 2099-02-07\n[[entry]]\n'
                   'file = "boiler.suit"\nminimum = 5\n[[entry]]\nproduct = "acme/pump"\nsequence = 3\n'
                   f'manifest = "{"ab" * 32}"\n')
    workshop.pack("head", "--recipe", "head.toml", "--key", "channel.pem", "-o", "stable.hgr")
    entries = json.loads(workshop.pack("inspect", "--json", "stable.hgr"))["entries"]
    assert entries[0]["minimum"] == 5 and entries[0]["sequence"] == 7
    assert entries[1] == {"product": "acme/pump", "sequence": 3, "manifest_digest": "ab" * 32}
    workshop.write("head.toml", 'channel = "stable"\nversion = 43\nexpires = 2099-02-07\n[[entry]]\nfile = "gone"\n')
    assert "head.toml:5:8: file: " in workshop.refusal("head", "--recipe", "head.toml", "--key", "channel.pem", "-o", "h")


def test_a_permit(workshop):
    signed_root(workshop)
    words = ("permit", "--product", "acme/boiler", "--from", 9, "--to", 7, "--not-after", "2099-01-31T12:00:00Z",
             "--key", "desk.pem", "-o", "back.hgr")
    workshop.pack(*words, "--child", "boiler-1")
    assert "1 of 2" in workshop.refusal("verify", "--root", "root.hgr", "back.hgr")
    workshop.pack("sign", "--key", "vault.pem", "back.hgr")
    workshop.pack("verify", "--root", "root.hgr", "back.hgr")
    shown = json.loads(workshop.pack("inspect", "--json", "back.hgr"))
    assert (shown["product"], shown["from"], shown["to"], shown["child"]) == ("acme/boiler", 9, 7, "boiler-1")
    assert shown["not_after"] == "2099-01-31T12:00:00Z"
    workshop.pack(*words, "--class", "boiler-v1", "--vendor", "vendor.example")
    wanted = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "vendor.example"), "boiler-v1")
    again = json.loads(workshop.pack("inspect", "--json", "back.hgr"))
    assert again["class_id"] == str(wanted) and again["id"] != shown["id"]
    workshop.pack(*words, "--class", wanted)
    assert json.loads(workshop.pack("inspect", "--json", "back.hgr"))["class_id"] == str(wanted)


def test_a_permit_upwards_is_none(workshop):
    assert "permit: " in workshop.refusal(
        "permit", "--product", "acme/boiler", "--from", 7, "--to", 9, "--not-after", "2099-01-31", "--child", "c",
        "--key", "desk.pem", "-o", "back.hgr")
    assert not workshop.path("back.hgr").exists()


def test_records_by_keys_alone(workshop):
    signed_root(workshop)
    assert workshop.pack("verify", "root.hgr", "--key", "rolf.pub") == "root: signed by rolf.pub\n"
    assert "none of the given keys" in workshop.refusal("verify", "root.hgr", "--key", "desk.pub")
    spoiled = bytearray(workshop.read("root.hgr"))
    spoiled[-1] ^= 1
    workshop.write("spoiled.hgr", bytes(spoiled))
    assert "none of the given keys" in workshop.refusal("verify", "spoiled.hgr", "--key", "rolf.pub")
    workshop.write("cut.hgr", bytes(spoiled[:100]))
    workshop.refusal("verify", "cut.hgr", "--key", "rolf.pub")
    workshop.refusal("inspect", "cut.hgr")


def test_signs_no_record_that_says_nothing(workshop):
    signed_root(workshop)
    tagged = cbor2.loads(workshop.read("root.hgr"))
    tagged.value[2] = b"\xa0"
    workshop.write("empty.hgr", cbor2.dumps(tagged))
    assert "not signed: root: " in workshop.refusal("sign", "empty.hgr", "--key", "desk.pem")
    assert "none of the given keys" in workshop.refusal("verify", "empty.hgr", "--key", "rita.pub")


def test_a_root_of_tomorrow_makes_the_time_unknown(workshop):
    """As for a gateway, whose clock must be wrong then: validity of keys cannot be judged."""
    workshop.write("root.toml", ROOT.replace("2024-11-21", "2090-01-01"))
    signed_root(workshop)
    assert "the time is not known" in workshop.refusal("verify", release(workshop), "--root", "root.hgr")


def by_dependency(workshop, components, name):
    """A release of another product, whose own component is acme/app and whose dependency writes to `components`."""
    key = suit_author.load_key(workshop.path("desk.pem"))
    made = suit_author.Release(7, "inner", "1.0", "vendor.example", "boiler", [suit_author.Image(
        component, b"image", "https://fw.example/a") for component in components])
    inner = suit_author.Dependency("inner", suit_author.author(made, key, "ESP256"), "#inner", True)
    outer = suit_author.Release(7, "other/boiler", "1.0", "vendor.example", "boiler", [suit_author.Image(
        "acme/app", b"image", "https://fw.example/b")], dependencies=(inner,))
    return workshop.write(name, suit_author.author(outer, key, "ESP256"))


def test_prefixes_are_of_all_that_is_written_to(workshop):
    workshop.write("root.toml", ROOT.split("[[product]]")[0])
    signed_root(workshop)
    workshop.pack("verify", by_dependency(workshop, ["acme/radio"], "good.suit"), "--root", "root.hgr")
    assert "key desk may sign acme/, not other/boiler" in workshop.refusal(
        "verify", by_dependency(workshop, ["other/pump"], "bad.suit"), "--root", "root.hgr")


def test_what_no_gateway_publishes_is_a_warning(workshop):
    made = suit_author.Release(7, "acme/boiler", "1.0", "vendor.example", "boiler", [suit_author.Image(
        "app", b"image", "https://fw.example/a")])
    envelope = suit_author.no_class_condition(made, suit_author.load_key(workshop.path("desk.pem")), "ESP256")
    done = workshop.run("verify", workshop.write("any.suit", envelope), "--key", "desk.pub")
    assert done.returncode == 0
    assert done.stderr.startswith("headgate-pack: warning: no gateway would publish it: component app has no class")
    assert "no class" in workshop.refusal("verify", "any.suit", "--key", "desk.pub", "--complete")


WRONG_ROOTS = {
    "unknown role": ('roles = ["root"]', 'roles = ["king"]', 'root.toml:10:9: roles: "king" is no role'),
    "unknown key": ("offline = true", "online = true", 'unknown key "online"'),
    "private key": ("rita.pub", "rita.pem", "root.toml:9:8: file: "),
    "no name": ('name = "rita"\n', "", "name: is missing"),
    "name twice": ("rolf\"", "rita\"", "root.toml: "),
    "too few": ("root = 2", "root = 3", "root.toml: "),
    "no role": ("root = 2", "king = 2", 'root.toml:5:1: unknown key "king"'),
}


@pytest.mark.parametrize("name", WRONG_ROOTS)
def test_wrong_roots(workshop, name):
    old, new, words = WRONG_ROOTS[name]
    recipe = workshop.read("root.toml").decode()
    assert old in recipe
    workshop.write("root.toml", recipe.replace(old, new, 1))
    assert words in workshop.refusal("root", "root.toml", "--key", "rita.pem", "-o", "root.hgr")
    assert not workshop.path("root.hgr").exists()


LIST = """name = "site-7"
version = 5
gateway = "gateway.pub"
not-after = 2099-01-01
forgets = ["old-1"]

[[child]]
id = "boiler-1"
transport = "serial"
address = "/dev/ttyACM0"
profile = "mcuboot-encrypted"
vendor = "vendor.example"
class = "boiler-v1"
group = "left"
layout = "heater"
role = "burner"

[[child.target]]
name = "app"

[[child.target]]
name = "radio"
image = 1

[[child.key]]
use = "wrap"
file = "boiler.pub"

[[child.key]]
use = "link"
kid = "boiler-1"
secret = "boiler.psk"

[[child]]
id = "pump-1"
transport = "udp"
address = "192.0.2.7"
vendor = "vendor.example"
class = "pump-v1"
"""
PSK = "00112233445566778899aabbccddeeff"


@pytest.fixture
def site(workshop):
    """A root with a director, and what a list is made of."""
    workshop.write("root.toml", ROOT.replace("threshold = 2", "threshold = 1").replace(
        'name = "channel"\nfile = "channel.pub"\nroles = ["head"]',
        'name = "dora"\nfile = "channel.pub"\nroles = ["director"]'))
    signed_root(workshop)
    workshop.gateway, workshop.boiler = workshop.recipient("gateway"), workshop.recipient("boiler")
    workshop.write("boiler.psk", PSK)
    workshop.write("site.toml", LIST)
    return workshop


def test_an_enrollment_list(site):
    site.pack("enrollment", "site.toml", "--key", "channel.pem", "-o", "site.hgr")
    assert "enrollment: signed by dora" in site.pack("verify", "--root", "root.hgr", "site.hgr")
    kind, payload, signers = suit_verifier.open_record(site.read("site.hgr"), [site.keys["channel"]])
    assert (kind, signers) == ("enrollment", [0])
    assert (payload[2], payload[3], payload[7]) == ("site-7", 5, ["old-1"])
    boiler, pump = payload[6]
    assert boiler[5] == uuid.uuid5(uuid.NAMESPACE_DNS, "vendor.example").bytes
    assert boiler[6] == uuid.uuid5(uuid.UUID(bytes=boiler[5]), "boiler-v1").bytes
    assert boiler[7] == [["app", 0], ["radio", 1]] and boiler[9] == {1: "left", 2: "heater", 3: "burner"}
    assert pump[4] == "mcuboot-swap" and not {7, 8, 9} & set(pump)
    wrap, link = boiler[8]
    spki = site.boiler.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)
    assert (wrap[1], wrap[3], link[1], link[2]) == (0, spki, 2, "boiler-1")
    assert bytes.fromhex(PSK) not in site.read("site.hgr") and PSK.encode() not in site.read("site.hgr")
    assert list(suit_verifier.content_keys(link[4], site.gateway)) == [bytes.fromhex(PSK)]
    shown = json.loads(site.pack("inspect", "--json", "site.hgr"))
    assert (shown["kind"], shown["name"], shown["version"], shown["forgets"]) == ("enrollment", "site-7", 5, ["old-1"])
    assert [child["id"] for child in shown["children"]] == ["boiler-1", "pump-1"]
    assert shown["children"][0]["role"] == "burner" and shown["children"][0]["keys"][1]["kid"] == "boiler-1"
    assert PSK not in json.dumps(shown)


def test_a_list_brings_a_passkey_as_its_digits_and_zeros(site):
    site.write("boiler.psk", "042137\n")
    site.pack("enrollment", "site.toml", "--key", "channel.pem", "-o", "site.hgr")
    _, payload, _ = suit_verifier.open_record(site.read("site.hgr"), [site.keys["channel"]])
    link = payload[6][0][8][1]
    assert list(suit_verifier.content_keys(link[4], site.gateway)) == [b"042137" + bytes(10)]
    site.write("boiler.psk", "12345\n")
    assert "or is the six decimal digits of a link's passkey" in site.refusal(
        "enrollment", "site.toml", "--key", "channel.pem", "-o", "other.hgr")


def test_a_list_by_others_is_refused(site):
    site.pack("enrollment", "site.toml", "--key", "desk.pem", "-o", "site.hgr")
    assert "desk is for author, not for director" in site.refusal("verify", "--root", "root.hgr", "site.hgr")


@pytest.mark.parametrize("old, new, says", [
    ('id = "pump-1"', 'id = "boiler-1"', "child boiler-1 twice"),
    ('gateway = "gateway.pub"\n', "", "a secret needs the list's gateway"),
    ('use = "wrap"', 'use = "sign"', 'must be "wrap", "identify" or "link"'),
    ('file = "boiler.pub"', 'file = "boiler.psk"', "boiler.psk"),
    ('file = "boiler.pub"\n', "", "one of file and secret must be there"),
    ('layout = "heater"\n', "", "layout: is missing"),
    ("image = 1", "image = 16", "must be 0 to 15"),
    ('version = 5', 'version = 5\nissuer = "me"', 'unknown key "issuer"'),
    ('secret = "boiler.psk"', 'secret = "site.toml"', "a secret in a list has 16 or 32 bytes"),
])
def test_a_list_that_makes_no_sense_is_not_made(site, old, new, says):
    assert old in LIST
    site.write("site.toml", LIST.replace(old, new, 1))
    assert says in site.refusal("enrollment", "site.toml", "--key", "channel.pem", "-o", "site.hgr")
    assert not site.path("site.hgr").exists()
