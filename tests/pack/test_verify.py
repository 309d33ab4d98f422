# SPDX-License-Identifier: Apache-2.0
"""`headgate-pack verify` over all published envelopes: accepted, refused, and never anything else."""

import json
import os
from pathlib import Path

import pytest
import suit_author
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

VECTORS = Path(os.environ["HEADGATE_SOURCE_DIR"]) / "tests/vectors/suit"
KEY = VECTORS / "keys/suit-example-p256-public.pem"
DEPENDENT_KEY = VECTORS / "keys/suit-example-dependent-p256-public.pem"
MAC_KEY = VECTORS / "keys/suit-example-hmac256.hex"

DERIVED = {each["file"]: each for each in json.loads((VECTORS / "derived/expected.json").read_text())}
# Its manifest is that of four that must be accepted: the payload is absent there, too (docs/decisions/0006).
ACCEPTED_WITH_WARNING = {"bad_payload_missing.suit"}
OFFICIAL = sorted([*VECTORS.glob("manifest-spec-*/*.signed*.suit"), *VECTORS.glob("trust-domains/*.cbor"),
                   *VECTORS.glob("firmware-encryption/*.signed.cbor"), *VECTORS.glob("libcsuit/*.suit")])
REFUSED = {"manifest-spec-pr188-esp256/example0.signed.suit": "any trusted key",
           "libcsuit/suit_manifest_expU.suit": "tag 107", "libcsuit/suit_manifest_expI.suit": "tag 107",
           "libcsuit/suit_manifest_expD.suit": "tag 107",
           # Not the profile's: they wait for power, of which a gateway knows nothing.
           "libcsuit/suit_manifest_expU1.suit": "event power (2)",
           "libcsuit/suit_manifest_expU2.suit": "event power (2)"}


def name_of(path):
    return str(path.relative_to(VECTORS))


