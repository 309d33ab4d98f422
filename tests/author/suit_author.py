#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Authors deliverables for the tests: SUIT envelopes of headgate's profile v1, made with Debian's python3-cbor2 and
python3-cryptography and no code of headgate, so that reader and author can only agree through the drafts
(draft-ietf-suit-manifest-37, RFC 9052).

    suit_author.py make_key --alg ESP256 --private vendor.pem [--public anchors/vendor.pem]
    suit_author.py --key vendor.pem --alg ESP256 --sequence 7 --product acme/boiler --set-version 2.0.0
        --vendor-domain vendor.example --class-name boiler-v1
        --image component=app,file=app.bin,uri=https://fw.example/app.bin -o boiler.suit

--image may be given again, and may have class=NAME (else --class-name), version=TEXT and integrated=yes (the bytes
travel in the envelope; uri is then "#component" unless given). --damage spoils the result in one way; see DAMAGES.
"""

import argparse
import hashlib
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ENVELOPE_TAG, SIGN1_TAG, SHA256 = 107, 18, -16
REPORT_ALL, REPORT_FAILURE = 15, 2
VENDOR_MATCH, CLASS_MATCH, IMAGE_MATCH, SELECT, OVERRIDE, FETCH = 1, 2, 3, 12, 20, 21
MARKS = {"rc": -1, "beta": -2, "alpha": -3}


@dataclass(frozen=True)
class Algorithm:
    number: int  # IANA "COSE Algorithms"
    half: int = 0  # bytes of r and of s; 0: not ECDSA
    hash: object = None
    curve: object = None


ALGORITHMS = {
    "ES256": Algorithm(-7, 32, hashes.SHA256(), ec.SECP256R1()),
    "ESP256": Algorithm(-9, 32, hashes.SHA256(), ec.SECP256R1()),
    "ES384": Algorithm(-35, 48, hashes.SHA384(), ec.SECP384R1()),
    "ESP384": Algorithm(-51, 48, hashes.SHA384(), ec.SECP384R1()),
    "EdDSA": Algorithm(-8),
    "Ed25519": Algorithm(-19),
}


@dataclass(frozen=True)
class Image:
    component: str  # "/" between the parts of the component id
    content: bytes
    uri: str
    class_name: str = ""  # "": the release's
    version: str = ""  # goes into the text member, for people
    integrated: bool = False
    signed_digest: bytes = b""  # b"": the true one
    signed_size: int = -1  # -1: the true one


@dataclass(frozen=True)
class Release:
    sequence: int
    product: str
    set_version: str
    vendor_domain: str
    class_name: str
    images: list = field(default_factory=list)
    description: str = ""  # goes into the text member
    section: int = 20  # where images are fetched: 20 install, 16 payload-fetch
    severed: bool = False  # text and that section outside the manifest


# ---------------------------------------------------------------------------------------------------------- encoding


def encode(value):
    """Deterministic CBOR (RFC 8949 section 4.2.1): keys in the bytewise order of their encodings."""
    return cbor2.dumps(ordered(value))


def ordered(value):
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    if isinstance(value, list):
        return [ordered(each) for each in value]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, ordered(value.value))
    return value


def wrap(value):
    """bstr .cbor, as the value of a member."""
    return encode(value)


def digest_over(content):
    return [SHA256, hashlib.sha256(content).digest()]


def member_digest(content):
    """Digests of manifest members are taken over the byte string with its head."""
    return digest_over(cbor2.dumps(content))


# ---------------------------------------------------------------------------------------------------------- manifest


def vendor_uuid(domain):
    return uuid.uuid5(uuid.NAMESPACE_DNS, domain)


def class_uuid(domain, name):
    return uuid.uuid5(vendor_uuid(domain), name)


def component_id(path):
    return [part.encode() for part in path.split("/")]


def version_parts(text):
    """2.0.0 or 1.2-rc.3"""
    return [MARKS[part] if part in MARKS else int(part) for part in text.replace("-", ".").split(".")]


def parameters_of(release, image):
    digest = [SHA256, image.signed_digest] if image.signed_digest else digest_over(image.content)
    return {
        1: vendor_uuid(release.vendor_domain).bytes,
        2: class_uuid(release.vendor_domain, image.class_name or release.class_name).bytes,
        3: wrap(digest),
        14: len(image.content) if image.signed_size < 0 else image.signed_size,
    }


def shared_sequence(release):
    commands = []
    for index, image in enumerate(release.images):
        commands += [SELECT, index, OVERRIDE, parameters_of(release, image)]
        commands += [VENDOR_MATCH, REPORT_ALL, CLASS_MATCH, REPORT_ALL]
    return commands


def fetch_sequence(release):
    commands = []
    for index, image in enumerate(release.images):
        commands += [SELECT, index, OVERRIDE, {21: image.uri}, FETCH, REPORT_FAILURE, IMAGE_MATCH, REPORT_ALL]
    return commands


def validate_sequence(release):
    commands = []
    for index in range(len(release.images)):
        commands += [SELECT, index, IMAGE_MATCH, REPORT_ALL]
    return commands


def text_of(release):
    texts = {}
    if release.description:
        texts[2] = release.description
    for image in release.images:
        if image.version:
            texts[tuple(component_id(image.component))] = {6: image.version}
    return {"en": texts} if texts else None


def members_of(release):
    """The manifest, and the members that were severed from it."""
    manifest = {
        1: 1,
        2: release.sequence,
        3: wrap({2: [component_id(image.component) for image in release.images], 4: wrap(shared_sequence(release))}),
        5: component_id(release.product),
        6: wrap(version_parts(release.set_version)),
        7: wrap(validate_sequence(release)),
        release.section: wrap(fetch_sequence(release)),
    }
    text = text_of(release)
    if text:
        manifest[23] = wrap(text)
    severed = {}
    if release.severed:
        for key in {release.section, 23} & manifest.keys():
            severed[key] = manifest[key]
            manifest[key] = member_digest(manifest[key])
    return wrap(manifest), severed


# --------------------------------------------------------------------------------------------------------- signature


def sign(key, algorithm, message):
    rule = ALGORITHMS[algorithm]
    if not rule.half:
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(rule.hash)))
    return r.to_bytes(rule.half, "big") + s.to_bytes(rule.half, "big")


def sign1(key, algorithm, payload, key_id=b""):
    """COSE_Sign1 with detached payload."""
    protected = encode({1: ALGORITHMS[algorithm].number})
    signature = sign(key, algorithm, encode(["Signature1", protected, b"", payload]))
    return cbor2.CBORTag(SIGN1_TAG, [protected, {4: key_id} if key_id else {}, None, signature])


def author(release, key, algorithm, key_id=b""):
    """The envelope's bytes."""
    return assemble(*members_of(release), release, key, algorithm, key_id)


