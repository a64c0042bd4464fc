"""Connectors of an app, for programs: states, settings without secrets, tests, pick lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.connector import Connector
from connectors.kit.errors import Failure
from console import editing
from console.api.shapes import (
    Applied,
    ConnectorChange,
    ConnectorDetail,
    ConnectorSummary,
    Picked,
    SecretSummary,
    TestResult,
    TestWish,
)
from console.connector_facts import secret_states
from console.draft import alone
from console.forms.fields import fields_of
from console.forms.secret_fields import Entering, SecretState
from console.pages.asked import connector_of, kept_of
from console.security.refusals import Conflict, Invalid, NotFound
from console.standing import Standing, standing, standings
from console.visit import Here, Visit
from processor.access import ANY_APP, Permission
from processor.cli.connectors import describe
from processor.config.errors import SecretError
from processor.control.checking import check, options


def listed(visit: Here) -> list[ConnectorSummary]:
    """All connectors there are, each with its state."""
    found = standings(visit.options.known, visit.content, visit.options.waiting(visit.app))
    return [ConnectorSummary(**_summary(one)) for one in found]


def _summary(one: Standing) -> dict[str, Any]:
    connector = one.connector
    return {"id": connector.id, "title": connector.title, "category": connector.category, "addon": connector.addon,
            "state": one.state, "why": one.why, "since": one.since, "next_at": one.next_at, "chains": one.chains}


def show(visit: Here, connector: str) -> ConnectorDetail:
    """One connector with its settings; of secrets only whether they are set."""
    one = connector_of(visit, connector)
    kept, fields = kept_of(visit, one), fields_of(one.settings)
    past, _ = visit.console.pasts.of(visit.app)
    secret = {field.name for field in fields if field.is_secret}
    settings = {name: value for name, value in (kept.get("settings") or {}).items() if name not in secret}
    return ConnectorDetail(
        **_summary(standing(one, visit.content, visit.options.waiting(visit.app))), base=visit.version.number,
        active=kept.get("active", True) if kept else False, settings=settings, limits=kept.get("limits") or {},
        secrets={name: _told(state) for name, state in secret_states(visit, past, one, fields).items()},
        exports=kept.get("exports") or {}, described=describe(one))


def _told(state: SecretState | Mapping[str, SecretState]) -> SecretSummary | dict[str, SecretSummary]:
    if isinstance(state, SecretState):
        return SecretSummary(**state._asdict())
    return {name: SecretSummary(**one._asdict()) for name, one in state.items()}


def change(visit: Here, connector: str, body: ConnectorChange) -> Applied:
    """Put settings live; nothing is overwritten that somebody else changed meanwhile."""
    one = connector_of(visit, connector)
    kept = kept_of(visit, one)
    entry: dict[str, Any] = {**kept, "active": body.active, "settings": _entered(visit, one, kept, body.settings)}
    for name in ("limits", "exports"):
        given = getattr(body, name)
        if given is not None:
            entry[name] = given
    return _put(visit, one, entry, body.base, f"{one.title}: settings")


def remove(visit: Here, connector: str, base: int) -> Applied:
    """Take a connector out of the app, with its settings."""
    one = connector_of(visit, connector)
    if not kept_of(visit, one):
        raise NotFound(f"{one.title} is not set up in this app.")
    return _put(visit, one, None, base, f"{one.title}: removed")


def _put(visit: Visit, one: Connector, entry: dict[str, Any] | None, base: int, note: str) -> Applied:
    try:
        made = editing.put(visit, ("connectors", one.id), entry, base=base, note=note)
    except editing.Clash as clash:
        raise Conflict(f"{one.title} was changed by {clash.current.by} in version {clash.current.number}: look at it,"
                       " then send your change with that base.") from None
    return Applied(app=visit.app, version=made.number, digest=made.digest)


def test(visit: Here, connector: str, body: TestWish) -> TestResult:
    """Test the connection with kept settings, or with others; nothing is saved."""
    one = connector_of(visit, connector)
    kept = kept_of(visit, one)
    settings = kept.get("settings") or {} if body.settings is None else _entered(visit, one, kept, body.settings)
    entry = {**kept, "settings": settings}
    editing.check_reach(visit, one.id, kept, entry)
    with visit.options.dialling() as dial:
        found = check(visit.app, alone(visit, one, entry), dial)._asdict()
    return TestResult(**{name: found[name] for name in TestResult.model_fields})


def pick(visit: Here, connector: str, name: str) -> list[Picked]:
    """What there is to pick at the vendor: plans, coupons, agents."""
    one = connector_of(visit, connector)
    if name not in one.options:
        raise NotFound(f"{one.title} has no list '{name}'; there are: {', '.join(one.options) or 'none'}.")
    used = alone(visit, one, kept_of(visit, one))
    try:
        with visit.options.dialling() as dial:
            return [Picked(value=each.value, title=each.title) for each in options(used, name, dial)]
    except Failure as failure:
        raise Invalid(f"{one.title} does not tell: {failure}") from None


def schema(visit: Here, connector: str) -> dict[str, Any]:
    """The JSON Schema of a connector's settings, for forms elsewhere."""
    return connector_of(visit, connector).settings.model_json_schema()


def _entered(visit: Visit, connector: Connector, kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are kept: secrets sealed, those that are left out as they were."""
    entering = Entering(visit.app, visit.options.keyring, may_refer=visit.may(Permission.SET_SECRETS, ANY_APP))
    old = kept.get("settings") or {}
    made = {name: value for name, value in given.items() if value is not None}
    try:
        for field in fields_of(connector.settings):
            if field.is_secret and (field.name in given or field.name in old):
                kept_now = old.get(field.name)
                value = entering.given(given[field.name], kept_now) if field.name in given else kept_now
                made.pop(field.name, None)
                if value:
                    made[field.name] = value
    except SecretError as error:
        raise Invalid(f"{connector.title}: {error}.") from None
    return made
