"""A certificate authority for the time of a test, which nobody else trusts."""

import datetime as dt
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM format. `fingerprint` is the SHA-256 of the certificate, 64 hexadecimal digits."""

    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """`path` is its certificate: OpenSSL trusts it where SSL_CERT_FILE names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._issued = 0
        start = dt.datetime.now(dt.UTC) - _DAY
        own = self._builder(self._name, self._key.public_key(), start, 2 * _DAY, self._name)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.path = folder / "authority.pem"
        self.path.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(
        self, *hosts: str, expired: bool = False, self_signed: bool = False, name: str = "mail.test"
    ) -> Certificate:
        """For names and addresses. An expired one ended yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        start = dt.datetime.now(dt.UTC) - (10 * _DAY if expired else _DAY)
        builder = self._builder(subject, key.public_key(), start, 9 * _DAY, subject if self_signed else self._name)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        signed = builder.add_extension(names, critical=False).sign(key if self_signed else self._key, hashes.SHA256())
        self._issued += 1
        certificate = self._folder / f"{name}-{self._issued}.pem"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        path = self._folder / f"{name}-{self._issued}.key"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        der = signed.public_bytes(serialization.Encoding.DER)
        return Certificate(certificate, path, sha256(der).hexdigest())

    @staticmethod
    def _builder(
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        start: dt.datetime,
        lasts: dt.timedelta,
        issuer: x509.Name,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + lasts)
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
