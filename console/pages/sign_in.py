"""Signing in: with a password, or at a provider of OpenID Connect; and out again."""

from __future__ import annotations

import structlog
from starlette.responses import Response

from console.security import oidc, passwords
from console.security.identity import address_of, roles_of_claims, with_roles
from console.security.paths import local
from console.security.refusals import NotFound
from console.security.sessions import Session, fresh, keep, put_session
from console.visit import Here, Visit

WRONG = "This e-mail address and password do not fit together. Passwords are set by a Company administrator."
TOO_OFTEN = "Too many attempts. Try again in {} minutes."
UNKNOWN = ("You are signed in at the provider as {}, but have no role here. Ask a Company administrator to add you.")

_log = structlog.get_logger("console")


def page(visit: Here, next: str = "/") -> Response:
    """The ways to sign in."""
    if visit.who is not None:
        return visit.to(local(next))
    keep(visit.request)
    return _form(visit, next)


def _form(visit: Visit, next_: str, email: str = "", error: str = "", status: int = 200) -> Response:
    settings = visit.options.settings
    provider = settings.oidc.title if settings.oidc else ""
    return visit.page("sign_in.html", status, next=local(next_), email=email, error=error, provider=provider,
                      local=settings.local_accounts, nobody=not visit.company.members)


def by_password(visit: Here) -> Response:
    """Check a password; wrong ones are counted by account and by address."""
    if not visit.options.settings.local_accounts:
        raise NotFound("Signing in with a password is switched off here.")
    email, next_ = visit.text("email").strip().lower(), visit.text("next")
    address = address_of(visit.request, visit.options.settings)
    wait = visit.console.attempts.begin(email, address)
    if wait:
        _log.warning("sign-in refused: too many attempts", address=address)
        return _form(visit, next_, email, TOO_OFTEN.format(max(round(wait / 60), 1)), 429)
    account = visit.company.account(email)
    member = visit.company.member(email)
    good = passwords.matches(visit.text("password"), account.password if account else "")
    if not good or account is None or member is None or member.disabled:
        _log.info("sign-in failed", how="password", address=address)
        return _form(visit, next_, email, WRONG, 403)
    visit.console.attempts.succeeded(email, address)
    return _welcome(visit, Session(user=member.email, how="password", stamp=passwords.stamp(account.password)), next_)


def _welcome(visit: Visit, session: Session, next_: str) -> Response:
    """A session with a new token: what was known of the one before is worth nothing any more."""
    begun = fresh(visit.options.clock())
    put_session(visit.request, begun._replace(user=session.user, how=session.how, stamp=session.stamp,
                                              roles=session.roles))
    _log.info("signed in", member=session.user, how=session.how)
    return visit.to(local(next_))


def to_provider(visit: Here, next: str = "/") -> Response:
    """Send the browser to the provider, with what must come back."""
    settings = visit.options.settings
    if settings.oidc is None:
        raise NotFound("Signing in at a provider is not set up here.")
    try:
        begun = oidc.begin(settings.oidc, oidc.callback(settings.base_url, str(visit.request.base_url)))
    except oidc.ProviderError as refused:
        return _form(visit, next, error=str(refused), status=502)
    put_session(visit.request, visit.session._replace(flow={**begun.flow, "next": local(next)}))
    return visit.to(begun.url)


def from_provider(visit: Here, code: str = "", state: str = "", error: str = "") -> Response:
    """Take the provider's answer and see who it is."""
    settings = visit.options.settings
    if settings.oidc is None:
        raise NotFound("Signing in at a provider is not set up here.")
    flow = visit.session.flow
    put_session(visit.request, visit.session._replace(flow={}))
    try:
        claims = oidc.finish(settings.oidc, flow, code=code, state=state, error=error, now=visit.options.clock())
    except oidc.ProviderError as refused:
        _log.warning("sign-in failed", how="oidc", why=str(refused))
        return _form(visit, flow.get("next", "/"), error=str(refused), status=403)
    roles = roles_of_claims(claims, settings)
    email = str(claims["email"]).lower()
    member = with_roles(visit.company.member(email), email, roles)
    if member is None or member.disabled:
        return _form(visit, flow.get("next", "/"), error=UNKNOWN.format(email), status=403)
    return _welcome(visit, Session(user=email, how="oidc", roles=roles), flow.get("next", "/"))


def out(visit: Here) -> Response:
    """End the session."""
    put_session(visit.request, fresh(visit.options.clock()))
    return visit.to("/sign-in", "You are signed out.")
