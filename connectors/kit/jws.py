"""Signed payloads that bring their certificates (JWS with x5c): read them, or trust them for a reason."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from warnings import catch_warnings

import jwt
import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DuplicateExtension,
    ExtensionNotFound,
    InvalidVersion,
    ObjectIdentifier,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
    load_pem_x509_certificate,
)

UNFIT = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, InvalidVersion, ExtensionNotFound,
         DuplicateExtension, UnsupportedGeneralNameType)
"""What the cryptography package says to certificates that somebody made up."""
CHAIN_LENGTH = 3
MAX_LENGTH = 65_536
"""Longest text that is looked at: a signed transaction has about 3,000 characters."""


class UntrustedError(ValueError):
    """A signed payload that cannot be believed; the message says why and repeats nothing of it."""


class Trust(NamedTuple):
    """Who may sign: a root, known by its fingerprint, and marks that its certificates must carry."""

    root: bytes
    """SHA-256 of the root certificate (DER)."""
    intermediate_mark: str
    """Object identifier of an extension."""
    leaf_mark: str


def is_certificate(pem: str) -> bool:
    """Whether a text is a certificate in PEM."""
    try:
        load_pem_x509_certificate(pem.encode())
    except ValueError:
        return False
    return True


def fingerprint(pem: str) -> bytes:
    """The SHA-256 of a certificate in PEM, as `Trust` wants it."""
    return load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256())


def payload(token: str) -> Mapping[str, Any]:
    """What a compact JWS says, unchecked: for answers whose sender TLS has proven."""
    return _object(_parts(token)[1])


def verified_payload(token: str, trust: Trust, now: float) -> Mapping[str, Any]:
    """What a compact JWS says, if its chain leads to the trusted root and was valid at `now`.

    Raises UntrustedError otherwise.
    """
    header, body = (_object(part) for part in _parts(token)[:2])
    if header.get("alg") != "ES256":
        raise UntrustedError("it is not signed with ES256")
    leaf, intermediate, root = _chain(header.get("x5c"))
    if root.fingerprint(hashes.SHA256()) != trust.root:
        raise UntrustedError("its certificates end at another root")
    _check_issued(leaf, intermediate)
    _check_issued(intermediate, root)
    _check_mark(leaf, trust.leaf_mark)
    _check_mark(intermediate, trust.intermediate_mark)
    _check_dates((leaf, intermediate, root), datetime.fromtimestamp(now, UTC))
    _check_signature(token, leaf)
    return body


def _parts(token: str) -> Sequence[str]:
    parts = token.split(".") if len(token) <= MAX_LENGTH else ()
    if len(parts) != 3:
        raise UntrustedError("it is no compact JWS")
    return parts


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise UntrustedError("it holds no readable JSON") from None
    if not isinstance(found, dict):
        raise UntrustedError("it holds no JSON object")
    return found


def _chain(texts: object) -> Sequence[Certificate]:
    if not isinstance(texts, list) or len(texts) != CHAIN_LENGTH or not all(isinstance(one, str) for one in texts):
        raise UntrustedError("it does not bring three certificates")
    try:
        # what the library merely frowns at (a serial number that is not positive) is no certificate to trust
        with catch_warnings(action="error"):
            return [load_der_x509_certificate(b64decode(one, validate=True)) for one in texts]
    except (*UNFIT, Warning):
        raise UntrustedError("its certificates cannot be read") from None


def _check_issued(certificate: Certificate, issuer: Certificate) -> None:
    """The issuer signed the certificate and is allowed to."""
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(BasicConstraints).value
    except UNFIT:
        raise UntrustedError("its certificates do not follow from one another") from None
    if not constraints.ca:
        raise UntrustedError("a certificate was issued by one that may not issue any")


def _check_mark(certificate: Certificate, mark: str) -> None:
    try:
        certificate.extensions.get_extension_for_oid(ObjectIdentifier(mark))
    except UNFIT:
        raise UntrustedError(f"a certificate lacks the mark {mark}") from None


def _check_dates(chain: Sequence[Certificate], now: datetime) -> None:
    for certificate in chain:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise UntrustedError("a certificate is not valid at this time")


def _check_signature(token: str, leaf: Certificate) -> None:
    try:
        key = leaf.public_key()
    except UNFIT:
        raise UntrustedError("its certificate holds no readable key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise UntrustedError("its certificate holds no elliptic curve key")
    try:
        jwt.PyJWS().decode(token, key, algorithms=["ES256"])
    except (jwt.exceptions.PyJWTError, ValueError):
        raise UntrustedError("its signature does not fit") from None
