#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Authors trust records for the tests: roots, channel heads, permits, key grants and enrollment lists as docs/trust.md describes them, made
with Debian's python3-cbor2 and python3-cryptography and no code of headgate, so that reader and author can only agree
through that document and RFC 9052.

As a module, every function takes keyword arguments and returns the bytes of a record:

    make_key("anna.pem"); make_key("bert.pem", "Ed25519")
    root(keys=[key(name="anna", pem="anna.pem", roles=["root", "author"], prefixes=["acme/"], offline=True), ...],
         thresholds={"author": 2}, products=[product(prefix="acme/", threshold=2, offline=1)],
         version=1, sign=["anna.pem"])
    head(channel="stable", version=4, issued=NOW, expires=NOW + DAY, sign=["head.pem"],
         entries=[entry(product="acme/boiler", sequence=7, manifest="<64 hex digits>", minimum=5)])
    permit(product="acme/boiler", from_=9, to=7, child="boiler-1", not_after=NOW + DAY, sign=["anna.pem"])
    grant(image="<64 hex digits>", gateway="gateway.pem", content_key="<32 hex digits>", sign=["director.pem"])
    enrollment(name="site-7", version=5, gateway="gateway.pem", forgets=["old-1"], sign=["director.pem"],
               children=[child(id="boiler-1", transport="serial", address="/dev/ttyACM0", profile="mcuboot-swap",
                               vendor="<32 hex digits>", device_class="<32 hex digits>", targets=[["app", 0]],
                               keys=[child_key(use="wrap", pem="boiler.pem"),
                                     child_key(use="link", kid="boiler-1", secret="<32 hex digits>",
                                               gateway="gateway.pem")],
                               group="left", layout="heater", role="burner")])

Times are seconds since 1970, digests and ids bytes or hexadecimal text, keys PEM files (private ones to sign; either
where a public key is meant). `damage` spoils a record in one way; see DAMAGES. As a program, the keyword arguments are
JSON, in which keys, products, entries and children are maps:

    trust_author.py make_keys '{"anna.pem": "ESP256", "bert.pem": "Ed25519"}'
    trust_author.py permit '{"product": "acme/boiler", "from_": 9, "to": 7, "child": "b", "sign": ["anna.pem"]}' -o OUT
"""

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SIGN1_TAG, ENCRYPT_TAG, SIGN_TAG = 18, 96, 98
ROLES = ["root", "author", "director", "head", "gateway"]
CURVES = {"ESP256": ec.SECP256R1(), "ESP384": ec.SECP384R1()}  # Ed25519 is the other one
EC_KEYS = {  # by curve: COSE curve, COSE algorithm, bytes of a coordinate, hash
    "secp256r1": (1, -9, 32, hashes.SHA256()),
    "secp384r1": (2, -51, 48, hashes.SHA384()),
}
ED25519_CURVE, ED25519 = 6, -19
ECDH_ES_A128KW, A128KW, A128GCM, A256GCM = -29, -3, 1, 3
DAY = 86400


def encode(value):
    """Deterministic CBOR (RFC 8949 section 4.2.1): keys in the bytewise order of their encodings."""
    return cbor2.dumps(ordered(value))


def ordered(value):
    if isinstance(value, dict):
        return {each: ordered(value[each]) for each in sorted(value, key=cbor2.dumps)}
    if isinstance(value, (list, tuple)):
        return [ordered(each) for each in value]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, ordered(value.value))
    return value


def octets(value):
    return bytes.fromhex(value) if isinstance(value, str) else bytes(value)


def without_none(fields):
    return {number: value for number, value in fields.items() if value is not None}


# -------------------------------------------------------------------------------------------------------------- keys


def make_key(path, algorithm="ESP256"):
    """Writes a new private key (ESP256, ESP384, Ed25519) in PEM and gives the path back."""
    curve = CURVES.get(algorithm)
    private = ec.generate_private_key(curve) if curve else ed25519.Ed25519PrivateKey.generate()
    Path(path).write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                 serialization.NoEncryption()))
    return path


def make_keys(**algorithms):
    """Several at once: path=algorithm."""
    for path, algorithm in algorithms.items():
        make_key(path, algorithm)


def load_private(pem):
    return serialization.load_pem_private_key(Path(pem).read_bytes(), password=None)


def load_public(pem):
    text = Path(pem).read_bytes()
    return load_private(pem).public_key() if b"PRIVATE" in text else serialization.load_pem_public_key(text)


def key_id(pem):
    """SHA-256 of the SubjectPublicKeyInfo."""
    return hashlib.sha256(load_public(pem).public_bytes(serialization.Encoding.DER,
                                                        serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


def cose_key(public):
    """COSE_Key (RFC 9052 section 7) as a map."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        curve, _, size, _ = EC_KEYS[public.curve.name]
        point = public.public_numbers()
        return {1: 2, -1: curve, -2: point.x.to_bytes(size, "big"), -3: point.y.to_bytes(size, "big")}
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {1: 1, -1: ED25519_CURVE, -2: raw}


