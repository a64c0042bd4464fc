"""Who a request comes from: a session, the word of a trusted proxy, or a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from fastapi import Request

from console.security.passwords import stamp
from console.security.sessions import Session, session_of
from processor.access import ANY_APP, Company, Member, Permission, Role, Token, allowed, token_allowed, token_of
from processor.settings import ConsoleSettings


class Visitor(NamedTuple):
    """A member, or a program with a token."""

    name: str
    """As whom things are done and audited."""
    how: str = ""
    """`password`, `oidc`, `proxy`, `token`."""
    member: Member | None = None
    token: Token | None = None

    def may(self, company: Company, permission: Permission, app: str) -> bool:
        """Whether the visitor may do it in `app`; ANY_APP asks about the company."""
        if self.token is not None:
            return token_allowed(company, self.token, permission, app)
        return self.member is not None and allowed(self.member, permission, app)


def of_browser(request: Request, company: Company, settings: ConsoleSettings) -> Visitor | None:
    """Who sits at the browser; None where nobody is signed in, or who was is no member any more."""
    if settings.proxy.header:
        found = _of_proxy(request, company, settings)
        if found is not None:
            return found
    return _of_session(session_of(request), company)


def of_token(request: Request, company: Company, now: float) -> Visitor | None:
    """The program whose token came with the request."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return None
    token = token_of(company, text.strip(), int(now * 1000))
    if token is None:
        return None
    return Visitor(f"token {token.id}" + (f" of {token.member}" if token.member else ""), "token", token=token)


def _of_session(session: Session, company: Company) -> Visitor | None:
    if not session.user:
        return None
    member = with_roles(company.member(session.user), session.user, session.roles)
    if member is None or member.disabled:
        return None
    if session.how == "password":
        account = company.account(session.user)
        if account is None or stamp(account.password) != session.stamp:
            return None
    return Visitor(member.email, session.how, member)


def _of_proxy(request: Request, company: Company, settings: ConsoleSettings) -> Visitor | None:
    email = request.headers.get(settings.proxy.header, "")
    if not email or not is_trusted(_peer(request), settings.proxy.addresses):
        return None
    member = company.member(email)
    return None if member is None or member.disabled else Visitor(member.email, "proxy", member)


def with_roles(member: Member | None, email: str, roles: Iterable[str]) -> Member | None:
    """The member with what a provider's claims say beside what is kept; None where neither gives a right."""
    claimed = dict(map(_role, roles))
    if member is not None:
        return member.model_copy(update={"roles": {**claimed, **member.roles}})
    return Member(email=email, roles=claimed) if claimed else None


def _role(text: str) -> tuple[str, Role]:
    """`app_member@shop` as (`shop`, the role); without an app, in all of them."""
    role, _, app = text.partition("@")
    return app or ANY_APP, Role(role)


def roles_of_claims(claims: Mapping[str, object], settings: ConsoleSettings) -> tuple[str, ...]:
    """What the claim that names groups gives, by the mapping of the settings."""
    oidc = settings.oidc
    value = claims.get(oidc.role_claim) if oidc else None
    groups = value if isinstance(value, list) else [value]
    return tuple(oidc.role_of[one] for one in groups if oidc and isinstance(one, str) and one in oidc.role_of)


def address_of(request: Request, settings: ConsoleSettings) -> str:
    """The visitor's own address: what trusted proxies say it is, and nobody else."""
    found = _peer(request)
    for one in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        if not is_trusted(found, settings.proxy.addresses) or not one.strip():
            break
        found = one.strip()
    return found


def is_trusted(address: str, known: Iterable[str]) -> bool:
    """Whether an address is among the named ones (single, or networks)."""
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(one) for one in known)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""
