# SPDX-License-Identifier: Apache-2.0
"""The gateway's key in a TPM (swtpm, tpm2-openssl): opens what is wrapped for it, keeps the store key over restarts,
signs if it was made to, and is not taken for lost when the TPM does not answer. Commands as docs/keys.md gives them."""

import os
import pathlib
import subprocess
import sys

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "plugins")]
import child_kit  # noqa: E402
import mcuboot_wrap  # noqa: E402
import processes  # noqa: E402
from key_probe import VECTORS, KeyProbe  # noqa: E402

IMAGE = "app-2.0.0-enc-p256-for-gateway"
HANDLE = "0x81000001"
AGREES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt"


class Tpm:
    """One TPM of software, which ends with the test."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory / "tpm.sock"
        (directory / "tpm").mkdir()
        self._happenings = processes.Happenings()
        self.start()

    @property
    def tcti(self):
        return f"swtpm:path={self.socket}"

    def start(self):
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.directory / 'tpm'}", "--server",
                   f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl", "--flags",
                   "not-need-init,startup-clear"]
        self._program = processes.Program("swtpm", command, self._happenings)
        self._happenings.wait_for(self.socket.exists, 20, "swtpm to listen", 0.05)

    def stop(self):
        self._program.stop()
        self.socket.unlink(missing_ok=True)

    def run(self, *command):
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "TPM2TOOLS_TCTI": self.tcti})
        assert done.returncode == 0, done.stderr

    def make_key(self, attributes):
        """A P-256 key that stays in the TPM, at HANDLE; its public half in gateway.pem."""
        self.run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", "primary.ctx")
        self.run("tpm2_create", "-Q", "-C", "primary.ctx", "-G", "ecc256", "-a", attributes, "-u", "key.pub", "-r",
                 "key.priv")
        self.run("tpm2_flushcontext", "-t")
        self.run("tpm2_load", "-Q", "-C", "primary.ctx", "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx")
        self.run("tpm2_evictcontrol", "-Q", "-C", "o", "-c", "key.ctx", HANDLE)
        self.run("tpm2_flushcontext", "-t")
        self.run("tpm2_readpublic", "-Q", "-c", HANDLE, "-f", "pem", "-o", "gateway.pem")
        return serialization.load_pem_public_key((self.directory / "gateway.pem").read_bytes())

    def open(self, **more):
        """The safe of a gateway whose key is in this TPM."""
        settings = {"gateway_key": f"handle:{HANDLE}", "openssl_provider": "tpm2", **more}
        return KeyProbe(self.directory, {"TPM2OPENSSL_TCTI": self.tcti}, **settings)


@pytest.fixture
def tpm(tmp_path):
    tpm = Tpm(tmp_path)
    yield tpm
    tpm.stop()


def public_pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def image_for(public_key, directory):
    """The image of the vectors, as a vendor would wrap it for this gateway."""
    file = (VECTORS / f"{IMAGE}.bin").read_bytes()
    patch = mcuboot_wrap.rewrap(file, mcuboot_wrap.private_key(VECTORS / "keys/gateway-enc-p256.pem"), public_key)
    path = directory / "image.bin"
    path.write_bytes(mcuboot_wrap.laid_over(file, [patch]))
    return path


def test_a_key_in_a_tpm_opens_images_and_keeps_the_store_key(tpm):
    public_key = tpm.make_key(AGREES)
    image = image_for(public_key, tpm.directory)
    child = ec.generate_private_key(ec.SECP256R1())
    (tpm.directory / "child.pem").write_bytes(public_pem(child.public_key()))
    with tpm.open() as probe:
        assert probe.opened.startswith("new "), probe.opened
        assert probe.ask("provider") == "default"  # the TPM is asked for its key's work only
        fingerprint = probe.ask("take", image)
        assert fingerprint.startswith("key ")
        _, offset, patch, _ = probe.ask("wrap", image, tpm.directory / "child.pem").split()
        opened = mcuboot_wrap.open_wrap(bytes.fromhex(patch), child)
        own = (VECTORS / f"{IMAGE}.bin").read_bytes()
        assert (int(offset), len(patch) // 2) == mcuboot_wrap.place_of_wrap(own)
        place, size = mcuboot_wrap.place_of_wrap(own)
        vendor = mcuboot_wrap.private_key(VECTORS / "keys/gateway-enc-p256.pem")
        assert opened == mcuboot_wrap.open_wrap(own[place:place + size], vendor)
        assert "unauthenticated" in probe.ask("take", VECTORS / f"{IMAGE}.bin")  # for another gateway
    with tpm.open() as probe:
        assert probe.opened.startswith("kept "), probe.opened
        assert probe.ask("take", image) == fingerprint


def test_a_tpm_that_does_not_answer_loses_no_store_key(tpm):
    tpm.make_key(AGREES)
    with tpm.open() as probe:
        assert probe.opened.startswith("new "), probe.opened
    before = (tpm.directory / "state/store-key").read_bytes()
    tpm.stop()
    with tpm.open() as probe:
        assert probe.opened.startswith("error "), probe.opened
        assert "keys.openssl_provider" in probe.opened
    tpm.start()
    with tpm.open() as probe:
        assert probe.opened.startswith("kept "), probe.opened
    assert (tpm.directory / "state/store-key").read_bytes() == before
    assert [file.name for file in (tpm.directory / "state").iterdir()] == ["store-key"]


def test_a_tpm_that_goes_away_does_not_make_an_image_look_like_another_gateways(tpm):
    image = image_for(tpm.make_key(AGREES), tpm.directory)
    with tpm.open() as probe:
        assert probe.opened.startswith("new "), probe.opened
        tpm.stop()
        answer = probe.ask("take", image)
        assert answer.startswith("error unavailable"), answer  # which is tried again; "unauthenticated" is for good


def test_a_handle_without_a_key_is_said(tpm):
    tpm.make_key(AGREES)
    with tpm.open(gateway_key="handle:0x81000099") as probe:
        assert probe.opened.startswith("error ") and "keys.gateway_key" in probe.opened, probe.opened


def test_a_provider_that_is_not_there_is_said(tmp_path):
    with KeyProbe(tmp_path, gateway_key="handle:1", openssl_provider="tpm9") as probe:
        assert probe.opened.startswith("error ") and "tpm9" in probe.opened, probe.opened


def test_a_key_that_may_not_agree_is_said_and_nothing_is_touched(tpm):
    tpm.make_key(AGREES.replace("decrypt", "sign"))
    with tpm.open() as probe:
        assert probe.opened.startswith("error unavailable"), probe.opened
    assert list((tpm.directory / "state").iterdir()) == []


@pytest.mark.parametrize("may_sign", [True, False])
def test_a_key_in_a_tpm_proves_the_gateway_if_it_may_sign(tpm, may_sign):
    public_key = tpm.make_key(AGREES + ("|sign" if may_sign else ""))
    child = ec.generate_private_key(ec.SECP256R1())
    (tpm.directory / "child.pem").write_bytes(public_pem(child.public_key()))
    with tpm.open() as probe:
        assert probe.opened.startswith("new "), probe.opened
        answer = probe.ask("prove", tpm.directory / "child.pem")
    if not may_sign:
        assert answer.startswith("error "), answer
        return
    body = cbor2.loads(bytes.fromhex(answer.split()[1]))
    message = child_kit.gateway_message(body["kid"], bytes([1] * 32), bytes([2] * 32), "pump")
    r, s = int.from_bytes(body["mac"][:32], "big"), int.from_bytes(body["mac"][32:], "big")
    public_key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public_key.verify(encode_dss_signature(r, s), message + b"x", ec.ECDSA(hashes.SHA256()))
