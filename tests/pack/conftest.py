# SPDX-License-Identifier: Apache-2.0
"""A workshop: headgate-pack in an empty directory, with keys on demand."""

import os
import subprocess
from pathlib import Path

import pytest
import suit_author
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

SOURCES = Path(os.environ["HEADGATE_SOURCE_DIR"])
PACK = Path(os.environ["HEADGATE_BIN"]) / "headgate-pack"
IMAGES = SOURCES / "tests/vectors/mcuboot"


class Workshop:
    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return self.directory / name

    def read(self, name):
        return self.path(name).read_bytes()

    def write(self, name, content):
        self.path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def run(self, *words):
        """The finished process, whatever came of it."""
        return subprocess.run([PACK, *map(str, words)], cwd=self.directory, capture_output=True, text=True, timeout=60)

    def pack(self, *words):
        """What it says when all goes well."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *words):
        """The one line on standard error when it fails."""
        done = self.run(*words)
        assert done.returncode == 1, done
        assert done.stderr.startswith("headgate-pack: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr.removeprefix("headgate-pack: ").rstrip()

    def key(self, name, algorithm="ESP256"):
        """name.pem, name.pub; the public key."""
        return suit_author.make_key(algorithm, self.path(f"{name}.pem"), self.path(f"{name}.pub")).public_key()

    def recipient(self, name, curve="P-256"):
        """The private key of one who may decrypt; its public half is name.pub."""
        curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
        key = x25519.X25519PrivateKey.generate() if curve == "X25519" else ec.generate_private_key(curves[curve])
        pem = serialization.Encoding.PEM
        self.write(f"{name}.pem", key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.write(f"{name}.pub", key.public_key().public_bytes(
            pem, serialization.PublicFormat.SubjectPublicKeyInfo))
        return key

    def image(self, name):
        """One of imgtool's, under its own name."""
        self.write(name, (IMAGES / name).read_bytes())
        return name


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path)
