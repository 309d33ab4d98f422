# SPDX-License-Identifier: Apache-2.0
"""smp_child opens images that are encrypted for it, as MCUboot does (smp.md 5), and refuses those for another."""
import pytest
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from child_process import VECTORS, image_hash, image_payload, make_image, tlv
from packet_log import packets, runs_of, uploaded
from smp_table import OLD_ONLY, reset, stage, table

KEYS = VECTORS / "keys"
PLAIN = VECTORS / "app-2.0.0.bin"
ENCRYPTED = {
    "p256": (VECTORS / "app-2.0.0-enc-p256-for-gateway.bin", KEYS / "gateway-enc-p256.pem"),
    "p256, AES-256": (VECTORS / "app-2.0.0-enc-p256-aes256-for-gateway.bin", KEYS / "gateway-enc-p256.pem"),
    "x25519": (VECTORS / "app-2.0.0-enc-x25519-for-gateway.bin", KEYS / "gateway-enc-x25519.pem"),
    "p256, child": (VECTORS / "app-2.0.0-enc-p256-for-child1.bin", KEYS / "child1-enc-p256.pem"),
}
AFTER = {(0, 0): ("2.0.0", "active"), (0, 1): ("1.0.0", "confirmed")}


def payload_of(image_file):
    size = int.from_bytes(image_file[12:16], "little")
    head = int.from_bytes(image_file[8:10], "little")
    return image_file[head:head + size]


@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_image_for_this_child_runs_in_the_clear(start, name):
    file, key = ENCRYPTED[name]
    image = file.read_bytes()
    child = start("--enc-key", key)
    with child.client() as client:
        listed = stage(client, image)
        assert [entry["hash"] for entry in listed][1] == image_hash(image)
        assert reset(child, client) == AFTER
        assert client.list()[0]["hash"] == image_hash(image)  # the same before and after
        runs = (child.state / "slot0.bin").read_bytes()
        assert payload_of(runs) != payload_of(image) and runs[:512] == image[:512]
        assert reset(child, client) == OLD_ONLY | {(0, 1): ("2.0.0", "")}
        assert (child.state / "slot1.bin").read_bytes() == image  # encrypted again when it goes back
        client.set_state(image_hash(image), confirm=True)
        assert reset(child, client)[0, 0] == ("2.0.0", "active confirmed")


def test_the_payload_is_the_plain_one(start):
    file, key = ENCRYPTED["p256"]
    child = start("--enc-key", key)
    with child.client() as client:
        stage(client, file.read_bytes())
        reset(child, client)
    assert payload_of((child.state / "slot0.bin").read_bytes()) == payload_of(PLAIN.read_bytes())


@pytest.mark.parametrize("key", ["child1-enc-p256.pem", "child2-enc-p256.pem", "gateway-enc-x25519.pem"])
def test_an_image_for_another_is_refused_as_one_with_a_bad_signature(start, key):
    child = start("--enc-key", KEYS / key)
    with child.client() as client:
        stage(client, ENCRYPTED["p256"][0].read_bytes())
        assert reset(child, client) == OLD_ONLY
    assert child.counter("refused") == 1 and "encrypted for another" in child.log()


def test_a_damaged_ciphertext_is_refused(start):
    file, key = ENCRYPTED["p256"]
    image = bytearray(file.read_bytes())
    image[5000] ^= 1
    child = start("--enc-key", key)
    with child.client() as client:
        stage(client, bytes(image))
        assert reset(child, client) == OLD_ONLY


def test_without_a_key_it_is_taken_as_it_comes(start):
    child = start()
    with child.client() as client:
        image = ENCRYPTED["p256"][0].read_bytes()
        stage(client, image)
        assert reset(child, client) == AFTER
    assert (child.state / "slot0.bin").read_bytes() == image


@pytest.mark.parametrize("size", [16, 32])
def test_a_raw_key_opens_aes_key_wrap(start, tmp_path, size):
    own, content_key = bytes(range(size)), bytes(range(100, 100 + size))
    (tmp_path / "key").write_bytes(own)
    encryptor = Cipher(algorithms.AES(content_key), modes.CTR(bytes(16))).encryptor()
    image = make_image((2, 0, 0), flags=0x4 if size == 16 else 0x8, payload=encryptor.update(image_payload((2, 0, 0))),
                       more=tlv(0x31, keywrap.aes_key_wrap(own, content_key)))
    child = start("--enc-key", tmp_path / "key")
    with child.client() as client:
        stage(client, image)
        assert reset(child, client) == AFTER
    assert payload_of((child.state / "slot0.bin").read_bytes()) == image_payload((2, 0, 0))


def test_plain_images_and_clear_factory_images_go_on_working(start):
    child = start("--enc-key", KEYS / "child1-enc-p256.pem", image=VECTORS / "app-1.0.0-clear.bin")
    with child.client() as client:
        factory = table(client.list())
        stage(client, PLAIN.read_bytes())
        assert reset(child, client)[0, 0] == ("2.0.0", "active")
        assert reset(child, client)[0, 0] == factory[0, 0]


def test_a_key_that_is_none_is_an_error(start, tmp_path, capfd):
    (tmp_path / "key").write_bytes(b"no key")
    with pytest.raises(ValueError):
        start("--enc-key", tmp_path / "key")
    assert "private key" in capfd.readouterr().err


def test_everything_that_left_for_it_can_be_read_afterwards(start):
    """The capture that spine tests search for plain payload, and its positive control."""
    child = start("--log-packets", "--enc-key", KEYS / "gateway-enc-p256.pem")
    plain = payload_of(PLAIN.read_bytes())
    with child.client() as client:
        client.upload(ENCRYPTED["p256"][0].read_bytes())
        sent = packets(child.state)
        child.wait_until(lambda: child.counter("packets") == len(sent))
        assert uploaded(sent) == ENCRYPTED["p256"][0].read_bytes()
        assert runs_of(plain, sent) == 0
        client.upload(PLAIN.read_bytes())
    sent = packets(child.state)
    assert uploaded(sent) == PLAIN.read_bytes()
    assert runs_of(plain, sent) > len(plain)