# ---------------------------------------------------------------------------------------------------------- payloads


def key(name, pem, roles, prefixes=None, not_before=None, not_after=None, offline=False, more=None):
    """One key of a root; `more` are further members of its COSE_Key (by number), or others in place of the right ones."""
    members = {**cose_key(load_public(pem)), **{int(label): value for label, value in (more or {}).items()}}
    return without_none({1: name, 2: encode(members), 3: [ROLES.index(role) for role in roles], 4: prefixes or None,
                         5: not_before, 6: not_after, 7: True if offline else None})


def product(prefix, threshold, offline=0):
    """How many authors, and how many offline ones among them, a product needs."""
    return without_none({1: prefix, 2: threshold, 3: offline or None})


def entry(product, sequence, manifest, minimum=0):
    """One manifest (by its SHA-256) that is current in a channel."""
    return without_none({1: product, 2: sequence, 3: octets(manifest), 4: minimum or None})


def made(maker, values):
    """Maps of JSON become what `maker` makes of them."""
    return [maker(**value) if all(isinstance(field, str) for field in value) else value for value in values]


def root(keys, sign, thresholds=None, products=(), version=1, issued=None, damage=None):
    counts = [(thresholds or {}).get(role, 1) for role in ROLES]
    return record("root", {1: 1, 2: version, 3: int(time.time()) if issued is None else issued, 4: counts,
                           5: made(key, keys), 6: made(product, products) or None}, sign, damage)


def head(sign, channel="stable", version=1, issued=None, expires=None, entries=(), damage=None):
    issued = int(time.time()) if issued is None else issued
    return record("head", {1: 1, 2: channel, 3: version, 4: issued, 5: issued + DAY if expires is None else expires,
                           6: made(entry, entries) or None}, sign, damage)


def permit(product, from_, to, sign, child=None, device_class=None, not_after=None, id=None, damage=None):
    """For one child by its id, or for a class by its 16 bytes; `id` is by chance unless given."""
    return record("permit", {1: 1, 2: octets(id) if id else os.urandom(16), 3: product, 4: from_, 5: to,
                             6: int(time.time()) + DAY if not_after is None else not_after, 7: child,
                             8: octets(device_class) if device_class else None}, sign, damage)


def grant(image, gateway, content_key, sign, algorithm=A128GCM, iv=bytes(12), not_after=None, recipients=1,
          damage=None):
    """`content_key`, which the image with this SHA-256 is encrypted with, for the P-256 key in the file `gateway`."""
    wrapped = encrypted_key(octets(content_key), load_public(gateway), algorithm, octets(iv), recipients)
    return record("grant", {1: 1, 2: octets(image), 3: key_id(gateway), 4: wrapped,
                            5: int(time.time()) + DAY if not_after is None else not_after}, sign, damage)


