"""Changes of the company from pages and the API: who may give what to whom, and how it becomes live."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from console.security.passwords import hashed
from console.security.refusals import Forbidden, Invalid, NotFound
from console.visit import Visit
from processor.access import (
    ANY_APP,
    GRANTABLE,
    Company,
    Member,
    Minted,
    Permission,
    Role,
    company_of,
    content_of,
    mint,
)
from processor.access.changing import (
    UnsoundError,
    made,
    with_member,
    with_password,
    with_token,
    without_member,
    without_token,
)
from processor.config.store import COMPANY, ConflictError

ATTEMPTS = 5
DAY = 86_400_000
Change = Callable[[Company], Company]
V = TypeVar("V")


def members_of(visit: Visit) -> list[Member]:
    """Who has a role or a right in the app; everybody, for those who see the company."""
    everybody = visit.may(Permission.SEE_MEMBERS, ANY_APP)
    return [one for one in visit.company.members if everybody or {visit.app, ANY_APP} & {*one.roles, *one.grants}]


def change_company(visit: Visit, change: Change, note: str) -> Company:
    """Make a change of the company live; where somebody else changed it meanwhile, it is made of what is there now.

    Raises Invalid where the company would not be sound, and ReadOnlyError.
    """
    store = visit.options.store
    for attempt in range(1, ATTEMPTS + 1):
        version = store.current(COMPANY)
        try:
            after = change(company_of(version.content if version else None))
            store.apply(COMPANY, content_of(after), base=version.number if version else 0, by=visit.name, note=note)
        except UnsoundError as error:
            raise Invalid(f"Not saved: {error}.") from None
        except ConflictError:
            if attempt == ATTEMPTS:
                raise
            continue
        visit.console.reads.forget()
        return after
    raise AssertionError


def set_role(visit: Visit, email: str, place: str, role: str, *, name: str | None = None, grants: Iterable[str] = ()
             ) -> Company:
    """Give a member a role in an app or in all of them; an empty one takes it away there.

    Raises Forbidden where it is more than the visitor has.
    """
    wanted = _role(role)
    rights = tuple(sorted({_grant(one) for one in grants}))
    _check_power(visit, place, wanted, rights)

    def change(company: Company) -> Company:
        known = company.member(email)
        if known is not None:
            _check_reach(visit, known, place)
        elif wanted is None:
            raise NotFound(f"There is no member '{email}'.")
        member = made(
            Member, email=email, name=name if name is not None else known.name if known else "",
            roles=_put(known.roles if known else {}, place, wanted),
            grants=_put(known.grants if known else {}, place, rights or None), disabled=bool(known and known.disabled))
        return with_member(company, member)

    told = f"{wanted.label if wanted else 'no role'} in {'all apps' if place == ANY_APP else place}"
    return change_company(visit, change, f"member {email.lower()}: {told}")


def _put(values: Mapping[str, V], place: str, value: V | None) -> dict[str, V]:
    made_of = {name: one for name, one in values.items() if name != place}
    return made_of if value is None else {**made_of, place: value}


def _role(text: str) -> Role | None:
    try:
        return Role(text) if text else None
    except ValueError:
        raise Invalid(f"There is no role '{text}'; roles are {', '.join(Role)}.") from None


def _grant(text: str) -> Permission:
    if text not in {*GRANTABLE}:
        raise Invalid(f"'{text}' comes with a role only.")
    return Permission(text)


def _check_power(visit: Visit, place: str, role: Role | None, rights: Iterable[Permission]) -> None:
    """Nobody gives more than they have, nor anything where they change no members."""
    if place not in (ANY_APP, *visit.console.reads.names()):
        raise NotFound(f"There is no app '{place}'.")
    if not visit.may(Permission.CHANGE_MEMBERS, place):
        raise Forbidden("Roles in all apps are given by Company administrators.")
    if role is Role.COMPANY_ADMINISTRATOR and place != ANY_APP:
        raise Invalid("A Company administrator is one in all apps: choose all apps, or App administrator.")
    missing = [one for one in rights if not visit.may(one, place)]
    if missing:
        raise Forbidden(f"You cannot give what you have not got: {', '.join(missing)}.")


def _check_reach(visit: Visit, member: Member, place: str) -> None:
    """An App administrator changes the roles of an app, not those of who stands above it."""
    if member.roles.get(ANY_APP) and not visit.may(Permission.CHANGE_MEMBERS, ANY_APP):
        raise Forbidden(f"{member.email} has a role in all apps, which Company administrators change"
                        f"{'' if place == ANY_APP else '; it counts here too'}.")


def set_disabled(visit: Visit, email: str, *, disabled: bool) -> Company:
    """Let a member in no more, or again; what they did stays told."""
    _only_company(visit)

    def change(company: Company) -> Company:
        return with_member(company, _member(company, email).model_copy(update={"disabled": disabled}))

    return change_company(visit, change, f"member {email}: {'disabled' if disabled else 'let in again'}")


def remove(visit: Visit, email: str) -> Company:
    """Take a member away, with password and tokens."""
    _only_company(visit)
    return change_company(visit, lambda company: without_member(company, _member(company, email).email),
                          f"member {email}: removed")


def set_password(visit: Visit, email: str, password: str) -> Company:
    """Give a member a password: their own, or as Company administrator; raises WeakPasswordError."""
    if email != visit.name:
        _only_company(visit)
    kept, now = hashed(password), int(visit.options.clock() * 1000)
    return change_company(visit, lambda company: with_password(company, _member(company, email).email, kept, now),
                          f"member {email}: new password")


def make_token(visit: Visit, title: str, scopes: Iterable[str], place: str, days: int | None) -> Minted:
    """A token of no more rights than the visitor's own; its text is shown once."""
    try:
        wanted = [Permission(one) for one in scopes]
    except ValueError as error:
        raise Invalid(f"{error}; scopes are {', '.join(Permission)}.") from None
    if not wanted:
        raise Invalid("Choose at least one scope.")
    missing = [one for one in (*wanted, Permission.CHANGE_TOKENS) if not visit.may(one, place)]
    if missing:
        raise Forbidden(f"You cannot give what you have not got: {', '.join(missing)}.")
    now = int(visit.options.clock() * 1000)
    minted = mint(os.urandom(32), wanted, [place], now=now, title=title, member=_owner(visit),
                  expires=now + days * DAY if days else None)
    change_company(visit, lambda company: with_token(company, minted.token), f"token {minted.token.id}: made")
    return minted


def _owner(visit: Visit) -> str | None:
    """Whose rights bound a token that the visitor makes: a token that makes one hands on its own owner."""
    who = visit.who
    if who is None:
        return None
    return who.member.email if who.member else who.token.member if who.token else None


def withdraw_token(visit: Visit, name: str) -> Company:
    """Make a token worth nothing."""
    token = next((one for one in visit.company.tokens if one.id == name), None)
    if token is None or not {visit.app, ANY_APP} & set(token.apps):
        raise NotFound(f"There is no token '{name}' here.")
    if any(not visit.may(Permission.CHANGE_TOKENS, one) for one in token.apps):
        raise Forbidden("A token of several apps is withdrawn by Company administrators.")
    return change_company(visit, lambda company: without_token(company, name), f"token {name}: withdrawn")


def _only_company(visit: Visit) -> None:
    if not visit.may(Permission.CHANGE_MEMBERS, ANY_APP):
        raise Forbidden("This is for Company administrators.")


def _member(company: Company, email: str) -> Member:
    found = company.member(email)
    if found is None:
        raise NotFound(f"There is no member '{email}'.")
    return found
