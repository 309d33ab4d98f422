# SPDX-License-Identifier: Apache-2.0
"""A SUIT envelope as a small child reads it (draft-ietf-suit-manifest-37, RFC 9052): who signed it, whether it is for
this child, and what it must fetch. tests/author/suit_author.py writes such envelopes."""

import hashlib
import uuid
from dataclasses import dataclass, field

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

ENVELOPE_TAG, SIGN1_TAG, SHA256 = 107, 18, -16
WRAPPER, MANIFEST, SEQUENCE, COMMON, SET_VERSION, COMPONENTS, SHARED, PAYLOAD_FETCH, INSTALL = 2, 3, 2, 3, 6, 2, 4, 16, 20
VENDOR, CLASS, DIGEST, SLOT, SIZE, URI = 1, 2, 3, 5, 14, 21
VENDOR_MATCH, CLASS_MATCH, SLOT_MATCH, SELECT, TRY_EACH, OVERRIDE, FETCH = 1, 2, 5, 12, 15, 20, 21
EDDSA, ECDSA_P256 = (-8, -19), (-7, -9)
MARKS = {-1: "rc", -2: "beta", -3: "alpha"}


class Refused(Exception):
    """Why the manifest is not for this child; the child does not tell."""


def check(holds, why):
    if not holds:
        raise Refused(why)


@dataclass(frozen=True)
class Identity:
    vendor_domain: str
    class_name: str
    slot: int = 0

    @property
    def vendor(self):
        return uuid.uuid5(uuid.NAMESPACE_DNS, self.vendor_domain)

    @property
    def product_class(self):
        return uuid.uuid5(self.vendor, self.class_name)


@dataclass
class Order:
    sequence: int
    version: str
    fetches: list = field(default_factory=list)  # (uri, digest, size) in order


def _of_bstr(content):
    return hashlib.sha256(cbor2.dumps(content)).digest()


def _verify(members, key):
    wrapper = cbor2.loads(members[WRAPPER])
    check(len(wrapper) > 1, "unsigned")
    algorithm, digest = cbor2.loads(wrapper[0])
    check(algorithm == SHA256 and digest == _of_bstr(members[MANIFEST]), "digest of the manifest")
    block = cbor2.loads(wrapper[1])
    check(block.tag == SIGN1_TAG, "no COSE_Sign1")
    protected, _, _, signature = block.value
    message = cbor2.dumps(["Signature1", protected, b"", wrapper[0]])
    try:
        _verify_signature(key, cbor2.loads(protected)[1], message, signature)
    except InvalidSignature as error:
        raise Refused("signature") from error


def _verify_signature(key, algorithm, message, signature):
    if isinstance(key, ed25519.Ed25519PublicKey) and algorithm in EDDSA:
        key.verify(signature, message)
    elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm in ECDSA_P256 and len(signature) == 64:
        numbers = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        key.verify(encode_dss_signature(*numbers), message, ec.ECDSA(hashes.SHA256()))
    else:
        raise Refused("algorithm")


def load_key(file):
    with open(file, "rb") as pem:
        return serialization.load_pem_public_key(pem.read())


class _Run:
    """The commands of a manifest, carried out as far as a child needs."""

    def __init__(self, identity, components):
        self.identity, self.parameters, self.at = identity, [{} for _ in components], [0]
        self.fetches = []

    def run(self, sequence):
        commands = cbor2.loads(sequence)
        for command, argument in zip(commands[::2], commands[1::2]):
            if command == SELECT:
                self._select(argument)
            for position in self.at if command != SELECT else ():
                self._do(command, argument, self.parameters[position])

    def _select(self, argument):
        everything = list(range(len(self.parameters)))
        self.at = everything if argument is True else argument if isinstance(argument, list) else [argument]
        check(all(each in everything for each in self.at), "component index")

    def _do(self, command, argument, parameters):
        if command == OVERRIDE:
            parameters.update(argument)
        elif command == VENDOR_MATCH:
            check(parameters.get(VENDOR) == self.identity.vendor.bytes, "vendor")
        elif command == CLASS_MATCH:
            check(parameters.get(CLASS) == self.identity.product_class.bytes, "class")
        elif command == SLOT_MATCH:
            check(parameters.get(SLOT) == self.identity.slot, "slot")
        elif command == TRY_EACH:
            self._try(argument)
        elif command == FETCH:
            algorithm, digest = cbor2.loads(parameters[DIGEST])
            check(algorithm == SHA256, "digest algorithm")
            self.fetches.append((parameters[URI], digest, parameters[SIZE]))

    def _try(self, alternatives):
        for each in alternatives:
            try:
                self.run(each)
                return
            except Refused:
                continue
        raise Refused("no alternative fits")


def version_text(parts):
    text = ""
    for part in parts:
        text += f"-{MARKS[part]}" if part in MARKS else f".{part}" if text else str(part)
    return text


def read(envelope, key, identity, sequence):
    """What to do. `sequence`: the last that was taken. Refused tells why not."""
    try:
        members = cbor2.loads(envelope)
        check(getattr(members, "tag", 0) == ENVELOPE_TAG, "no envelope")
        members = members.value
        _verify(members, key)
        return _order(members, identity, sequence)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, cbor2.CBORDecodeError) as error:
        raise Refused(f"malformed: {error!r}") from error


def _order(members, identity, sequence):
    manifest = cbor2.loads(members[MANIFEST])
    check(manifest[SEQUENCE] > sequence, "sequence number")
    common = cbor2.loads(manifest[COMMON])
    run = _Run(identity, common[COMPONENTS])
    run.run(common[SHARED])
    for name in (PAYLOAD_FETCH, INSTALL):
        section = manifest.get(name)
        if isinstance(section, list):  # severed: its digest
            check(section[1] == _of_bstr(members[name]), "digest of a severed member")
            section = members[name]
        if section:
            run.run(section)
    version = manifest.get(SET_VERSION)
    return Order(manifest[SEQUENCE], version_text(cbor2.loads(version)) if version else str(manifest[SEQUENCE]),
                 run.fetches)
