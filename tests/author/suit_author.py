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
travel in the envelope; uri is then "#component" unless given). Images of one component with slot=N are alternatives.
With kek=FILE (16 bytes in hexadecimal) and ciphertext=FILE the image is encrypted into that file, which is what uri and
integrated then mean; it is fetched into the component stage=NAME and decrypted into its own.
--use-before, --battery, --priority with --authorize, --at-version, --not-before and --after set the conditions of
update-management. --depends name=ID,file=ENVELOPE[,uri=URI][,integrated=yes] lets the release build on another one.
--cosigner KEY:ALG makes the signature a COSE_Sign of all; --mac-key FILE adds a COSE_Mac0.
--damage spoils the result in one way; see DAMAGES.
"""

import argparse
import hashlib
import hmac
import os
import re
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

ENVELOPE_TAG, SIGN1_TAG, SIGN_TAG, MAC0_TAG, ENCRYPT_TAG, SHA256 = 107, 18, 98, 17, 96, -16
HMAC_256, A128KW, A128GCM = 5, -3, 1
REPORT_ALL, REPORT_FAILURE = 15, 2
VENDOR_MATCH, CLASS_MATCH, IMAGE_MATCH, SELECT, OVERRIDE, FETCH = 1, 2, 3, 12, 20, 21
USE_BEFORE, SLOT, INTEGRITY, PROCESS, TRY_EACH, COPY = 4, 5, 7, 11, 15, 22
BATTERY, AUTHORIZED, VERSION, WAIT = 26, 27, 28, 29
MARKS = {"rc": -1, "beta": -2, "alpha": -3}
COMPARISONS = {">": 1, ">=": 2, "=": 3, "<=": 4, "<": 5}


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
    slot: int = -1  # -1: for any
    stage: str = ""  # component that the ciphertext is fetched into; "": not encrypted
    ciphertext: bytes = b""
    encryption_info: bytes = b""

    @property
    def travelling(self):
        return self.ciphertext or self.content


@dataclass(frozen=True)
class Conditions:
    """What must hold before any image of a release may be brought (draft-ietf-suit-update-management)."""

    use_before: int = 0
    battery: int = 0
    priority: int = 0
    authorize: bool = False
    at_versions: tuple = ()  # of what is there: [comparison, version]
    not_before: int = 0
    after: tuple = ()  # (target, [comparison, version])


@dataclass(frozen=True)
class Dependency:
    name: str
    envelope: bytes
    uri: str
    integrated: bool = False

    def digest(self):
        return member_digest(cbor2.loads(self.envelope).value[3])


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
    conditions: Conditions = Conditions()
    dependencies: tuple = ()
    cosigners: tuple = ()  # (key, algorithm): then the block is a COSE_Sign
    mac_key: bytes = b""  # adds a COSE_Mac0

    def components(self):
        """The targets and then the stages, each once."""
        names = [image.component for image in self.images] + [image.stage for image in self.images if image.stage]
        return list(dict.fromkeys(names))

    def select(self, component):
        return [SELECT, self.components().index(component)]

    def select_dependency(self, position):
        return [SELECT, len(self.components()) + position]

    def targets(self):
        """The images of each component: more than one only with slots."""
        return [[image for image in self.images if image.component == name]
                for name in dict.fromkeys(image.component for image in self.images)]


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


def identity_of(release, image):
    return {
        1: vendor_uuid(release.vendor_domain).bytes,
        2: class_uuid(release.vendor_domain, image.class_name or release.class_name).bytes,
    }


def bytes_of(image):
    """Digest and size of the component when all is done."""
    digest = [SHA256, image.signed_digest] if image.signed_digest else digest_over(image.content)
    return {3: wrap(digest), 14: len(image.content) if image.signed_size < 0 else image.signed_size}


def try_slots(images, parameters):
    """One alternative for each image's slot, with its parameters."""
    return [TRY_EACH, [wrap([OVERRIDE, {5: image.slot}, SLOT, REPORT_ALL, OVERRIDE, parameters(image)])
                       for image in images]]


def shared_sequence(release):
    commands = []
    for images in release.targets():
        has_slots = images[0].slot >= 0
        identity = identity_of(release, images[0])
        commands += release.select(images[0].component)
        commands += [OVERRIDE, identity if has_slots else {**identity, **bytes_of(images[0])}]
        commands += try_slots(images, bytes_of) if has_slots else []
        commands += [VENDOR_MATCH, REPORT_ALL, CLASS_MATCH, REPORT_ALL]
        commands += condition_commands(release.conditions)
    return commands


