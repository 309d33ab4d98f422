# SPDX-License-Identifier: Apache-2.0
"""Encryption: what headgate-pack seals, Python opens, for each kind of recipient and cipher; and deliverables of it."""

import hashlib
import json

import cbor2
import pytest
import suit_verifier

# Cipher: COSE number, bytes that it adds, key.
CIPHERS = {"aes128-gcm": (1, 16, 16), "aes256-gcm": (3, 16, 32), "chacha20-poly1305": (24, 16, 32),
           "aes128-ctr": (-65534, 0, 16), "aes256-ctr": (-65532, 0, 32)}
PLAINTEXT = bytes(range(256)) * 300 + b"end"


def encrypt(workshop, *words, cipher="aes128-gcm"):
    workshop.write("plain.bin", PLAINTEXT)
    said = workshop.pack("encrypt", "plain.bin", "-o", "sealed.bin", "--info", "sealed.cose", "--cipher", cipher, *words)
    assert said == ""
    return workshop.read("sealed.cose"), workshop.read("sealed.bin")


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "X25519"])
def test_for_a_key_pair(workshop, cipher, curve):
    key = workshop.recipient("device", curve)
    info, sealed = encrypt(workshop, "--recipient", "device.pub", cipher=cipher)
    number, added, key_size = CIPHERS[cipher]
    assert suit_verifier.decrypt(info, sealed, key, suit_verifier.key_id(key.public_key())) == PLAINTEXT
    assert len(sealed) == len(PLAINTEXT) + added
    message = cbor2.loads(info)
    header = {**message.value[1], **(cbor2.loads(message.value[0]) if message.value[0] else {})}
    assert header[1] == number and (number > 0) == bool(message.value[0])
    (content_key,) = suit_verifier.content_keys(info, key)
    assert len(content_key) == key_size


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("size, wrap", [(16, -3), (24, -4), (32, -5)])
@pytest.mark.parametrize("form", ["raw", "hex"])
def test_for_a_shared_key(workshop, cipher, size, wrap, form):
    kek = bytes(range(200, 200 + size))
    workshop.write("kek", kek if form == "raw" else kek.hex() + "\n")
    info, sealed = encrypt(workshop, "--kek", "kek", "--kid", "fleet-1", cipher=cipher)
    assert suit_verifier.decrypt(info, sealed, kek, b"fleet-1") == PLAINTEXT
    ((protected, unprotected, _),) = cbor2.loads(info).value[3]
    assert (protected, unprotected) == (b"", {1: wrap, 4: b"fleet-1"})


def test_many_recipients_one_ciphertext(workshop):
    devices = [workshop.recipient(f"device-{number}") for number in range(5)]
    kek = bytes(range(16))
    workshop.write("kek", kek)
    words = [word for number in range(5) for word in ("--recipient", f"device-{number}.pub")]
    info, sealed = encrypt(workshop, *words, "--kek", "kek", "--kid", "k")
    keys = {bytes(each) for key in [*devices, kek] for each in suit_verifier.content_keys(info, key)}
    assert len(keys) == 1
    for key in [*devices, kek]:
        assert suit_verifier.decrypt(info, sealed, key) == PLAINTEXT
    stranger = workshop.recipient("stranger")
    with pytest.raises(suit_verifier.Refused):
        suit_verifier.decrypt(info, sealed, stranger)


def test_never_the_same_key_or_iv(workshop):
    key = workshop.recipient("device")
    seen = set()
    for _ in range(4):
        info, _ = encrypt(workshop, "--recipient", "device.pub")
        (content_key,) = suit_verifier.content_keys(info, key)
        seen |= {content_key, cbor2.loads(info).value[1][5]}
    assert len(seen) == 8


def test_the_content_key_goes_nowhere(workshop):
    key = workshop.recipient("device")
    info, sealed = encrypt(workshop, "--recipient", "device.pub")
    (content_key,) = suit_verifier.content_keys(info, key)
    for path in workshop.directory.iterdir():
        content = path.read_bytes()
        assert content_key not in content and content_key.hex().encode() not in content.lower()
    shown = workshop.pack("inspect", "sealed.cose")
    assert "verified: false" in shown and content_key.hex() not in shown


@pytest.mark.parametrize("words, reason", [
    (("--recipient", "author.pub"), "author.pub: "), (("--recipient", "device.pem"), "device.pem: "),
    (("--kek", "short", "--kid", "k"), "short: "), (("--recipient", "gone.pub"), "gone.pub: ")])
def test_wrong_recipients(workshop, words, reason):
    workshop.key("author", "Ed25519")
    workshop.recipient("device")
    workshop.write("short", b"123")
    workshop.write("plain.bin", PLAINTEXT)
    assert reason in workshop.refusal("encrypt", "plain.bin", "-o", "o", "--info", "i", *words)
    assert not workshop.path("o").exists() and not workshop.path("i").exists()


