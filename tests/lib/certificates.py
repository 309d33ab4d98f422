# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, and what it vouches for."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Files: NAME-ca.pem, and for each server SERVER.pem and SERVER.key."""

    def __init__(self, directory, name="test"):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"headgate {name} authority")])
        self.certificate_file = directory / f"{name}-ca.pem"
        certificate = self._certificate(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(
            x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                          encipher_only=False, decipher_only=False), critical=True)
        self._write_certificate(self.certificate_file, certificate.sign(self._key, hashes.SHA256()))

    def vouch_for(self, server, names=("localhost",), addresses=("127.0.0.1", "::1")):
        """(certificate file, key file) of a server with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        certificate = self._certificate(subject, key.public_key()).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(
            x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        certificate_file = self._directory / f"{server}.pem"
        key_file = self._directory / f"{server}.key"
        self._write_certificate(certificate_file, certificate.sign(self._key, hashes.SHA256()))
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        key_file.chmod(0o600)
        return certificate_file, key_file

    def _certificate(self, subject, public_key):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public_key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=2))
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                               critical=False))

    @staticmethod
    def _write_certificate(path, certificate):
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
