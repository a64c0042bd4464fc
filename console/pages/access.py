"""Access: members with their roles, tokens of programs, and one's own password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from console import people
from console.security import passwords
from console.security.refusals import Forbidden, Invalid
from console.security.sessions import put_session
from console.visit import Here, Visit
from processor.access import ANY_APP, GRANTABLE, TABLE, Minted, Permission, Role


def members(visit: Here) -> Response:
    """Who has which role here."""
    return _members(visit)


def _members(visit: Visit, status: int = 200, error: str = "", typed: dict[str, Any] | None = None) -> Response:
    return visit.page(
        "members.html", status, error=error, typed=typed or {},
        members=sorted(people.members_of(visit), key=lambda one: one.email),
        roles=tuple(Role), table=TABLE, grantable=sorted(GRANTABLE), permissions=tuple(Permission), any_app=ANY_APP,
        can_change=visit.may(Permission.CHANGE_MEMBERS) and not visit.options.store.read_only,
        whole=visit.may(Permission.CHANGE_MEMBERS, ANY_APP), accounts={one.email for one in visit.company.accounts})


def save_member(visit: Here) -> Response:
    """Give a member a role, here or in all apps; or take it away."""
    form = visit.form
    name = visit.text("name") if "name" in form else None
    grants = [str(one) for one in form.getlist("grant")]
    email, place = visit.text("email").strip(), ANY_APP if visit.text("place") == "company" else visit.app
    try:
        people.set_role(visit, email, place, visit.text("role"), name=name, grants=grants)
    except (Invalid, Forbidden) as refused:
        typed = {"email": email, "name": name, "role": visit.text("role"), "place": visit.text("place")}
        return _members(visit, refused.status, str(refused), typed)
    return visit.to(_path(visit), f"Saved: {email.lower()}.")


def change_member(visit: Here) -> Response:
    """Disable, let in again, remove, or give another password, as the pressed button says."""
    email, do = visit.text("email"), visit.text("do")
    deeds: Mapping[str, tuple[str, Callable[[], object]]] = {
        "disable": ("is let in no more", lambda: people.set_disabled(visit, email, disabled=True)),
        "enable": ("is let in again", lambda: people.set_disabled(visit, email, disabled=False)),
        "remove": ("is removed", lambda: people.remove(visit, email)),
        "password": ("has a new password", lambda: people.set_password(visit, email, visit.text("password"))),
    }
    told, deed = deeds.get(do, ("", None))
    if deed is None:
        return _members(visit, 422, "Nothing was chosen.")
    try:
        deed()
    except (Invalid, Forbidden, passwords.WeakPasswordError) as refused:
        return _members(visit, getattr(refused, "status", 422), f"Not saved: {refused}")
    return visit.to(_path(visit), f"{email} {told}.")


def tokens(visit: Here) -> Response:
    """Tokens that reach into this app."""
    return _tokens(visit)


def _tokens(visit: Visit, status: int = 200, error: str = "", minted: Minted | None = None) -> Response:
    company = visit.console.company()  # a token may just have been made
    shown = [one for one in company.tokens if {visit.app, ANY_APP} & set(one.apps)]
    return visit.page(
        "tokens.html", status, error=error, minted=minted, tokens=shown, any_app=ANY_APP,
        can_change=visit.may(Permission.CHANGE_TOKENS) and not visit.options.store.read_only,
        whole=visit.may(Permission.CHANGE_TOKENS, ANY_APP), now=visit.options.clock() * 1000,
        scopes=[one for one in Permission if visit.may(one)], typed=visit.form)


def make_token(visit: Here) -> Response:
    """Make a token; its text stands on this one answer and nowhere else."""
    place = ANY_APP if visit.text("place") == "company" else visit.app
    days = visit.text("days")
    try:
        minted = people.make_token(visit, visit.text("title").strip(), map(str, visit.form.getlist("scope")), place,
                                   int(days) if days.isdigit() and len(days) < 5 else None)
    except (Invalid, Forbidden) as refused:
        return _tokens(visit, refused.status, str(refused))
    return _tokens(visit, minted=minted)


def withdraw_token(visit: Here) -> Response:
    """Make a token worth nothing."""
    people.withdraw_token(visit, visit.text("token"))
    return visit.to(f"/apps/{visit.app}/access/tokens", "Withdrawn: the token is worth nothing from now on.")


def own_password(visit: Here) -> Response:
    """The page of one's own password."""
    return visit.page("password.html", error="", has=visit.company.account(visit.name) is not None)


def save_own_password(visit: Here) -> Response:
    """Change one's own password; the present one proves that it is still the same person."""
    account = visit.company.account(visit.name)
    if account is None or visit.who is None:
        raise Forbidden("You do not sign in with a password that is kept here.")
    wait = visit.console.attempts.begin(visit.name, "")
    if wait or not passwords.matches(visit.text("current"), account.password):
        return visit.page("password.html", 403, error="The present password is not right, or was tried too often.",
                          has=True)
    visit.console.attempts.succeeded(visit.name, "")
    try:
        company = people.set_password(visit, visit.name, visit.text("password"))
    except passwords.WeakPasswordError as weak:
        return visit.page("password.html", 422, error=f"Not saved: {weak}.", has=True)
    changed = company.account(visit.name)
    put_session(visit.request, visit.session._replace(stamp=passwords.stamp(changed.password if changed else "")))
    return visit.to("/password", "Your password is changed; all other sessions of yours have ended.")


def _path(visit: Visit) -> str:
    return f"/apps/{visit.app}/access"
