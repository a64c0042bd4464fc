"""Credentials in the forms that vendors want: Basic, bearer, OAuth2 client credentials, signed JWTs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from connectors.kit.errors import Misconfigured
from connectors.kit.http import Request, Response, Token, TokenFlow, post


def basic(user: str, password: SecretStr | str) -> str:
    """The value of an Authorization header, scheme Basic (RFC 7617, UTF-8)."""
    secret = password.get_secret_value() if isinstance(password, SecretStr) else password
    return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()


def bearer(token: SecretStr | str) -> str:
    """The value of an Authorization header, scheme Bearer (RFC 6750)."""
    return "Bearer " + (token.get_secret_value() if isinstance(token, SecretStr) else token)


def starts_with(secret: SecretStr, *prefixes: str) -> bool:
    """Whether a credential starts with one of the prefixes by which its vendor tells kinds and modes apart."""
    return secret.get_secret_value().startswith(prefixes)


def client_credentials(
    request: Request, now: float, *, lifetime: float | None = None, early: float = 60.0, address_member: str = ""
) -> TokenFlow:
    """OAuth2 client credentials (RFC 6749, 4.4): send `request`, read access_token and expires_in.

    `lifetime` in seconds stands in where the vendor sends no expires_in; the token is renewed `early`
    seconds before its end. `address_member` names where the answer says which host takes the token.
    """
    response: Response = yield request._replace(effect=False)
    value = response.member("access_token")
    if not isinstance(value, str):
        raise Misconfigured("no_access_token", "the token answer holds no access_token", status=response.status)
    told = _seconds(response.member("expires_in"))
    life = lifetime if told is None else told
    home = response.member(address_member) if address_member else None
    ends = float("inf") if life is None else now + max(life - early, life / 2)
    return Token(value, ends, home if isinstance(home, str) else "")


def _seconds(value: Any) -> float | None:
    """A lifetime as vendors write it, number or text; None where it says nothing."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def client_credentials_form(url: str, client_id: str, client_secret: SecretStr, **more: str) -> Request:
    """The usual token request: form-encoded, credentials in the body."""
    form = {"grant_type": "client_credentials", "client_id": client_id,
            "client_secret": client_secret.get_secret_value(), **more}
    return post(url, form=form, step="token", effect=False)


def signed_jwt(
    private_key: SecretStr, claims: Mapping[str, Any], *, algorithm: str, headers: Mapping[str, str] | None = None
) -> str:
    """A JWT signed by `private_key` (PEM); raises Misconfigured where the key cannot be read."""
    try:
        return jwt.encode(dict(claims), private_key.get_secret_value(), algorithm=algorithm,
                          headers=dict(headers) if headers else None)
    except (ValueError, TypeError, AttributeError, jwt.exceptions.PyJWTError):  # AttributeError: a public key
        raise Misconfigured("bad_private_key", f"the private key is no PEM key for {algorithm}") from None


def private_key_problem(private_key: SecretStr, algorithm: Literal["ES256", "RS256"]) -> str:
    """Why a key cannot sign with `algorithm`, for a person; "" where it can. For settings, before any call."""
    try:
        key = load_pem_private_key(private_key.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        return "is no private key in PEM; paste the whole file with its lines BEGIN and END, without a passphrase"
    if algorithm == "RS256":
        return "" if isinstance(key, rsa.RSAPrivateKey) else "is no RSA key"
    fits = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return "" if fits else "is no P-256 key"