RECIPE = """product = "acme/boiler"
sequence = 7
version = "2.0.0"
vendor = "vendor.example"
class = "boiler-v1"

[[target]]
component = "app"
file = "{file}"
uri = "https://fw.example/app.enc"
encryption-info = "{info}"
plaintext = "{plaintext}"
requires = ["< 2.0"]

[[target]]
component = "table"
file = "table.bin"
"""


def recipe(file="sealed.bin", info="sealed.cose", plaintext="plain.bin"):
    return RECIPE.format(file=file, info=info, plaintext=plaintext)


@pytest.mark.parametrize("cipher", ["aes128-gcm", "aes128-ctr"])
def test_an_encrypted_deliverable(workshop, cipher):
    device, author = workshop.recipient("device"), workshop.key("author")
    info, sealed = encrypt(workshop, "--recipient", "device.pub", cipher=cipher)
    workshop.write("table.bin", b"calibration")
    workshop.write("recipe.toml", recipe())
    workshop.pack("create", "recipe.toml", "-o", "out.suit", "--key", "author.pem")
    workshop.pack("verify", "out.suit", "--key", "author.pub", "--complete")
    app, table = suit_verifier.read(workshop.read("out.suit"), [author]).images
    assert (app.component, app.encryption_info, app.uri) == ((b"app",), info, "https://fw.example/app.enc")
    assert (app.digest, app.size) == (hashlib.sha256(sealed).digest(), len(sealed))
    assert (app.plaintext, app.plaintext_size) == (hashlib.sha256(PLAINTEXT).digest(), len(PLAINTEXT))
    assert 28 in [code for code, _ in app.conditions]
    assert suit_verifier.decrypt(app.encryption_info, sealed, device) == PLAINTEXT
    assert table.content == b"calibration" and not table.encryption_info
    shown = json.loads(workshop.pack("inspect", "--json", "out.suit"))["images"]
    assert [image["component"] for image in shown] == ["app", "table"]
    assert shown[0]["plaintext_digest"] == hashlib.sha256(PLAINTEXT).hexdigest()
    assert shown[0]["conditions"] == {"requires": ["< 2.0"]}


def test_parts_that_do_not_belong_together(workshop):
    workshop.recipient("device")
    encrypt(workshop, "--recipient", "device.pub")
    workshop.write("table.bin", b"calibration")
    for wrong, reason in ((recipe(plaintext="table.bin"), "bytes, of this plaintext it must have 27"),
                          (recipe(file="plain.bin"), "bytes, of this plaintext it must have"),
                          (recipe(info="table.bin"), "table.bin: ")):
        workshop.write("recipe.toml", wrong)
        assert reason in workshop.refusal("create", "recipe.toml", "-o", "out.suit")


def grant(workshop, *words, image="sealed.bin"):
    return ["grant", "--from", "sealed.cose", "--gateway", "gateway.pub", "--image", image, "--not-after", "2030-01-31",
            "--key", "director.pem", "-o", "gateway.grant", *words]


@pytest.mark.parametrize("cipher", ["aes128-gcm", "aes256-ctr"])
@pytest.mark.parametrize("curve", ["P-256", "X25519"])
def test_a_grant_for_a_gateway(workshop, cipher, curve):
    workshop.recipient("escrow")
    gateway, director = workshop.recipient("gateway", curve), workshop.key("director")
    _, sealed = encrypt(workshop, "--recipient", "escrow.pub", cipher=cipher)
    workshop.pack(*grant(workshop, "--unwrap-key", "escrow.pem"))
    kind, payload, signers = suit_verifier.open_record(workshop.read("gateway.grant"), [director])
    assert (kind, signers) == ("grant", [0])
    assert payload[2] == hashlib.sha256(sealed).digest()
    assert payload[3] == suit_verifier.key_id(gateway.public_key())
    assert suit_verifier.decrypt(payload[4], sealed, gateway) == PLAINTEXT
    assert payload[5] == 1896048000
    assert workshop.pack("verify", "gateway.grant", "--key", "director.pub") == "grant: signed by director.pub\n"


def test_a_grant_by_a_shared_key(workshop):
    kek = bytes(range(32))
    workshop.write("kek", kek)
    gateway = workshop.recipient("gateway")
    workshop.key("director")
    _, sealed = encrypt(workshop, "--kek", "kek", "--kid", "k")
    workshop.pack(*grant(workshop, "--kek", "kek", "--kid", "k"))
    payload = cbor2.loads(cbor2.loads(workshop.read("gateway.grant")).value[2])
    assert suit_verifier.decrypt(payload[4], sealed, gateway) == PLAINTEXT


def test_no_grant_by_strangers_or_for_other_images(workshop):
    for name in ("escrow", "stranger", "gateway"):
        workshop.recipient(name)
    workshop.key("director")
    encrypt(workshop, "--recipient", "escrow.pub")
    assert "sealed.cose: " in workshop.refusal(*grant(workshop, "--unwrap-key", "stranger.pem"))
    workshop.write("other.bin", b"x" * 100)
    assert "other.bin: is not what this content key encrypted" in workshop.refusal(
        *grant(workshop, "--unwrap-key", "escrow.pem", image="other.bin"))
    assert not workshop.path("gateway.grant").exists()
