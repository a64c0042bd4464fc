"""Apps and their configuration, for programs: read, plan, apply, history, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import editing
from console.api.kept import hidden, restored
from console.api.shapes import (
    Applied,
    AppSummary,
    ConfigurationChange,
    Configured,
    Difference,
    NewApp,
    PastVersion,
    Plan,
    RollBack,
)
from console.security.refusals import Conflict, NotFound
from console.visit import Here, Visit
from processor.access import Permission
from processor.config.difference import difference
from processor.config.errors import ConfigErrors
from processor.config.model import Configuration, configuration_of
from processor.config.planning import effects
from processor.config.store import ConflictError, Content, Version


def apps(visit: Here) -> list[AppSummary]:
    """The apps that the token reaches."""
    names = [one for one in visit.console.reads.names()
             if any(visit.may(right, one) for right in (Permission.SEE_SETTINGS, Permission.SEE_BINDINGS))]
    found = [(name, visit.console.reads.current(name)) for name in names]
    return [_summary(visit, one) for _, one in found if one is not None]


def _summary(visit: Visit, one: Version) -> AppSummary:
    return AppSummary(id=one.name, title=visit.title_of(one.name), version=one.number, digest=one.digest, at=one.at,
                      by=one.by)


def make(visit: Here, body: NewApp) -> Applied:
    """Make an app."""
    content = body.content or {"app": {"title": body.title or body.id}, "connectors": {}, "prompts": {}}
    made = editing.make_app(visit, body.id, content, body.note)
    return Applied(app=body.id, version=made.number, digest=made.digest)


def show(visit: Here) -> Configured:
    """The whole configuration of an app; sealed secrets stand as `(kept)`."""
    version = visit.version
    return Configured(base=version.number, digest=version.digest, content=hidden(version.content))


def plan(visit: Here, body: ConfigurationChange) -> Plan:
    """What applying this would change; nothing is applied."""
    content = _sent(visit, body)
    current = visit.options.store.current(visit.app)
    before, after = _alone(visit, current.content if current else None), _alone(visit, content)
    found = difference(before, after)
    return Plan(base=current.number if current else 0, effects=effects(found), changes=[
        Difference(**{name: getattr(one, name) for name in Difference.model_fields}) for one in found])


def _alone(visit: Visit, content: Content | None) -> Configuration:
    try:
        return configuration_of({visit.app: visit.options.store.compiled(visit.app, content)} if content else {})
    except ConfigErrors:
        if content is not visit.content:
            raise
        return configuration_of({})  # what is live and cannot be made here counts as nothing


def apply(visit: Here, body: ConfigurationChange) -> Applied:
    """Put an app's whole configuration live, checked whole or not at all."""
    return _applied(visit, _sent(visit, body), body.base, body.note)


def _sent(visit: Visit, body: ConfigurationChange) -> Mapping[str, Any]:
    current = visit.options.store.current(visit.app)
    made: Mapping[str, Any] = restored(body.content, (current.content if current else None) or {})
    return made


def _applied(visit: Visit, content: Content | None, base: int, note: str) -> Applied:
    try:
        made = editing.put_content(visit, content, base=base, note=note)
    except ConflictError as error:
        raise Conflict(f"{error}.") from None
    return Applied(app=visit.app, version=made.number, digest=made.digest)


def remove(visit: Here, base: int, note: str = "") -> Applied:
    """Remove an app: nothing of it runs any more. Its history stays for a while."""
    return _applied(visit, None, base, note)


def history(visit: Here, limit: int = 50) -> list[PastVersion]:
    """The newest versions first."""
    return [PastVersion(version=one.number, digest=one.digest, at=one.at, by=one.by, note=one.note,
                        removed=not one.digest) for one in visit.options.store.outline(visit.app, limit)]


def past(visit: Here, number: int) -> Configured:
    """An earlier version's configuration."""
    version = visit.options.store.version(visit.app, number)
    if version is None:
        raise NotFound(f"Version {number} of '{visit.app}' is not kept.")
    return Configured(base=version.number, digest=version.digest, content=hidden(version.content or {}))


def roll_back(visit: Here, body: RollBack) -> Applied:
    """Give an app the content of an earlier version back, as a new version."""
    version = visit.options.store.version(visit.app, body.version)
    if version is None:
        raise NotFound(f"Version {body.version} of '{visit.app}' is not kept.")
    note = f"back to version {body.version}{f': {body.note}' if body.note else ''}"
    return _applied(visit, version.content, body.base, note)