def assemble(manifest, severed, release, key, algorithm, key_id=b""):
    digest = encode(member_digest(manifest))
    wrapper = wrap([digest, wrap(sign1(key, algorithm, digest, key_id))])
    payloads = {image.uri: image.content for image in release.images if image.integrated}
    return encode(cbor2.CBORTag(ENVELOPE_TAG, {2: wrapper, 3: manifest, **severed, **payloads}))


def make_key(algorithm, private_file, public_file=None):
    """Writes a new key in PEM: PKCS #8 without a password, SubjectPublicKeyInfo."""
    curve = ALGORITHMS[algorithm].curve
    key = ec.generate_private_key(curve) if curve else ed25519.Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    Path(private_file).write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    if public_file:
        Path(public_file).write_bytes(
            key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return key


def load_key(file):
    return serialization.load_pem_private_key(Path(file).read_bytes(), password=None)


# ------------------------------------------------------------------------------------------------------------ damage


def with_envelope(envelope, change):
    members = cbor2.loads(envelope).value
    change(members)
    return encode(cbor2.CBORTag(ENVELOPE_TAG, members))


def wrong_signature(release, key, algorithm):
    """The right manifest and digest, and a signature with one bit turned."""
    def change(members):
        wrapper = cbor2.loads(members[2])
        block = cbor2.loads(wrapper[1])
        signature = bytearray(block.value[3])
        signature[7] ^= 1
        block.value[3] = bytes(signature)
        members[2] = wrap([wrapper[0], wrap(block)])

    return with_envelope(author(release, key, algorithm), change)


def tampered(release, key, algorithm):
    """Another sequence number than the one signed."""
    def change(members):
        manifest = cbor2.loads(members[3])
        manifest[2] += 1
        members[3] = wrap(manifest)

    return with_envelope(author(release, key, algorithm), change)


def unsigned(release, key, algorithm):
    def change(members):
        members[2] = wrap(cbor2.loads(members[2])[:1])

    return with_envelope(author(release, key, algorithm), change)


def wrong_digest(release, key, algorithm):
    """Signed for another image than the one named."""
    images = [replace(image, signed_digest=hashlib.sha256(b"another").digest()) for image in release.images]
    return author(replace(release, images=images), key, algorithm)


def wrong_size(release, key, algorithm):
    images = [replace(image, signed_size=len(image.content) + 1) for image in release.images]
    return author(replace(release, images=images), key, algorithm)


def unknown_key(release, key, algorithm):
    """Well signed by somebody."""
    del key
    curve = ALGORITHMS[algorithm].curve
    stranger = ec.generate_private_key(curve) if curve else ed25519.Ed25519PrivateKey.generate()
    return author(release, stranger, algorithm)


def huge_text(release, key, algorithm):
    return author(replace(release, description="A" * 20000), key, algorithm)


def unreferenced_payload(release, key, algorithm):
    return with_envelope(author(release, key, algorithm), lambda members: members.update({"#nobody": b"asks"}))


def missing_payload(release, key, algorithm):
    images = [replace(image, uri="#gone", integrated=False) for image in release.images]
    return author(replace(release, images=images), key, algorithm)


def no_class_condition(release, key, algorithm):
    """Fits any device."""
    manifest, severed = members_of(release)
    manifest = cbor2.loads(manifest)
    common = cbor2.loads(manifest[3])
    shared = cbor2.loads(common[4])
    pairs = [shared[at:at + 2] for at in range(0, len(shared), 2)]
    common[4] = wrap([word for pair in pairs if pair[0] != CLASS_MATCH for word in pair])
    manifest[3] = wrap(common)
    return assemble(wrap(manifest), severed, release, key, algorithm)


DAMAGES = {each.__name__.replace("_", "-"): each
           for each in (wrong_signature, tampered, unsigned, wrong_digest, wrong_size, unknown_key, huge_text,
                        unreferenced_payload, missing_payload, no_class_condition)}


# ------------------------------------------------------------------------------------------------------ command line


def image_from(text):
    fields = dict(each.split("=", 1) for each in text.split(","))
    integrated = fields.pop("integrated", "no") == "yes"
    component = fields.pop("component")
    image = Image(component=component, content=Path(fields.pop("file")).read_bytes(),
                  uri=fields.pop("uri", f"#{component}"), class_name=fields.pop("class", ""),
                  version=fields.pop("version", ""), integrated=integrated)
    if fields:
        raise argparse.ArgumentTypeError(f"--image has no {', '.join(fields)}")
    return image


def author_arguments(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", required=True, help="private key, PEM")
    parser.add_argument("--alg", choices=ALGORITHMS, default="ESP256")
    parser.add_argument("--kid", default="", help="key id for the unprotected header")
    parser.add_argument("--sequence", type=int, required=True)
    parser.add_argument("--product", required=True, help="manifest component id")
    parser.add_argument("--set-version", required=True)
    parser.add_argument("--vendor-domain", required=True)
    parser.add_argument("--class-name", required=True)
    parser.add_argument("--image", type=image_from, action="append", required=True)
    parser.add_argument("--description", default="")
    parser.add_argument("--payload-fetch", action="store_true", help="fetch in that section, not in install")
    parser.add_argument("--severed", action="store_true")
    parser.add_argument("--damage", choices=DAMAGES)
    parser.add_argument("-o", "--output", required=True)
    return parser.parse_args(words)


def make_key_arguments(words):
    parser = argparse.ArgumentParser(prog="suit_author.py make_key")
    parser.add_argument("--alg", choices=ALGORITHMS, default="ESP256")
    parser.add_argument("--private", required=True)
    parser.add_argument("--public")
    return parser.parse_args(words)


def main(words):
    if words[:1] == ["make_key"]:
        given = make_key_arguments(words[1:])
        make_key(given.alg, given.private, given.public)
        return
    given = author_arguments(words)
    release = Release(given.sequence, given.product, given.set_version, given.vendor_domain, given.class_name,
                      given.image, given.description, 16 if given.payload_fetch else 20, given.severed)
    key = load_key(given.key)
    if given.damage:
        envelope = DAMAGES[given.damage](release, key, given.alg)
    else:
        envelope = author(release, key, given.alg, given.kid.encode())
    Path(given.output).write_bytes(envelope)


if __name__ == "__main__":
    main(sys.argv[1:])