@pytest.fixture(scope="module")
def ed25519_key(tmp_path_factory):
    raw = bytes.fromhex((VECTORS / "derived/derived-ed25519-public.hex").read_text())
    path = tmp_path_factory.mktemp("keys") / "ed25519.pub"
    path.write_bytes(ed25519.Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture
def verify(workshop, ed25519_key):
    def run(path, *more):
        return workshop.run("verify", "--key", KEY, "--key", DEPENDENT_KEY, "--key", ed25519_key, "--mac-key", MAC_KEY,
                            path, *more)
    return run


def says_one_line(done):
    return done.stderr.startswith("headgate-pack: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", DERIVED)
def test_derived(verify, name):
    done = verify(VECTORS / "derived" / name)
    if DERIVED[name]["expect"] == "accept" or name in ACCEPTED_WITH_WARNING:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1 and says_one_line(done), done


def test_every_derived_file_is_listed():
    assert {path.name for path in VECTORS.glob("derived/*.suit")} == set(DERIVED)


@pytest.mark.parametrize("name", ["bad_payload_missing.suit", "ok_ed25519.suit", "ok_mac0.suit", "ok_two_blocks.suit"])
def test_a_dropped_payload(verify, name):
    done = verify(VECTORS / "derived" / name)
    assert done.returncode == 0
    assert done.stderr == "headgate-pack: warning: the payload #img0 is not in the file\n"
    done = verify(VECTORS / "derived" / name, "--complete")
    assert done.returncode == 1 and says_one_line(done) and "#img0" in done.stderr, done


@pytest.mark.parametrize("path", OFFICIAL, ids=name_of)
def test_official(verify, path):
    done = verify(path)
    reason = REFUSED.get(name_of(path))
    if reason is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1 and says_one_line(done) and reason in done.stderr, done


@pytest.mark.parametrize("path", sorted(VECTORS.glob("manifest-spec-*/*.unsigned*.suit")), ids=name_of)
def test_unsigned(verify, path):
    done = verify(path)
    assert done.returncode == 1 and says_one_line(done) and "signature" in done.stderr, done


def test_every_official_file_is_shown(workshop):
    for path in [*OFFICIAL, *VECTORS.glob("manifest-spec-*/*.unsigned*.suit")]:
        if "tag" in REFUSED.get(name_of(path), ""):
            assert "neither" in workshop.refusal("inspect", path)
            continue
        shown = json.loads(workshop.pack("inspect", "--json", path))
        assert shown["kind"] == "SUIT envelope" and shown["verified"] is False
        assert shown["signed"] == ("unsigned" not in path.name)
        assert ("gateways_would_refuse_it" in shown) == ("power" in REFUSED.get(name_of(path), "")), shown


def test_only_the_given_keys_are_believed(workshop):
    path = VECTORS / "derived/ok_base.suit"
    assert workshop.pack("verify", "--key", KEY, path).endswith(f"signed by {KEY}\n")
    assert "any trusted key" in workshop.refusal("verify", "--key", DEPENDENT_KEY, path)
    mac = VECTORS / "derived/ok_mac0.suit"
    assert workshop.run("verify", "--mac-key", MAC_KEY, mac).returncode == 0
    raw = workshop.write("raw.bin", bytes.fromhex(MAC_KEY.read_text()))
    assert workshop.run("verify", "--mac-key", raw, mac).returncode == 0
    assert workshop.run("verify", "--key", KEY, mac).returncode == 1
    assert workshop.run("verify", "--mac-key", MAC_KEY, path).returncode == 1


def test_a_dependency_beside_it(verify):
    """Official files without vendor conditions, so the rest of --complete refuses them."""
    path = VECTORS / "trust-domains/example1_process.cbor"
    assert "dependency dependent.suit is not here" in verify(path, "--complete").stderr
    done = verify(path, "--complete", "--dependency", VECTORS / "trust-domains/example0_dependent.cbor")
    assert "is not here" not in done.stderr and "no vendor condition" in done.stderr
    done = verify(path, "--complete", "--dependency", VECTORS / "derived/ok_base.suit")
    assert "dependency dependent.suit is not here" in done.stderr
    assert "nowhere" in verify(path, "--dependency", "nowhere.suit").stderr


def test_a_deliverable_with_a_dependency(workshop):
    workshop.key("author")
    workshop.write("radio.bin", b"radio")
    workshop.write("app.bin", b"app")
    workshop.write("radio.toml", 'product = "acme/radio"\nsequence = 1\nversion = "1.0"\nvendor = "vendor.example"\n'
                   'class = "boiler-v1"\n[[target]]\ncomponent = "radio"\nfile = "radio.bin"\n')
    workshop.pack("create", "radio.toml", "-o", "radio.suit", "--key", "author.pem")
    path = workshop.path
    suit_author.main(["--key", str(path("author.pem")), "--sequence", "2", "--product", "acme/boiler", "--set-version",
                      "2.0.0", "--vendor-domain", "vendor.example", "--class-name", "boiler-v1", "--image",
                      f"component=app,file={path('app.bin')},integrated=yes", "--depends",
                      f"name=radio-manifest,file={path('radio.suit')},uri=https://fw.example/radio.suit", "-o",
                      str(path("boiler.suit"))])
    words = ("verify", "--key", "author.pub", "--complete", "boiler.suit")
    assert "is not here" in workshop.refusal(*words)
    workshop.pack(*words, "--dependency", "radio.suit")


@pytest.mark.parametrize("words", [
    [], ["judge"], ["verify"], ["verify", "a.suit"], ["verify", "--key", KEY], ["verify", "--key"],
    ["verify", "--key", KEY, "--root", KEY, "a.suit"], ["create"], ["create", "r.toml"], ["sign", "a.suit"],
    ["inspect"], ["inspect", "--xml", "a.suit"], ["encrypt", "a", "-o", "b", "--info", "c"],
    ["encrypt", "a", "-o", "b", "--info", "c", "--recipient", "d", "--cipher", "rot13"],
    ["encrypt", "a", "-o", "a", "--info", "c", "--recipient", "d"],
    ["encrypt", "a", "-o", "b", "--info", "b", "--recipient", "d"],
    ["encrypt", "a", "-o", "b", "--info", "./a", "--recipient", "d"],
    ["encrypt", "a", "-o", "b", "--info", "c", "--kek", "d"], ["encrypt", "a", "-o", "b", "--recipient", "d"],
    ["root", "r.toml", "-o", "r"], ["head", "--key", "k", "-o", "h"],
    ["head", "--recipe", "r", "--channel", "c", "--key", "k", "-o", "h"],
    ["permit", "--product", "p", "--from", 9, "--to", 7, "--not-after", "2027-01-31", "--key", "k", "-o", "p"],
    ["permit", "--product", "p", "--from", 9, "--to", 7, "--child", "c", "--class", "d", "--not-after", "2027-01-31",
     "--key", "k", "-o", "p"],
    ["permit", "--product", "p", "--from", 9, "--to", 7, "--class", "boiler", "--not-after", "2027-01-31", "--key", "k",
     "-o", "p"],
    ["permit", "--product", "p", "--from", 9, "--to", 7, "--child", "c", "--not-after", "31.1.2027", "--key", "k", "-o",
     "p"],
    ["permit", "--product", "p", "--from", -9, "--to", 7, "--child", "c", "--not-after", "2027-02-30", "--key", "k",
     "-o", "p"],
    ["grant", "--from", "i", "--gateway", "g", "--image", "b", "--not-after", "2027-01-31", "--key", "k", "-o", "g"],
], ids=lambda words: " ".join(map(str, words))[:60])
def test_wrong_usage(workshop, words):
    assert workshop.run(*words).returncode == 2
    assert list(workshop.directory.iterdir()) == []


def test_help_and_version(workshop):
    assert workshop.run("--help").returncode == 0
    assert workshop.pack("--version").startswith("headgate-pack ")


def test_writes_files_only(workshop):
    workshop.write("plain", b"1")
    workshop.recipient("device")
    assert "/dev/null is there and no file" in workshop.refusal(
        "encrypt", "plain", "-o", "/dev/null", "--info", "i", "--recipient", "device.pub")


def test_two_files_or_none(workshop):
    workshop.write("plain", b"1")
    workshop.recipient("device")
    for output, info in (("sealed", "nowhere/i"), ("nowhere/sealed", "i")):
        workshop.refusal("encrypt", "plain", "-o", output, "--info", info, "--recipient", "device.pub")
    workshop.path("link").symlink_to("plain")
    assert workshop.run("encrypt", "plain", "-o", "sealed", "--info", "link", "--recipient", "device.pub").returncode == 2
    assert {path.name for path in workshop.directory.iterdir()} == {"plain", "link", "device.pem", "device.pub"}


@pytest.mark.parametrize("words", [["verify", "--key", KEY, "gone.suit"], ["inspect", "gone.suit"],
                                   ["create", "gone.toml", "-o", "out.suit"], ["sign", "gone.suit", "--key", "k.pem"],
                                   ["verify", "--key", "gone.pem", VECTORS / "derived/ok_base.suit"]],
                         ids=lambda words: " ".join(map(str, words))[:40])
def test_what_is_not_there(workshop, words):
    assert "gone" in workshop.refusal(*words)
