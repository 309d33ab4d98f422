# SPDX-License-Identifier: Apache-2.0
"""Before the judge judges: what suit_verifier.py says of the published vectors."""

import json
import os
from pathlib import Path

import pytest
import suit_verifier
from cryptography.hazmat.primitives.asymmetric import ec

VECTORS = Path(os.environ["HEADGATE_SOURCE_DIR"]) / "tests/vectors/suit"
KEYS = [suit_verifier.load_public(VECTORS / f"keys/suit-example-{name}-public.pem") for name in ("p256", "dependent-p256")]
MAC_KEYS = [bytes.fromhex((VECTORS / "keys/suit-example-hmac256.hex").read_text())]

SIGNED = sorted([*VECTORS.glob("manifest-spec-*/*.signed*.suit"), *VECTORS.glob("trust-domains/*.cbor"),
                 *VECTORS.glob("firmware-encryption/*.signed.cbor"), *VECTORS.glob("libcsuit/*.suit")])
# U, I and D of libcsuit lack tag 107; the signature of PR 188's first example is wrong.
BAD = {"libcsuit/suit_manifest_expU.suit", "libcsuit/suit_manifest_expI.suit", "libcsuit/suit_manifest_expD.suit",
       "manifest-spec-pr188-esp256/example0.signed.suit"}
UNSIGNED = sorted(VECTORS.glob("manifest-spec-*/*.unsigned*.suit"))
# Rules that stand before the manifest is read.
OUTER = ["alg_unprotected", "auth_digest", "bstr_bomb", "crit_unknown", "digest_alg_sha256_64",
         "digest_without_bstr_header", "dup_manifest", "empty", "mac_keyed_with_public_key", "missing_manifest",
         "nonminimal_bstr_len", "sig_63", "trailing", "unsigned", "untagged", "untagged_cose"]
ENCRYPTED = json.loads((VECTORS / "derived-encryption/values.json").read_text())


def name_of(path):
    return str(path.relative_to(VECTORS))


@pytest.mark.parametrize("path", SIGNED, ids=name_of)
def test_official_examples(path):
    if name_of(path) in BAD:
        with pytest.raises(suit_verifier.Refused):
            suit_verifier.authenticate(path.read_bytes(), KEYS, MAC_KEYS)
    else:
        found = suit_verifier.authenticate(path.read_bytes(), KEYS, MAC_KEYS)
        assert found.signers or found.mac_keys


def test_there_are_examples():
    assert len(SIGNED) > 40 and len(UNSIGNED) > 8


@pytest.mark.parametrize("path", UNSIGNED, ids=name_of)
def test_unsigned_examples(path):
    with pytest.raises(suit_verifier.Refused, match="no authentication block"):
        suit_verifier.authenticate(path.read_bytes(), KEYS, MAC_KEYS)


@pytest.mark.parametrize("rule", OUTER)
def test_outer_rules(rule):
    with pytest.raises(suit_verifier.Refused):
        suit_verifier.authenticate((VECTORS / f"derived/bad_{rule}.suit").read_bytes(), KEYS, MAC_KEYS)


def keys_of(recipient):
    if "device_private_d" in recipient:
        return ec.derive_private_key(int(recipient["device_private_d"], 16), ec.SECP256R1())
    return bytes.fromhex(recipient["kek"])


@pytest.mark.parametrize("values", ENCRYPTED, ids=lambda values: values["name"])
def test_encryption_for_each_recipient(values):
    info, ciphertext, plaintext = ((VECTORS / "derived-encryption" / name).read_bytes() for name in (
        f"{values['name']}.encryption-info.cbor", f"{values['name']}.ciphertext.bin", "plaintext.bin"))
    for recipient in values["recipients"]:
        key, kid = keys_of(recipient), recipient["kid"].encode()
        assert [each.hex() for each in suit_verifier.content_keys(info, key, kid)] == [values["cek"]]
        assert suit_verifier.decrypt(info, ciphertext, key, kid) == plaintext
    with pytest.raises(suit_verifier.Refused):
        suit_verifier.decrypt(info, ciphertext, ec.generate_private_key(ec.SECP256R1()))
