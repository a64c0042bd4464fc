"""Questions to the table: may this member do that in this app, where, and what does a change need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from processor.access.company import Member
from processor.access.roles import ANY_APP, TABLE, Permission
from processor.config import secrets
from processor.config.store import Content


def allowed(member: Member, permission: Permission, app: str) -> bool:
    """Whether `member` may do it in `app`; ANY_APP asks about the company as a whole."""
    return not member.disabled and any(permission in _rights(member, place) for place in {app, ANY_APP})


def _rights(member: Member, place: str) -> frozenset[Permission]:
    role = member.roles.get(place)
    return (TABLE[role] if role else frozenset()) | frozenset(member.grants.get(place, ()))


def apps_of(member: Member, apps: Iterable[str]) -> tuple[str, ...]:
    """Those of `apps` that the member has any right in."""
    return tuple(app for app in apps if any(allowed(member, one, app) for one in Permission))


def exceeding(member: Member, scopes: Iterable[Permission], apps: Iterable[str]) -> tuple[str, ...]:
    """What of a wanted token or role the member has not got, as `permission in app`: nobody gives more than that."""
    places = tuple(apps)
    return tuple(f"{one.value} in {app}" for one in sorted(scopes) for app in places if not allowed(member, one, app))


def needed(before: Content | None, after: Content | None) -> frozenset[Permission]:
    """The permissions that a change of an app's content asks for, beside APPLY_CONFIGURATION."""
    if before is None or after is None:
        return frozenset({Permission.CHANGE_APPS})
    parts = {"app": Permission.CHANGE_APPS, "prompts": Permission.CHANGE_BINDINGS}
    found = {right for part, right in parts.items() if (before.get(part) or {}) != (after.get(part) or {})}
    old, new = before.get("connectors") or {}, after.get("connectors") or {}
    if _without_secrets(old) != _without_secrets(new):
        found.add(Permission.CHANGE_SETTINGS)
    if old != new and set(_references(old, ())) != set(_references(new, ())):
        found.add(Permission.SET_SECRETS)
    return frozenset(found)


def _without_secrets(value: Any) -> Any:
    if secrets.reference(value) is not None:
        return "***"
    if isinstance(value, Mapping):
        return {name: _without_secrets(one) for name, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, (list, tuple)) else value


def _references(value: Any, path: tuple[Any, ...]) -> Iterable[tuple[tuple[Any, ...], str]]:
    reference = secrets.reference(value)
    if reference is not None:
        yield path, reference
    elif isinstance(value, (Mapping, list, tuple)):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, one in parts:
            yield from _references(one, (*path, name))
