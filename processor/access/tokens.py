"""Tokens of programs: `pa_<id>_<secret>`; only a digest is kept, and a comparison tells nothing by its time."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from processor.access.company import Company, Token
from processor.access.rights import allowed
from processor.access.roles import ANY_APP, Permission

PREFIX = "pa"
ENTROPY = 32
"""Random bytes that a token is made of; so many need no slow hash."""


class Minted(NamedTuple):
    """A new token, and its text: shown once, to whoever made it."""

    token: Token
    text: str


def mint(
    random: bytes, scopes: Iterable[Permission], apps: Iterable[str], *, now: int, title: str = "",
    member: str | None = None, expires: int | None = None,
) -> Minted:
    """A token out of 32 random bytes."""
    if len(random) < ENTROPY:
        raise ValueError(f"a token needs {ENTROPY} random bytes, not {len(random)}")
    name = sha256(b"id" + random).hexdigest()[:12]
    text = f"{PREFIX}_{name}_{urlsafe_b64encode(random).decode().rstrip('=')}"
    token = Token(id=name, title=title, digest=digest(text), scopes=tuple(scopes), apps=tuple(apps), member=member,
                  created=now, expires=expires)
    return Minted(token, text)


def digest(text: str) -> str:
    """Under which a token's text is known."""
    return "sha256:" + sha256(text.encode()).hexdigest()


def token_of(company: Company, text: str, now: int) -> Token | None:
    """The token of this text, where it is known, not over, and its member still there. `now` in ms since 1970."""
    parts = text.split("_", 2)
    name = parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""
    found = next((one for one in company.tokens if one.id == name), None)
    same = compare_digest(digest(text), found.digest if found else digest(""))
    return found if found and same and _lives(company, found, now) else None


def _lives(company: Company, token: Token, now: int) -> bool:
    member = company.member(token.member) if token.member else None
    return (token.expires is None or now < token.expires) and not (member and member.disabled)


def token_allowed(company: Company, token: Token, permission: Permission, app: str) -> bool:
    """Whether a token may do it in `app`: its scopes and apps, within the rights that its member has now."""
    if permission not in token.scopes or not {app, ANY_APP} & set(token.apps):
        return False
    member = company.member(token.member) if token.member else None
    return token.member is None or (member is not None and allowed(member, permission, app))
