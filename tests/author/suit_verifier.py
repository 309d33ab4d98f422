#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judges what headgate-pack writes, made with Debian's python3-cbor2 and python3-cryptography and no code of headgate,
so that writer and judge can only agree through the drafts (draft-ietf-suit-manifest-37, trust of RFC 9052,
firmware-encryption-26, update-management-14). tests/pack checks it against the published vectors first.

    suit_verifier.py --key vendor-public.pem [--key ...] [--mac-key FILE] FILE...

authenticate() judges digest and signatures alone; read() goes on to what the manifest says, in the small part of SUIT
that headgate-pack writes; decrypt() opens a SUIT_Encryption_Info; open_record() judges a trust record.
"""

import argparse
import hashlib
import hmac
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Refused(Exception):
    """Names the rule."""


def check(holds, rule):
    if not holds:
        raise Refused(rule)


# ------------------------------------------------------------------------------------------------------------- CBOR


def strict(data, what, sorted_keys=True):
    """What `data` says, if it is exactly one item in deterministic encoding. Written again, anything else would come
    out differently: longer heads, indefinite lengths, keys twice, bytes after it."""
    try:
        value = cbor2.loads(data)
    except Exception as error:
        raise Refused(f"{what}: {error}") from error
    check(cbor2.dumps(value) == data, f"{what}: not deterministic CBOR")
    if sorted_keys and isinstance(value, dict):
        keys = [cbor2.dumps(key) for key in value]
        check(keys == sorted(keys), f"{what}: keys out of order")
    return value


def as_bstr(content):
    return cbor2.dumps(content)


# ------------------------------------------------------------------------------------------------------- signatures

ECDSA = {-7: (hashes.SHA256(), 32, "secp256r1"), -9: (hashes.SHA256(), 32, "secp256r1"),
         -35: (hashes.SHA384(), 48, "secp384r1"), -51: (hashes.SHA384(), 48, "secp384r1")}
EDDSA = {-8, -19}


def is_signature(key, algorithm, message, signature):
    try:
        if algorithm in EDDSA and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
        if algorithm in ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            hash_, half, curve = ECDSA[algorithm]
            check(key.curve.name == curve and len(signature) == 2 * half, "signature of the wrong size")
            r, s = (int.from_bytes(signature[at:at + half], "big") for at in (0, half))
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hash_))
            return True
    except (InvalidSignature, Refused):
        pass
    return False


def algorithm_of(protected, unprotected):
    header = strict(protected, "protected header", sorted_keys=False) if protected else {}
    check(1 not in unprotected, "the algorithm is not protected")
    check(2 not in header, "crit")
    return header.get(1)


def signatures_in(message, payload):
    """(algorithm, kid, what is signed, signature) of each signature of a COSE_Sign1 or COSE_Sign."""
    if message.tag == 18:
        protected, unprotected, _, signature = message.value
        covered = cbor2.dumps(["Signature1", protected, b"", payload])
        yield algorithm_of(protected, unprotected), unprotected.get(4, b""), covered, signature
        return
    body_protected, _, _, signatures = message.value
    for protected, unprotected, signature in signatures:
        covered = cbor2.dumps(["Signature", body_protected, protected, b"", payload])
        yield algorithm_of(protected, unprotected), unprotected.get(4, b""), covered, signature


def signers_of(message, payload, keys):
    """The indices of the keys that signed, without repetition."""
    found = []
    for algorithm, _, covered, signature in signatures_in(message, payload):
        for index, key in enumerate(keys):
            if index not in found and is_signature(key, algorithm, covered, signature):
                found.append(index)
    return found


def is_mac(message, payload, key):
    protected, unprotected, _, tag = message.value
    covered = cbor2.dumps(["MAC0", protected, b"", payload])
    return algorithm_of(protected, unprotected) == 5 and hmac.compare_digest(
        hmac.digest(key, covered, "sha256"), tag)


def key_id(public_key):
    """What headgate writes as kid: SHA-256 of the SubjectPublicKeyInfo."""
    return hashlib.sha256(public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


# --------------------------------------------------------------------------------------------------------- envelope

HASHES = {-16: "sha256", -43: "sha384", -44: "sha512"}
SEVERABLE = {14, 15, 16, 18, 20, 23}


def digest_is(digest, content, what):
    check(isinstance(digest, list) and len(digest) == 2, f"{what}: no SUIT_Digest")
    check(digest[0] in HASHES, f"{what}: digest algorithm {digest[0]}")
    check(hashlib.new(HASHES[digest[0]], content).digest() == digest[1], f"{what}: digest")


@dataclass
class Authenticated:
    members: dict  # of the envelope
    manifest: bytes
    signers: list  # indices of the keys
    mac_keys: list


def authenticate(envelope, keys, mac_keys=()):
    tagged = strict(envelope, "envelope")
    check(isinstance(tagged, cbor2.CBORTag) and tagged.tag == 107, "tag 107 is missing")
    members = tagged.value
    check(list(members)[:2] == [2, 3], "wrapper and manifest must come first")
    names = [cbor2.dumps(key) for key in members]
    check(names == sorted(names), "envelope: keys out of order")
    wrapper = strict(members[2], "authentication wrapper")
    digest_is(strict(wrapper[0], "SUIT_Digest"), as_bstr(members[3]), "manifest")
    signers, macs = [], []
    for block in wrapper[1:]:
        message = strict(block, "authentication block", sorted_keys=False)
        check(isinstance(message, cbor2.CBORTag) and message.tag in (17, 18, 98), "authentication block: tag")
        check(message.value[2] is None, "authentication block: attached payload")
        if message.tag == 17:
            macs += [index for index, key in enumerate(mac_keys) if is_mac(message, wrapper[0], key)]
        else:
            signers += [index for index in signers_of(message, wrapper[0], keys) if index not in signers]
    check(signers or macs, "no authentication block of a known key")
    return Authenticated(members, members[3], signers, macs)


@dataclass
class Target:
    component: tuple
    parameters: dict = field(default_factory=dict)
    conditions: list = field(default_factory=list)  # (command, parameters at that time)


@dataclass
class Fetched:
    """One image: what is fetched, and where it ends up."""
    component: tuple
    vendor: bytes
    device_class: bytes
    digest: bytes
    size: int
    uri: str
    content: bytes  # of the payload in the envelope, None if it is elsewhere
    conditions: list
    encryption_info: bytes = b""
    plaintext: bytes = b""  # its digest
    plaintext_size: int = 0
    version: str = ""


@dataclass
class Release:
    sequence: int
    product: tuple
    version: list
    images: list
    priority: int
    description: str
    authenticated: Authenticated


PARAMETERS = {1: bytes, 2: bytes, 3: bytes, 4: int, 14: int, 19: bytes, 21: str, 22: int, 26: int, 27: int, 28: bytes,
              29: bytes}
NEEDS = {1: 1, 2: 2, 3: 3, 4: 4, 21: 21, 22: 22, 26: 26, 28: 28, 29: 29}
CONDITIONS, DIRECTIVES = {1, 2, 3, 4, 26, 27, 28}, {21, 22, 29}


def run(sequence, targets, what, may_act):
    """Executes symbolically; yields (command, target) for fetches and copies."""
    words = strict(sequence, what)
    check(len(words) % 2 == 0, f"{what}: odd length")
    check(words[0] == 12, f"{what}: does not begin with set-component-index")
    current = None
    for code, argument in zip(words[::2], words[1::2]):
        if code == 12:
            check(0 <= argument < len(targets), f"{what}: component index {argument}")
            current = targets[argument]
        elif code == 20:
            for key, value in argument.items():
                check(isinstance(value, PARAMETERS[key]), f"{what}: parameter {key}")
            current.parameters.update(argument)
        else:
            check(code in CONDITIONS | DIRECTIVES, f"{what}: command {code}")
            check(0 <= argument <= 15, f"{what}: reporting policy")
            check(may_act or code in CONDITIONS, f"{what}: command {code} where nothing may be done")
            check(NEEDS.get(code) is None or NEEDS[code] in current.parameters, f"{what}: command {code} lacks its "
                                                                                "parameter")
            current.conditions.append((code, dict(current.parameters)))
            if code in (21, 22):
                yield code, current


def read(envelope, keys, mac_keys=()):
    """The release, if it is in order from end to end."""
    authenticated = authenticate(envelope, keys, mac_keys)
    members = authenticated.members
    manifest = strict(authenticated.manifest, "manifest")
    check(manifest[1] == 1, "manifest version")
    check(isinstance(manifest[2], int) and manifest[2] >= 0, "sequence number")
    severed(members, manifest)
    common = strict(manifest[3], "common")
    components = [tuple(each) for each in common[2]]
    check(len(set(components)) == len(components), "a component twice")
    images = images_of(manifest, common, components, members)
    texts = texts_of(members.get(23))
    for image in images:
        image.version = texts.get(image.component, {}).get(6, "")
    asked = {image.uri for image in images}
    check(all(key in asked for key in members if isinstance(key, str)), "a payload that nobody asks for")
    priorities = [parameters[27] for image in images for _, parameters in image.conditions if 27 in parameters]
    return Release(manifest[2], tuple(manifest[5]), strict(manifest[6], "set-version"), images,
                   min(priorities, default=None), texts.get(2, ""), authenticated)


def severed(members, manifest):
    for key in SEVERABLE & members.keys():
        check(isinstance(manifest.get(key), list), f"member {key} was not announced")
        digest_is(manifest[key], as_bstr(members[key]), f"member {key}")


def texts_of(text):
    if text is None:
        return {}
    (texts,) = strict(text, "text").values()
    return texts


def images_of(manifest, common, components, members):
    def fresh():
        targets = [Target(component) for component in components]
        list(run(common[4], targets, "shared sequence", may_act=False))
        for target in targets:
            codes = [code for code, _ in target.conditions]
            check(1 in codes and 2 in codes, f"{target.component}: no vendor or class condition")
        return targets

    list(run(manifest[7], fresh(), "validate", may_act=False))
    targets = fresh()
    fetched = {}
    for code, target in run(manifest[20], targets, "install", may_act=True):
        if code == 21:
            fetched[target.component] = image_of(target, members)
        else:
            source = targets[target.parameters[22]]
            image = fetched.pop(source.component)
            image.component = target.component
            image.conditions = target.conditions
            image.encryption_info = target.parameters[19]
            image.plaintext = strict(target.parameters[3], "image digest")[1]
            image.plaintext_size = target.parameters[14]
            fetched[target.component] = image
    for target in targets:
        check(target.conditions[-1][0] == 3, f"{target.component}: not checked after it was written")
    return list(fetched.values())


def image_of(target, members):
    parameters = target.parameters
    digest = strict(parameters[3], "image digest")
    uri = parameters[21]
    content = members.get(uri) if uri.startswith("#") else None
    if uri.startswith("#"):
        check(content is not None, f"{uri} is not there")
        digest_is(digest, content, uri)
        check(len(content) == parameters[14], f"{uri}: size")
    check(len(parameters[1]) == 16 and len(parameters[2]) == 16, "a UUID has 16 bytes")
    return Fetched(target.component, parameters[1], parameters[2], digest[1], parameters[14], uri, content,
                   target.conditions)


# ------------------------------------------------------------------------------------------------------- encryption

CTR_KEY_SIZES = {-65534: 16, -65533: 24, -65532: 32}
KEY_WRAPS = {-3: 16, -4: 24, -5: 32}
AGREEMENTS = {-29: -3, -30: -4, -31: -5}


def content_keys(info, key, kid=None):
    """The content key out of each recipient that `key` (bytes: a KEK; else a private key) opens."""
    message = strict(info, "encryption info", sorted_keys=False)
    check(message.tag == 96 and message.value[2] is None, "no COSE_Encrypt with detached ciphertext")
    for recipient in message.value[3]:
        protected, unprotected, wrapped = recipient
        if kid is not None and unprotected.get(4) != kid:
            continue
        try:
            kek = key if isinstance(key, bytes) else agreed_key(protected, unprotected, key)
            yield keywrap.aes_key_unwrap(kek, wrapped)
        except (keywrap.InvalidUnwrap, ValueError, Refused):
            continue


def agreed_key(protected, unprotected, private_key):
    header = strict(protected, "recipient")
    check(header.get(1) in AGREEMENTS, "not for a private key")
    wrap = AGREEMENTS[header[1]]
    ephemeral = unprotected[-1]
    if isinstance(private_key, x25519.X25519PrivateKey):
        check(ephemeral[-1] == 4, "curve")
        shared = private_key.exchange(x25519.X25519PublicKey.from_public_bytes(ephemeral[-2]))
    else:
        curve = {1: ec.SECP256R1(), 2: ec.SECP384R1(), 3: ec.SECP521R1()}[ephemeral[-1]]
        check(curve.name == private_key.curve.name, "curve")
        peer = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\4" + ephemeral[-2] + ephemeral[-3])
        shared = private_key.exchange(ec.ECDH(), peer)
    context = cbor2.dumps([wrap, [None] * 3, [None] * 3,
                           [KEY_WRAPS[wrap] * 8, protected, b"SUIT Payload Encryption"]])
    return HKDF(hashes.SHA256(), KEY_WRAPS[wrap], unprotected.get(-20), context).derive(shared)


def decrypt_with(content_key, info, ciphertext):
    protected, unprotected, _, _ = strict(info, "encryption info", sorted_keys=False).value
    header = {**unprotected, **(strict(protected, "protected header") if protected else {})}
    algorithm, iv = header[1], unprotected[5]
    if algorithm in CTR_KEY_SIZES:
        check(not protected and len(content_key) == CTR_KEY_SIZES[algorithm] and len(iv) == 16, "AES-CTR")
        return Cipher(algorithms.AES(content_key), modes.CTR(iv)).decryptor().update(ciphertext)
    cipher = aead.ChaCha20Poly1305 if algorithm == 24 else aead.AESGCM
    check(len(content_key) == {1: 16, 2: 24, 3: 32, 24: 32}[algorithm] and len(iv) == 12, "AEAD")
    additional = cbor2.dumps(["Encrypt", protected, b""])
    return cipher(content_key).decrypt(iv, ciphertext, additional)


def decrypt(info, ciphertext, key, kid=None):
    for content_key in content_keys(info, key, kid):
        return decrypt_with(content_key, info, ciphertext)
    raise Refused("no recipient for this key")


# ---------------------------------------------------------------------------------------------------------- records


def open_record(record, keys):
    """(kind, payload as it decodes, indices of the signers)"""
    message = strict(record, "record", sorted_keys=False)
    check(isinstance(message, cbor2.CBORTag) and message.tag == 98, "record: tag 98 is missing")
    protected, _, payload, _ = message.value
    content_type = strict(protected, "protected header", sorted_keys=False)[3]
    check(content_type.startswith("application/vnd.headgate.") and content_type.endswith("+cbor"), "content type")
    return (content_type.split(".")[-1].removesuffix("+cbor"), strict(payload, "payload"),
            signers_of(message, payload, keys))


# ------------------------------------------------------------------------------------------------------ command line


def load_public(file):
    return serialization.load_pem_public_key(Path(file).read_bytes())


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", type=load_public, action="append", default=[])
    parser.add_argument("--mac-key", type=lambda file: Path(file).read_bytes(), action="append", default=[])
    parser.add_argument("FILE", nargs="+")
    given = parser.parse_args(words)
    for file in given.FILE:
        try:
            release = read(Path(file).read_bytes(), given.key, given.mac_key)
            print(f"{file}: sequence {release.sequence}, {len(release.images)} images")
        except (Refused, LookupError, TypeError, ValueError) as error:
            sys.exit(f"{file}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
