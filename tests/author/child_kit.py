# SPDX-License-Identifier: Apache-2.0
"""The gateway's and the child's part in the child kit's mutual identification, written from docs/child-protocol.md with
Debian's python3-cbor2 and python3-cryptography and no code of headgate, so that the kit in C and this can only agree
through that document.

    gateway = Gateway(HmacKey(b"k1", secret))
    claims = gateway.judge(ask(IDENTIFY, gateway.challenge()))    # NotProven unless the child's MAC holds
    ask(PROVE, gateway.proof())

With signatures the child's key (public half) judges and the gateway's own proves: Gateway(child_key, own_key).
"""

import hashlib
import hmac
import os

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

GROUP = 18503
IDENTIFY, PROVE, STATUS, OFFER, NOTICE, CONFIRM_ALL = range(6)
FAILED, INVALID, TOO_NEW, UNPROVEN, NO_KEY, NO_CHALLENGE, WRONG_PROOF, OTHER_KEY, MISMATCH, NOT_CONFIRMED = range(1, 11)
HMAC_SHA256, ES256, EDDSA = 5, -7, -8
CHILD_CONTEXT, GATEWAY_CONTEXT = "headgate child 1", "headgate gateway 1"


class NotProven(Exception):
    """The child's answer proves nothing; the text says why."""


class HmacKey:
    algorithm = HMAC_SHA256

    def __init__(self, key_id, secret):
        self.key_id, self.secret = key_id, secret

    def tag(self, message):
        return hmac.new(self.secret, message, hashlib.sha256).digest()

    def holds(self, message, tag):
        return hmac.compare_digest(self.tag(message), tag)


class SigningKey:
    """P-256 or Ed25519 from a PEM file, private to sign with, either half to judge by."""

    def __init__(self, key_id, pem):
        self.key_id = key_id
        if b"PRIVATE" in pem:
            self.private = serialization.load_pem_private_key(pem, None)
            self.public = self.private.public_key()
        else:
            self.private, self.public = None, serialization.load_pem_public_key(pem)
        self.algorithm = EDDSA if isinstance(self.public, ed25519.Ed25519PublicKey) else ES256

    def tag(self, message):
        if self.algorithm == EDDSA:
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def holds(self, message, tag):
        try:
            if len(tag) != 64:
                return False
            if self.algorithm == EDDSA:
                self.public.verify(tag, message)
            else:
                numbers = int.from_bytes(tag[:32], "big"), int.from_bytes(tag[32:], "big")
                self.public.verify(encode_dss_signature(*numbers), message, ec.ECDSA(hashes.SHA256()))
            return True
        except InvalidSignature:
            return False


def child_message(gateway_nonce, says):
    """What the child's MAC or signature covers."""
    return cbor2.dumps([CHILD_CONTEXT, gateway_nonce, says])


def gateway_message(key_id, gateway_nonce, child_nonce, child_id):
    """What the gateway's MAC or signature covers."""
    return cbor2.dumps([GATEWAY_CONTEXT, key_id, gateway_nonce, child_nonce, child_id])


class Gateway:
    """One mutual identification, seen from the gateway. The bodies are dicts."""

    def __init__(self, child_key, own_key=None, nonce=None):
        self.child_key, self.own_key = child_key, own_key or child_key
        self.nonce = os.urandom(32) if nonce is None else nonce
        self.claims = None

    def challenge(self):
        return {"v": 1, "nonce": self.nonce}

    def judge(self, answer):
        """The claims of a child that has proven them, as a dict."""
        claims = cbor2.loads(answer["says"])
        if "mac" not in answer:
            raise NotProven("claimed only")
        if claims.get("kid") != self.child_key.key_id or claims.get("alg") != self.child_key.algorithm:
            raise NotProven("another key or algorithm")
        if not 16 <= len(claims.get("nonce", b"")) <= 32:
            raise NotProven("no nonce of its own")
        if not self.child_key.holds(child_message(self.nonce, answer["says"]), answer["mac"]):
            raise NotProven("wrong MAC")
        self.claims = claims
        return claims

    def proof(self):
        message = gateway_message(self.own_key.key_id, self.nonce, self.claims["nonce"], self.claims["id"])
        return {"v": 1, "kid": self.own_key.key_id, "mac": self.own_key.tag(message)}


def answer_of_child(key, gateway_nonce, child_nonce, claims):
    """The child's answer to identify; `claims` in the order in which they shall be encoded."""
    says = cbor2.dumps({"v": 1} | claims | {"alg": key.algorithm, "kid": key.key_id, "nonce": child_nonce})
    return {"says": says, "mac": key.tag(child_message(gateway_nonce, says))}