USES = ["wrap", "identify", "link"]


def child_key(use, kid=None, pem=None, secret=None, gateway=None):
    """The public half in the file `pem`, or a secret (16 or 32 bytes) wrapped for the key in the file `gateway`."""
    public = load_public(pem).public_bytes(serialization.Encoding.DER,
                                           serialization.PublicFormat.SubjectPublicKeyInfo) if pem else None
    wrapped = None
    if secret is not None:
        size = {16: A128GCM, 32: A256GCM}[len(octets(secret))]
        wrapped = encrypted_key(octets(secret), load_public(gateway), size, bytes(12), 1)
    return without_none({1: USES.index(use), 2: kid, 3: public, 4: wrapped})


def child(id, transport, address, profile, vendor, device_class, targets=None, keys=(), group=None, layout=None,
          role=None):
    membership = {1: group, 2: layout, 3: role} if group else None
    return without_none({1: id, 2: transport, 3: address, 4: profile, 5: octets(vendor), 6: octets(device_class),
                         7: targets or None, 8: made(child_key, keys) or None, 9: membership})


def enrollment(name, sign, version=1, gateway=None, not_after=None, children=(), forgets=None, damage=None):
    """Children that are made known to the gateway with the key in the file `gateway`, or to all; and that go."""
    return record("enrollment", {1: 1, 2: name, 3: version, 4: key_id(gateway) if gateway else None, 5: not_after,
                                 6: made(child, children) or None, 7: forgets or None}, sign, damage)


def encrypted_key(content_key, public, algorithm, iv, recipients):
    """COSE_Encrypt (draft-ietf-suit-firmware-encryption): ECDH-ES + A128KW, nothing of the image in it. AES-CTR
    (numbers below -65530) does not authenticate, so its algorithm stands in the unprotected header (RFC 9459)."""
    is_counter = algorithm < -65530
    protected, unprotected = (b"", {1: algorithm, 5: iv}) if is_counter else (encode({1: algorithm}), {5: iv})
    items = [recipient(content_key, public) for _ in range(recipients)]
    return encode(cbor2.CBORTag(ENCRYPT_TAG, [protected, unprotected, None, items]))


def recipient(content_key, public):
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    protected = encode({1: ECDH_ES_A128KW})
    nobody = [None, None, None]
    context = encode([A128KW, nobody, nobody, [128, protected, b"SUIT Payload Encryption"]])
    kek = HKDF(hashes.SHA256(), 16, None, context).derive(ephemeral.exchange(ec.ECDH(), public))
    return [protected, {-1: cose_key(ephemeral.public_key())}, keywrap.aes_key_wrap(kek, content_key)]


# --------------------------------------------------------------------------------------------------------- signatures


def content_type(kind):
    return f"application/vnd.headgate.{kind}+cbor"


def signature_over(pem, context, headers, payload):
    """The COSE_Signature's algorithm and bytes; `headers` come before the payload in Sig_structure."""
    private = load_private(pem)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        protected = encode({1: ED25519})
        return protected, private.sign(encode([context, *headers, protected, b"", payload]))
    _, algorithm, size, hash_ = EC_KEYS[private.curve.name]
    protected = encode({1: algorithm})
    r, s = decode_dss_signature(private.sign(encode([context, *headers, protected, b"", payload]), ec.ECDSA(hash_)))
    return protected, r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign_message(body, payload, sign):
    """COSE_Sign with attached payload; no kid, so that every byte of it is covered."""
    signatures = []
    for pem in sign:
        protected, signature = signature_over(pem, "Signature", [body], payload)
        signatures.append([protected, {}, signature])
    return [body, {}, payload, signatures]


def record(kind, fields, sign, damage=None):
    payload = encode(without_none(fields))
    if damage:
        return DAMAGES[damage](kind, payload, sign)
    return tagged(sign_message(encode({3: content_type(kind)}), payload, sign))


