"""Certificates and signatures made for a test: a chain of root, intermediate and leaf, and what its leaf signs."""

from __future__ import annotations

import ipaddress
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key as text."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


class Chain(NamedTuple):
    """Leaf, intermediate and root, in the order in which a signature brings them."""

    leaf: Issued
    intermediate: Issued
    root: Issued

    def sign(self, payload: Mapping[str, Any], algorithm: str = "ES256") -> str:
        """A compact JWS of `payload` with the whole chain in its header."""
        x5c = [b64encode(one.certificate.public_bytes(serialization.Encoding.DER)).decode() for one in self]
        return jwt.encode(dict(payload), self.leaf.key, algorithm=algorithm, headers={"x5c": x5c})


def issue(
    name: str, issuer: Issued | None = None, *, now: float, days: int = 365, ca: bool = True,
    marks: Sequence[str] = (), hosts: Sequence[x509.GeneralName] = (),
) -> Issued:
    """A certificate that `issuer` signed, or that signs itself, valid from a day before `now`; for `hosts`, if any."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder().subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    for mark in marks:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(mark), b"\x05\x00"), False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def chain(*, now: float, intermediate_mark: str, leaf_mark: str) -> Chain:
    """A sound chain whose certificates carry the marks."""
    root = issue("Test Root", now=now, days=3650)
    intermediate = issue("Test Intermediate", root, now=now, marks=[intermediate_mark])
    return Chain(issue("Test Leaf", intermediate, now=now, ca=False, marks=[leaf_mark]), intermediate, root)


LOOPBACK = (x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"))


def loopback(folder: Path, *, now: float) -> tuple[str, ssl.SSLContext]:
    """A server's TLS on this machine: the file of the authority to trust, written into `folder`, and its context."""
    made = issue("loopback", now=now, days=2, hosts=LOOPBACK)
    public, both = folder / "ca.pem", folder / "both.pem"
    public.write_text(made.pem)
    both.write_text(made.pem + made.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return str(public), context
