"""Members, tokens and the audit, for programs."""

from __future__ import annotations

from typing import Any

from console import people
from console.api.shapes import MemberChange, MemberSummary, TokenMade, TokenSummary, TokenWish
from console.pages.audit import READ, fits, visible
from console.security.refusals import NotFound
from console.visit import Here
from processor.access import ANY_APP, Member, Token


def members(visit: Here) -> list[MemberSummary]:
    """Who has a role here; everybody, for those who see the company."""
    return [_member(one) for one in people.members_of(visit)]


def _member(one: Member) -> MemberSummary:
    return MemberSummary(email=one.email, name=one.name, roles=dict(one.roles), disabled=one.disabled,
                         grants={app: list(rights) for app, rights in one.grants.items()})


def change_member(visit: Here, email: str, body: MemberChange) -> MemberSummary:
    """Give a member a role, or take it away; whoever is not there yet is added."""
    company = people.set_role(visit, email, ANY_APP if body.everywhere else visit.app, body.role or "",
                              name=body.name, grants=body.grants)
    found = company.member(email)
    if found is None:
        raise NotFound(f"There is no member '{email}'.")
    return _member(found)


def remove_member(visit: Here, email: str, everywhere: bool = False) -> None:
    """Take a member's role in this app away; or the member, with password and tokens."""
    if everywhere:
        people.remove(visit, email)
    else:
        people.set_role(visit, email, visit.app, "")


def tokens(visit: Here) -> list[TokenSummary]:
    """Tokens that reach into this app."""
    return [TokenSummary(**_token(one)) for one in visit.company.tokens if {visit.app, ANY_APP} & set(one.apps)]


def _token(one: Token) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", "title", "member", "created", "expires")} | {
        "scopes": list(one.scopes), "apps": list(one.apps)}


def make_token(visit: Here, body: TokenWish) -> TokenMade:
    """Make a token; its text is told this once."""
    minted = people.make_token(visit, body.title, body.scopes, ANY_APP if body.everywhere else visit.app, body.days)
    return TokenMade(**_token(minted.token), text=minted.text)


def withdraw_token(visit: Here, token: str) -> None:
    """Make a token worth nothing."""
    people.withdraw_token(visit, token)


def audit(visit: Here, by: str = "", did: str = "", q: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Who did what, newest first."""
    return [dict(one) for one in visible(visit) if fits(one, by, did, q)][:max(min(limit, READ), 0)]