def tagged(message):
    return encode(cbor2.CBORTag(SIGN_TAG, message))


# ------------------------------------------------------------------------------------------------------------ damage


def good(kind, payload, sign):
    return sign_message(encode({3: content_type(kind)}), payload, sign)


def wrong_signature(kind, payload, sign):
    """One bit of the last signature turned."""
    message = good(kind, payload, sign)
    signature = bytearray(message[3][-1][2])
    signature[7] ^= 1
    message[3][-1][2] = bytes(signature)
    return tagged(message)


def tampered(kind, payload, sign):
    """The last byte of the payload changed after it was signed."""
    message = good(kind, payload, sign)
    message[2] = payload[:-1] + bytes([payload[-1] ^ 1])
    return tagged(message)


def unsigned(kind, payload, sign):
    return tagged([*good(kind, payload, sign)[:3], []])


def signed_twice(kind, payload, sign):
    """Each key signs again: two good signatures by one key."""
    return tagged(good(kind, payload, [*sign, *sign]))


def another_kind(kind, payload, sign):
    """Well signed, as the next kind of record."""
    kinds = ["root", "head", "permit", "grant", "enrollment"]
    return tagged(good(kinds[(kinds.index(kind) + 1) % 5], payload, sign))


def unknown_kind(kind, payload, sign):
    return tagged(good("wish", payload, sign))


def no_kind(kind, payload, sign):
    return tagged(sign_message(b"", payload, sign))


def unprotected_kind(kind, payload, sign):
    message = sign_message(b"", payload, sign)
    message[1] = {3: content_type(kind)}
    return tagged(message)


def detached(kind, payload, sign):
    message = good(kind, payload, sign)
    message[2] = None
    return tagged(message)


def sign1(kind, payload, sign):
    """A COSE_Sign1 by the first key."""
    body = encode({1: -9, 3: content_type(kind)})
    signature = load_private(sign[0]).sign(encode(["Signature1", body, b"", payload]), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    return encode(cbor2.CBORTag(SIGN1_TAG, [body, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def trailing(kind, payload, sign):
    return tagged(good(kind, payload, sign)) + b"\0"


def trailing_inside(kind, payload, sign):
    """A byte after the payload's map, well signed."""
    return tagged(good(kind, payload + b"\0", sign))


def unknown_field(kind, payload, sign):
    return tagged(good(kind, encode({**cbor2.loads(payload), 99: "?"}), sign))


def format_2(kind, payload, sign):
    return tagged(good(kind, encode({**cbor2.loads(payload), 1: 2}), sign))


def off_curve(kind, payload, sign):
    """The last key of a root (of an elliptic curve) with one bit of y turned: a point that is not on the curve."""
    fields = cbor2.loads(payload)
    point = cbor2.loads(fields[5][-1][2])
    point[-3] = point[-3][:-1] + bytes([point[-3][-1] ^ 1])
    fields[5][-1][2] = encode(point)
    return tagged(good(kind, encode(fields), sign))


DAMAGES = {each.__name__.replace("_", "-"): each
           for each in (wrong_signature, tampered, unsigned, signed_twice, another_kind, unknown_kind, no_kind,
                        unprotected_kind, detached, sign1, trailing, trailing_inside, unknown_field, format_2,
                        off_curve)}


# ------------------------------------------------------------------------------------------------------ command line


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    makers = {each.__name__: each for each in (make_keys, root, head, permit, grant, enrollment)}
    parser.add_argument("what", choices=makers)
    parser.add_argument("arguments", type=json.loads, help="keyword arguments as JSON")
    parser.add_argument("-o", "--output")
    given = parser.parse_args(words)
    made_bytes = makers[given.what](**given.arguments)
    if given.output:
        Path(given.output).write_bytes(made_bytes)


if __name__ == "__main__":
    main(sys.argv[1:])
