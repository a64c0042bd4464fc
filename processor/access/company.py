"""The company: title, members with their roles, tokens of programs, local accounts; as models and as plain content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from processor.access.roles import ANY_APP, GRANTABLE, Permission, Role
from processor.config.documents import Document, of_data
from processor.config.errors import ConfigError, ConfigErrors, nearest
from processor.config.fields import Place, checked
from processor.config.reading import Reading
from processor.config.store import COMPANY, Content

APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def _email(text: str) -> str:
    if not EMAIL.fullmatch(text):
        raise ValueError(f"'{text}' is no e-mail address")
    return text.lower()


def _app(text: str) -> str:
    if text != ANY_APP and not APP_ID.fullmatch(text):
        raise ValueError(f"'{text}' is no id of an app; write an app's id, or * for all")
    return text


def _in_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each once and sorted, so that the same rights are always the same content."""
    return tuple(sorted(set(values)))


Email = Annotated[str, AfterValidator(_email)]
AppName = Annotated[str, AfterValidator(_app)]
Permissions = Annotated[tuple[Permission, ...], AfterValidator(_in_order)]
Apps = Annotated[tuple[AppName, ...], AfterValidator(_in_order)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(_Part):
    """A person."""

    email: Email
    name: str = ""
    roles: Mapping[AppName, Role] = Field(default={}, description="By app, or * for all.")
    grants: Mapping[AppName, Permissions] = Field(default={}, description="By app, or * for all: rights of their own"
                                                  " beside the role.")
    disabled: bool = False

    @field_validator("roles")
    @classmethod
    def _company_is_whole(cls, roles: Mapping[str, Role]) -> Mapping[str, Role]:
        for app, role in roles.items():
            if role is Role.COMPANY_ADMINISTRATOR and app != ANY_APP:
                raise ValueError(f"{role.value} is a role in the company, not in '{app}': give it for *, or give"
                                 f" {Role.APP_ADMINISTRATOR.value} for '{app}'")
        return roles

    @field_validator("grants")
    @classmethod
    def _only_rights_of_their_own(cls, grants: Mapping[str, Permissions]) -> Mapping[str, Permissions]:
        for one in (one for some in grants.values() for one in some if one not in GRANTABLE):
            raise ValueError(f"'{one.value}' comes with a role only ({nearest(one.value, GRANTABLE)})")
        return grants


class Token(_Part):
    """The right of a program to do some things in some apps; its text is never kept."""

    id: str = Field(pattern=r"^[A-Za-z0-9]{4,32}$")
    title: str = ""
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", repr=False, description="Of the token's text.")
    scopes: Permissions = Field(min_length=1)
    apps: Apps = Field(min_length=1, description="Ids of apps, or *.")
    member: Email | None = Field(default=None, description="Whose rights bound it; it ends when that member does.")
    created: int = Field(default=0, ge=0, description="Milliseconds since 1970.")
    expires: int | None = Field(default=None, ge=0, description="Milliseconds since 1970; absent for never.")


class Account(_Part):
    """A member who signs in with a password kept here."""

    email: Email
    password: str = Field(pattern=r"^\$argon2", repr=False, description="Its argon2 hash.")
    changed: int = Field(default=0, ge=0, description="Milliseconds since 1970.")


class Company(_Part):
    """Who works here, and with what rights."""

    title: str = ""
    members: tuple[Member, ...] = ()
    tokens: tuple[Token, ...] = ()
    accounts: tuple[Account, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Company:
        _once("member", (one.email for one in self.members))
        _once("account", (one.email for one in self.accounts))
        _once("token", (one.id for one in self.tokens))
        for email in {one.email for one in self.accounts} | {one.member for one in self.tokens if one.member}:
            if self.member(email) is None:
                raise ValueError(f"'{email}' has an account or a token and is no member")
        if self.members and not any(map(_runs_it, self.members)):
            raise ValueError(f"nobody could manage members: make one who is not disabled {ANY_APP}: "
                             f"{Role.COMPANY_ADMINISTRATOR.value}")
        return self

    def member(self, email: str) -> Member | None:
        """The member of an address, however it is spelled; also a disabled one."""
        wanted = email.lower()
        return next((one for one in self.members if one.email == wanted), None)

    def account(self, email: str) -> Account | None:
        """The local account of a member."""
        wanted = email.lower()
        return next((one for one in self.accounts if one.email == wanted), None)


def _once(what: str, names: Any) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the {what} '{name}' is there twice")
        seen.add(name)


def _runs_it(member: Member) -> bool:
    return not member.disabled and member.roles.get(ANY_APP) is Role.COMPANY_ADMINISTRATOR


def company_of(content: Content | Document | None, file: str = COMPANY) -> Company:
    """The company from what was written; None is one without members. Raises ConfigErrors with every mistake."""
    document = content if isinstance(content, Document) else of_data(dict(content or {}), file)
    reading = Reading(Path(), {}, {})
    made = checked(Company, document.mapping((), document.data, reading.errors), Place(document), reading)
    reading.check()
    return made or Company()


def company_errors(content: Content | Document) -> tuple[ConfigError, ...]:
    """The mistakes in what is written about the company; a store asks before it takes it."""
    try:
        company_of(content)
    except ConfigErrors as error:
        return error.errors
    return ()


def content_of(company: Company) -> Content:
    """The company as plain data, as a store keeps it; the same company gives the same data."""
    return company.model_dump(mode="json", exclude_defaults=True)
