"""Google's service accounts: the key file that an administrator uploads, and the tokens that it opens."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from connectors.kit.auth import client_credentials, private_key_problem, signed_jwt
from connectors.kit.hosts import host_problem
from connectors.kit.http import TokenFlow, post

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3600
"""Seconds for which an assertion is signed, the longest that Google takes."""
EARLY = 300.0
"""Seconds before its end at which a token is renewed."""


class ServiceAccount(NamedTuple):
    """What a key file says."""

    project_id: str
    client_email: str
    private_key: SecretStr
    private_key_id: str
    token_uri: str


def service_account(key_file: SecretStr) -> ServiceAccount:
    """Read a key file; raises ValueError, without repeating anything of it, where it is none."""
    try:
        found = orjson.loads(key_file.get_secret_value())
    except orjson.JSONDecodeError:
        raise ValueError("is no JSON; paste the whole key file of the service account") from None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise ValueError('is no key file of a service account; it holds "type": "service_account"')
    lacking = [name for name in ("project_id", "client_email", "private_key") if not _text(found, name)]
    if lacking:
        raise ValueError(f"lacks {', '.join(lacking)}; download the key file anew")
    return ServiceAccount(
        _text(found, "project_id"), _text(found, "client_email"), SecretStr(_text(found, "private_key")),
        _text(found, "private_key_id"), _text(found, "token_uri") or TOKEN_URL,
    )


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def service_account_problem(key_file: SecretStr) -> str:
    """Why a key file cannot be used, for a person; "" where it can."""
    try:
        account = service_account(key_file)
    except ValueError as wrong:
        return str(wrong)
    return private_key_problem(account.private_key, "RS256").replace("is no", "holds no", 1)


def token_url_problem(url: str, *, test_hosts: bool) -> str:
    """Why assertions must not go to `url`, for a person; "" where they may."""
    host = url.removesuffix(urlsplit(TOKEN_URL).path)
    return host_problem(host, (urlsplit(TOKEN_URL).netloc,), test_hosts=test_hosts)


def service_account_token(key_file: SecretStr, scope: str, now: float, token_url: str = TOKEN_URL) -> TokenFlow:
    """An access token for `scope`, asked for with an assertion that the account's key signs (RFC 7523)."""
    account = service_account(key_file)
    claims = {"iss": account.client_email, "scope": scope, "aud": account.token_uri, "iat": int(now),
              "exp": int(now) + LIFETIME}
    headers = {"kid": account.private_key_id} if account.private_key_id else None
    assertion = signed_jwt(account.private_key, claims, algorithm="RS256", headers=headers)
    request = post(token_url, form={"grant_type": GRANT, "assertion": assertion}, step="token", effect=False)
    return (yield from client_credentials(request, now, lifetime=LIFETIME, early=EARLY))
