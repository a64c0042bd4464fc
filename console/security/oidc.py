"""OpenID Connect: the code flow with PKCE, and what the provider's signed word says."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from processor.access.company import EMAIL
from processor.settings import OidcSettings

CALLBACK = "/sign-in/oidc/callback"
TIMEOUT = 10.0
LEEWAY = 60
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""What a provider may sign with: nothing without a signature, nothing with a shared secret."""
CODE = re.compile(r"[a-z_]{1,40}")


class ProviderError(Exception):
    """Signing in did not work; the text is for the person, without any secret."""


class Begun(NamedTuple):
    """A sign-in that waits for the provider."""

    url: str
    flow: dict[str, str]
    """What must be found again when the browser comes back."""


def callback(base_url: str, seen: str) -> str:
    """Where the provider sends the browser back to."""
    return (base_url or seen.rstrip("/")) + CALLBACK


def begin(settings: OidcSettings, redirect_uri: str) -> Begun:
    """Make the address at the provider; raises ProviderError where it cannot be reached."""
    facts = _discovered(settings)
    flow = {"verifier": secrets.token_urlsafe(48), "nonce": secrets.token_urlsafe(16), "redirect_uri": redirect_uri}
    with _client(settings, redirect_uri) as client:
        url, state = client.create_authorization_url(
            facts["authorization_endpoint"], code_verifier=flow["verifier"], nonce=flow["nonce"])
    return Begun(url, {**flow, "state": state})


def finish(
    settings: OidcSettings, flow: Mapping[str, str], *, code: str, state: str, error: str, now: float
) -> dict[str, Any]:
    """The claims of who signed in, `email` among them; raises ProviderError."""
    if error:
        raise ProviderError(f"The provider did not sign you in: {error[:100]}. Try again.")
    if not flow or not hmac.compare_digest(state.encode(), flow.get("state", "").encode()):
        raise ProviderError("This sign-in was not begun here, or is too old. Try again.")
    facts = _discovered(settings)
    claims = _claims(settings, facts, _token(settings, facts, flow, code), flow["nonce"], now)
    if not EMAIL.fullmatch(str(claims.get("email"))) or claims.get("email_verified") is False:
        raise ProviderError("The provider names no verified e-mail address for you; let it send the claim 'email'.")
    return claims


def _client(settings: OidcSettings, redirect_uri: str) -> OAuth2Session:
    secret = settings.client_secret.get_secret_value() if settings.client_secret else None
    return OAuth2Session(
        settings.client_id, secret, scope=settings.scopes, redirect_uri=redirect_uri, code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if secret else "none")


def _token(settings: OidcSettings, facts: Mapping[str, Any], flow: Mapping[str, str], code: str) -> str:
    try:
        with _client(settings, flow["redirect_uri"]) as client:
            answer = client.fetch_token(facts["token_endpoint"], code=code, code_verifier=flow["verifier"],
                                        timeout=TIMEOUT)
    except Exception as error:  # noqa: BLE001 - what the library raises may quote the answer, and with it tokens
        raise ProviderError(f"The provider did not take the sign-in ({_code_of(error)}). Try again, and look at"
                            " client id and secret if it stays.") from None
    return str(answer.get("id_token", ""))


def _code_of(error: Exception) -> str:
    """What the provider calls it, such as `invalid_client`; never its sentences."""
    code = getattr(error, "error", None)
    return code if isinstance(code, str) and CODE.fullmatch(code) else type(error).__name__


def _claims(
    settings: OidcSettings, facts: Mapping[str, Any], token: str, nonce: str, now: float
) -> dict[str, Any]:
    rules = jwt.JWTClaimsRegistry(
        now=int(now), leeway=LEEWAY, iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id}, exp={"essential": True}, iat={"essential": True},
        nonce={"essential": True, "value": nonce}, sub={"essential": True})
    try:
        keys = KeySet.import_key_set(cast("KeySetSerialization", _json(facts["jwks_uri"])))
        found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        rules.validate(found.claims)
    except (JoseError, ValueError, KeyError) as error:
        raise ProviderError(f"The provider's word cannot be trusted ({type(error).__name__}). Try again, and look at"
                            " issuer, client id and the clocks if it stays.") from None
    return dict(found.claims)


def _discovered(settings: OidcSettings) -> Mapping[str, Any]:
    facts = _json(settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if facts.get("issuer") != settings.issuer:
        raise ProviderError("The provider calls itself by another name than the setting console.oidc.issuer.")
    return facts


def _json(url: str) -> dict[str, Any]:
    try:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderError(f"The provider cannot be reached ({type(error).__name__}). Try again later.") from None
    return found if isinstance(found, dict) else {}