def condition_commands(conditions):
    commands = []
    for command, value in ((USE_BEFORE, conditions.use_before), (BATTERY, conditions.battery)):
        if value:
            commands += [OVERRIDE, {command: value}, command, REPORT_ALL]
    if conditions.priority or conditions.authorize:
        commands += [OVERRIDE, {27: conditions.priority}]
    if conditions.authorize:
        commands += [AUTHORIZED, REPORT_ALL]
    for comparison in conditions.at_versions:
        commands += [OVERRIDE, {28: wrap(comparison)}, VERSION, REPORT_ALL]
    return commands


def wait_commands(conditions):
    """Waiting is a directive, and may not stand in the shared sequence."""
    events = [{5: conditions.not_before}] if conditions.not_before else []
    events += [{4: [target.encode(), [comparison]]} for target, comparison in conditions.after]
    commands = []
    for event in events:
        commands += [OVERRIDE, {29: wrap(event)}, WAIT, REPORT_FAILURE]
    return commands


def fetch_sequence(release):
    commands = process_sequence(release)
    for images in release.targets():
        commands += release.select(images[0].component) + wait_commands(release.conditions)
        if images[0].slot >= 0:
            commands += try_slots(images, lambda image: {21: image.uri}) + [FETCH, REPORT_FAILURE]
        elif images[0].stage:
            commands += decrypt_sequence(release, images[0])
        else:
            commands += [OVERRIDE, {21: images[0].uri}, FETCH, REPORT_FAILURE]
        commands += [IMAGE_MATCH, REPORT_ALL]
    return commands


def decrypt_sequence(release, image):
    """Fetches the ciphertext into the stage and decrypts it into the target."""
    stage = {3: wrap(digest_over(image.ciphertext)), 14: len(image.ciphertext), 21: image.uri}
    source = release.components().index(image.stage)
    return (release.select(image.stage) + [OVERRIDE, stage, FETCH, REPORT_FAILURE, IMAGE_MATCH, REPORT_ALL] +
            release.select(image.component) +
            [OVERRIDE, {19: image.encryption_info, 22: source}, COPY, REPORT_FAILURE])


def resolve_sequence(release):
    commands = []
    for position, dependency in enumerate(release.dependencies):
        parameters = {3: wrap(dependency.digest()), 14: len(dependency.envelope), 21: dependency.uri}
        commands += release.select_dependency(position)
        commands += [OVERRIDE, parameters, FETCH, REPORT_FAILURE, IMAGE_MATCH, REPORT_ALL]
    return commands


def process_sequence(release):
    commands = []
    for position, dependency in enumerate(release.dependencies):
        commands += release.select_dependency(position)
        commands += [OVERRIDE, {3: wrap(dependency.digest())}, INTEGRITY, REPORT_ALL, PROCESS, 0]
    return commands


def validate_sequence(release):
    commands = []
    for images in release.targets():
        commands += release.select(images[0].component) + [IMAGE_MATCH, REPORT_ALL]
    return commands


def common_of(release):
    common = {2: [component_id(name) for name in release.components()], 4: wrap(shared_sequence(release))}
    if release.dependencies:
        first = len(release.components())
        common[1] = {first + position: {1: component_id(dependency.name)}
                     for position, dependency in enumerate(release.dependencies)}
    return common


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
        3: wrap(common_of(release)),
        5: component_id(release.product),
        6: wrap(version_parts(release.set_version)),
        7: wrap(validate_sequence(release)),
        release.section: wrap(fetch_sequence(release)),
    }
    if release.dependencies:
        manifest[15] = wrap(resolve_sequence(release))
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


def sign_by_all(signers, payload, key_id=b""):
    """COSE_Sign with detached payload; the algorithm of each signer stands in its own header."""
    signatures = []
    for key, algorithm in signers:
        protected = encode({1: ALGORITHMS[algorithm].number})
        signature = sign(key, algorithm, encode(["Signature", b"", protected, b"", payload]))
        signatures.append([protected, {4: key_id} if key_id else {}, signature])
    return cbor2.CBORTag(SIGN_TAG, [b"", {}, None, signatures])


def mac0(secret, payload):
    """COSE_Mac0 with detached payload."""
    protected = encode({1: HMAC_256})
    tag = hmac.new(secret, encode(["MAC0", protected, b"", payload]), hashlib.sha256).digest()
    return cbor2.CBORTag(MAC0_TAG, [protected, {}, None, tag])


