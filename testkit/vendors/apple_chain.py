"""Signed data as Apple gives it: a chain of test certificates with Apple's markers, and JWS made with its leaf."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from testkit.vendors.credentials import derived_key

LEAF_MARKER = ObjectIdentifier("1.2.840.113635.100.6.11.1")
INTERMEDIATE_MARKER = ObjectIdentifier("1.2.840.113635.100.6.2.1")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3650)
MARK = b"\x05\x00"


class Chain(NamedTuple):
    """Certificates from leaf to root, and the leaf's key."""

    certificates: tuple[x509.Certificate, x509.Certificate, x509.Certificate]
    key: ec.EllipticCurvePrivateKey

    @property
    def x5c(self) -> list[str]:
        """As it stands in the header of a JWS."""
        return [b64encode(one.public_bytes(Encoding.DER)).decode() for one in self.certificates]

    @property
    def root(self) -> bytes:
        """The root in DER: what a verifier is told to trust instead of Apple's own."""
        return self.certificates[2].public_bytes(Encoding.DER)

    def sign(self, payload: Mapping[str, Any]) -> str:
        """A compact JWS."""
        return jwt.encode(dict(payload), self.key, algorithm="ES256", headers={"x5c": self.x5c})


@cache
def chain() -> Chain:
    """The chain of this process; its keys are the same in all."""
    root_key, middle_key, leaf_key = (derived_key(f"app store {name}") for name in ("root", "intermediate", "leaf"))
    root = _certificate("Emulated Root CA", root_key, "Emulated Root CA", root_key, authority=True, number=1)
    middle = _certificate("Emulated Intermediate", middle_key, "Emulated Root CA", root_key, authority=True, number=2,
                          marker=INTERMEDIATE_MARKER)
    leaf = _certificate("Emulated Store Signing", leaf_key, "Emulated Intermediate", middle_key, authority=False,
                        number=3, marker=LEAF_MARKER)
    return Chain((leaf, middle, root), leaf_key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text),
                      x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Vendor emulators")])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *,
    authority: bool, number: int, marker: ObjectIdentifier | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
        .serial_number(number).not_valid_before(BEGIN - timedelta(days=365)).not_valid_after(BEGIN + YEARS)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(authority=authority), critical=True)
    )
    if marker is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(marker, MARK), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )
