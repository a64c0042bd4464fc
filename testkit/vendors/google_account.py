"""A service account of Google's that the emulators know: its key file, and the check of what it signs.

It opens nothing but the emulators, so it may stand in any file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PROJECT = "emulated-shop"
EMAIL = "robot@emulated-shop.iam.gserviceaccount.com"
KEY_ID = "emulator-key-1"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_LIFE = 3600
PRIMES = (
    ("eaed233e1f49fa7a0aebab1603fa825af0a7fbb7afa594bf9330393883e61ede7ef2b2747254eea26fc8f99f22e637ffac17"
    "d2023e2cf18af1b42f96393fc2107b8dff29b0f6df9613579c2586dacb35a2d4ebc195df6d78eed9bc328b730169fb04a99f"
    "fb0b4421a62337d7d924f52c782eca4d3a2f11eb15bbbe4bc8b40bd7"),
    ("e277f299e71301900237d9050d2b9e1577474a2755a8309915847a4b4fb6b50560f4571b748c1ca14ca99c23ee4546cb493c"
    "5a3cdf24463f0eec99f78ee31b89cd1a6da37a122f132d62a9c41548d0df574540ba73211450fc61c136f57853c5a4d160cb"
    "7cc5849b7ba918cfae577be958e0c6ef505035d0adb5558023fc8ec7"),
)
"""Of the account's RSA key: every process has the same."""


@cache
def key() -> rsa.RSAPrivateKey:
    """The account's key."""
    p, q = (int(prime, 16) for prime in PRIMES)
    public = rsa.RSAPublicNumbers(65537, p * q)
    d = pow(public.e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


def key_file(**more: Any) -> str:
    """The key file as an administrator downloads it; `more` replaces members."""
    return json.dumps({
        "type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID,
        "private_key": key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": EMAIL, "client_id": "100000000000000000001", "token_uri": TOKEN_URI, **more,
    })


def assertion_problem(form: Mapping[str, str], scope: str, now: float) -> str:
    """Google's word for what is wrong with a token request; "" where it is good."""
    if form.get("grant_type") != GRANT:
        return "unsupported_grant_type"
    try:
        claims = jwt.decode(form.get("assertion", ""), key().public_key(), algorithms=["RS256"], audience=TOKEN_URI,
                            options={"verify_exp": False, "verify_iat": False})
    except jwt.InvalidTokenError:
        return "invalid_grant"
    if claims.get("iss") != EMAIL or not now < claims.get("exp", 0) <= claims.get("iat", 0) + MAX_LIFE:
        return "invalid_grant"
    return "" if scope in str(claims.get("scope", "")).split() else "invalid_scope"
