# SPDX-License-Identifier: Apache-2.0
"""A vendor's keys, and what is signed with them, for a gateway of tests/spine: roots, heads, permits, grants and envelopes
with any signers. Authored by tests/author, which has no code of headgate.

    vault = Vault(gateway)
    vault.install_root(keys=[vault.key("chief", "root"), vault.key("anna", "author", prefixes=["boiler"])],
                       sign=["chief"])
"""

import hashlib
import time

import cbor2
import suit_author
import trust_author

DAY = 86400
WRAPPER, MANIFEST = 2, 3  # members of a SUIT envelope


class Vault:
    def __init__(self, gateway):
        self._gateway = gateway
        self._directory = gateway.directory / "vault"
        self._directory.mkdir()
        self.root_file = gateway.directory / "root.hgr"

    def pem(self, name):
        """The private key of that name; made when it is first asked for. Also the signer of Gateway.publish()."""
        file = self._gateway.directory / f"{name}.pem"
        if not file.exists():
            trust_author.make_key(file)
        return file

    def key(self, name, *roles, **more):
        """A line of a root."""
        return trust_author.key(name=name, pem=self.pem(name), roles=list(roles), **more)

    def _sign(self, names):
        return [self.pem(name) for name in names]

    def root(self, keys, sign, **more):
        return trust_author.root(keys=keys, sign=self._sign(sign), **more)

    def head(self, sign, entries, **more):
        return trust_author.head(sign=self._sign(sign), entries=entries, **more)

    def permit(self, sign, **more):
        return trust_author.permit(sign=self._sign(sign), **more)

    def grant(self, sign, gateway_key, **more):
        return trust_author.grant(sign=self._sign(sign), gateway=self.pem(gateway_key), **more)

    def install_root(self, **root):
        """Before the daemon starts: the administrator's first root."""
        self.root_file.write_bytes(self.root(**root))
        self._gateway.trust = f'root = "{self.root_file}"\n'

    def write(self, record, name="record"):
        """A file for `headgatectl trust import`."""
        file = self._directory / name
        file.write_bytes(record)
        return file

    def importing(self, record):
        """What headgatectl says of a record: exit status, and all that it wrote."""
        done = self._gateway.ctl_result("trust", "import", self.write(record))
        return done.returncode, done.stdout + done.stderr

    def signing_too(self, *names):
        """For Gateway.publish(change=...): the same envelope with more signatures."""
        def change(envelope):
            members = dict(cbor2.loads(envelope).value)
            digest, *blocks = cbor2.loads(members[WRAPPER])
            for name in names:
                key = suit_author.load_key(self.pem(name))
                blocks.append(suit_author.wrap(suit_author.sign1(key, "ESP256", digest)))
            members[WRAPPER] = suit_author.wrap([digest, *blocks])
            return suit_author.encode(cbor2.CBORTag(suit_author.ENVELOPE_TAG, members))

        return change


def entry_of(deliverable, product="boiler", **more):
    """A line of a head for what Gateway.publish() gave."""
    manifest = cbor2.loads(deliverable.envelope.read_bytes()).value[MANIFEST]
    return trust_author.entry(product=product, sequence=deliverable.sequence,
                              manifest=hashlib.sha256(cbor2.dumps(manifest)).digest(), **more)


def now():
    return int(time.time())