def encrypt(content, key_encryption_key):
    """The ciphertext by AES-128-GCM under a new key, and a COSE_Encrypt for the holder of the key encryption key."""
    content_key, nonce = os.urandom(16), os.urandom(12)
    protected = encode({1: A128GCM})
    additional = encode(["Encrypt", protected, b""])
    wrapped = aes_key_wrap(key_encryption_key, content_key)
    recipient = [b"", {1: A128KW, 4: b"kid-1"}, wrapped]
    message = cbor2.CBORTag(ENCRYPT_TAG, [protected, {5: nonce}, None, [recipient]])
    return AESGCM(content_key).encrypt(nonce, content, additional), encode(message)


def author(release, key, algorithm, key_id=b""):
    """The envelope's bytes."""
    return assemble(*members_of(release), release, key, algorithm, key_id)


def assemble(manifest, severed, release, key, algorithm, key_id=b""):
    digest = encode(member_digest(manifest))
    blocks = [sign1(key, algorithm, digest, key_id)]
    if release.cosigners:
        blocks = [sign_by_all([(key, algorithm), *release.cosigners], digest, key_id)]
    if release.mac_key:
        blocks.append(mac0(release.mac_key, digest))
    wrapper = wrap([digest, *map(wrap, blocks)])
    payloads = {image.uri: image.travelling for image in release.images if image.integrated}
    payloads.update({each.uri: each.envelope for each in release.dependencies if each.integrated})
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


def fields_of(text):
    return dict(each.split("=", 1) for each in text.split(","))


def nothing_left(option, fields):
    if fields:
        raise argparse.ArgumentTypeError(f"{option} has no {', '.join(fields)}")


def image_from(text):
    fields = fields_of(text)
    integrated = fields.pop("integrated", "no") == "yes"
    component = fields.pop("component")
    content = Path(fields.pop("file")).read_bytes()
    encrypted = {}
    if "kek" in fields:
        ciphertext, info = encrypt(content, hex_from(fields.pop("kek")))
        Path(fields.pop("ciphertext")).write_bytes(ciphertext)
        encrypted = {"stage": fields.pop("stage", f"{component}-encrypted"), "ciphertext": ciphertext,
                     "encryption_info": info}
    image = Image(component=component, content=content, uri=fields.pop("uri", f"#{component}"),
                  class_name=fields.pop("class", ""), version=fields.pop("version", ""), integrated=integrated,
                  slot=int(fields.pop("slot", -1)), **encrypted)
    nothing_left("--image", fields)
    return image


def dependency_from(text):
    fields = fields_of(text)
    name = fields.pop("name")
    dependency = Dependency(name, Path(fields.pop("file")).read_bytes(), fields.pop("uri", f"#{name}"),
                            fields.pop("integrated", "no") == "yes")
    nothing_left("--depends", fields)
    return dependency


def comparison_from(text):
    """">=1.2" """
    sign, version = re.fullmatch(r"([<>]?=?)(.+)", text).groups()
    return [COMPARISONS[sign], version_parts(version)]


def after_from(text):
    """"radio>=2.0" """
    target, comparison = re.fullmatch(r"([\w-]+)(.+)", text).groups()
    return target, comparison_from(comparison)


def cosigner_from(text):
    file, algorithm = text.rsplit(":", 1)
    return load_key(file), algorithm


def hex_from(file):
    return bytes.fromhex(Path(file).read_text())


def add_condition_arguments(parser):
    parser.add_argument("--use-before", type=int, default=0, help="seconds since 1970")
    parser.add_argument("--battery", type=int, default=0, help="at least, in mWh")
    parser.add_argument("--priority", type=int, default=0)
    parser.add_argument("--authorize", action="store_true")
    parser.add_argument("--at-version", type=comparison_from, action="append", default=[])
    parser.add_argument("--not-before", type=int, default=0, help="seconds since 1970")
    parser.add_argument("--after", type=after_from, action="append", default=[], help="another target's version first")


def conditions_from(given):
    return Conditions(given.use_before, given.battery, given.priority, given.authorize, tuple(given.at_version),
                      given.not_before, tuple(given.after))


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
    add_condition_arguments(parser)
    parser.add_argument("--depends", type=dependency_from, action="append", default=[])
    parser.add_argument("--cosigner", type=cosigner_from, action="append", default=[])
    parser.add_argument("--mac-key", type=hex_from, default=b"", help="a file with 32 bytes in hexadecimal")
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
                      given.image, given.description, 16 if given.payload_fetch else 20, given.severed,
                      conditions_from(given), tuple(given.depends), tuple(given.cosigner), given.mac_key)
    key = load_key(given.key)
    if given.damage:
        envelope = DAMAGES[given.damage](release, key, given.alg)
    else:
        envelope = author(release, key, given.alg, given.kid.encode())
    Path(given.output).write_bytes(envelope)


if __name__ == "__main__":
    main(sys.argv[1:])
