"""Changes of the company as values: each gives a sound company or raises what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from processor.access.company import Account, Company, Member, Token

P = TypeVar("P", bound=Member | Account | Token)


class UnsoundError(ValueError):
    """The company would not be sound with this change; the text says why."""


def with_member(company: Company, member: Member) -> Company:
    """Add a member, or put it in the place of the one with its address."""
    return _changed(company, members=_put(company.members, member, "email"))


def without_member(company: Company, email: str) -> Company:
    """Take a member away, with account and tokens."""
    wanted = email.lower()
    return _changed(
        company, members=[one for one in company.members if one.email != wanted],
        accounts=[one for one in company.accounts if one.email != wanted],
        tokens=[one for one in company.tokens if one.member != wanted])


def with_password(company: Company, email: str, hashed: str, now: int) -> Company:
    """Give a member a password, by its argon2 hash; `now` in milliseconds since 1970."""
    account = made(Account, email=email, password=hashed, changed=now)
    return _changed(company, accounts=_put(company.accounts, account, "email"))


def without_password(company: Company, email: str) -> Company:
    """Let a member sign in elsewhere only."""
    return _changed(company, accounts=[one for one in company.accounts if one.email != email.lower()])


def with_token(company: Company, token: Token) -> Company:
    """Add a token."""
    return _changed(company, tokens=_put(company.tokens, token, "id"))


def without_token(company: Company, name: str) -> Company:
    """Withdraw a token: it is worth nothing from now on."""
    return _changed(company, tokens=[one for one in company.tokens if one.id != name])


def made(kind: type[P], **values: Any) -> P:
    """A part of the company; raises UnsoundError."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise UnsoundError(_said(error)) from None


def _put(parts: Iterable[P], part: P, name: str) -> list[P]:
    found = list(parts)
    for at, one in enumerate(found):
        if getattr(one, name) == getattr(part, name):
            found[at] = part
            return found
    return [*found, part]


def _changed(company: Company, **parts: Any) -> Company:
    try:
        return Company(**{name: getattr(company, name) for name in Company.model_fields} | parts)
    except ValidationError as error:
        raise UnsoundError(_said(error)) from None


def _said(error: ValidationError) -> str:
    """The mistakes without what was given: a hash is nobody's business."""
    return "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors(include_input=False))
