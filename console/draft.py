"""A connector's settings as somebody typed them: read from the form, checked, tested, put live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.kit.connector import Connector
from console.forms.fields import TESTING, FormField, fields_of
from console.forms.secret_fields import Entering
from console.forms.typed import typed
from console.visit import Visit
from processor.access import ANY_APP, Permission
from processor.config import durations
from processor.config.errors import ConfigError, ConfigErrors
from processor.config.model import AppConnector

SETTINGS, LIMITS = "s.", "l."
"""Beginnings of the names of fields."""
LIMIT_FIELDS = (
    FormField("rate", "Requests a second", "number", "At most so many; 0 for no limit. Empty: the connector's own."),
    FormField("concurrency", "Calls at once", "number", "At most so many in flight. Empty: the connector's own."),
    FormField("timeout", "Longest call", "text", f"A length of time, such as {durations.EXAMPLES}. Empty: the"
              " connector's own."),
)


class Draft(NamedTuple):
    """What would be kept of the connector, and what is wrong with it."""

    connector: Connector
    entry: dict[str, Any]
    base: int
    """The version of the app that the form was made from."""
    texts: Mapping[str, str]
    """What was typed, by the names of the form's fields; of secrets nothing."""
    wrong: Mapping[str, str]
    """By the names of the form's fields."""
    others: tuple[str, ...] = ()
    """Mistakes that belong to no field."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is known to be wrong."""
        return not self.wrong and not self.others

    def with_errors(self, errors: Iterable[ConfigError]) -> Draft:
        """The draft with what checking found, each mistake at its field."""
        wrong, others = dict(self.wrong), list(self.others)
        for one in errors:
            place = _field(self.connector, one)
            if place:
                wrong.setdefault(place, one.said)
            else:
                others.append(f"{one.field}: {one.said}" if one.field else one.said)
        return self._replace(wrong=wrong, others=tuple(others))


def _field(connector: Connector, error: ConfigError) -> str:
    """The field of the form that a mistake belongs to; "" for none."""
    for part, prefix, names in (("settings", SETTINGS, tuple(connector.settings.model_fields)),
                                ("limits", LIMITS, tuple(one.name for one in LIMIT_FIELDS))):
        start = f"{connector.id}.{part}."
        name = error.field.removeprefix(start).split(".")[0].split("[")[0]
        if error.field.startswith(start) and name in names:
            return prefix + name
        if error.field == f"{connector.id}.{part}" and (missing := _quoted(error.message)) in names:
            return prefix + missing
    return ""


def _quoted(message: str) -> str:
    """The name in `'api_key' is missing`."""
    return message.split("'")[1] if message.count("'") >= 2 else ""


def drafted(visit: Visit, connector: Connector, kept: Mapping[str, Any]) -> Draft:
    """What the form makes of the connector; `kept` is its entry now."""
    fields = fields_of(connector.settings)
    read = typed(fields, visit.form, SETTINGS)
    limits = typed(LIMIT_FIELDS, visit.form, LIMITS)
    entering = Entering(visit.app, visit.options.keyring, may_refer=visit.may(Permission.SET_SECRETS, ANY_APP))
    secret = entering.read(fields, visit.form, kept.get("settings") or {}, SETTINGS)
    merged = {**read.values, **secret.values}
    entry = {**kept, "active": bool(visit.form.get("active")),
             "settings": {one.name: merged[one.name] for one in fields if one.name in merged}}
    entry.pop("limits", None)
    if limits.values:
        entry["limits"] = limits.values
    wrong = {SETTINGS + name: why for name, why in {**read.wrong, **secret.wrong}.items()}
    texts = {SETTINGS + name: text for name, text in read.texts.items()}
    locked = locked_fields(visit, connector)
    entry["settings"] = _held(entry["settings"], kept.get("settings") or {}, locked)
    return Draft(connector, entry, visit.number("base"), texts | {
        LIMITS + name: text for name, text in limits.texts.items()}, wrong)


def locked_fields(visit: Visit, connector: Connector) -> frozenset[str]:
    """Fields that open a way to hosts that are no vendor's: for those who answer for the whole installation."""
    if visit.may(Permission.CHANGE_APPS, ANY_APP):
        return frozenset()
    return frozenset(one.name for one in fields_of(connector.settings) if one.group == TESTING)


def _held(values: dict[str, Any], kept: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values with those of `names` as they were."""
    for name in names:
        values.pop(name, None)
        if name in kept:
            values[name] = kept[name]
    return values


def alone(visit: Visit, connector: Connector, entry: Mapping[str, Any]) -> AppConnector:
    """The connector as it would be in the app, active and by itself; raises ConfigErrors."""
    app = dict(visit.content.get("app") or {})
    if connector.addon:
        app["addons"] = sorted({*app.get("addons", ()), connector.id})
    only = {name: one for name, one in entry.items() if name != "exports"}
    content = {"app": app, "connectors": {connector.id: {**only, "active": True}}, "prompts": {}}
    return visit.options.store.compiled(visit.app, content).connectors[connector.id]


def checked(visit: Visit, draft: Draft) -> tuple[Draft, AppConnector | None]:
    """The draft with all that is wrong with it by itself, and the connector where nothing is."""
    if not draft.is_sound:
        return draft, None
    try:
        return draft, alone(visit, draft.connector, draft.entry)
    except ConfigErrors as found:
        return draft.with_errors(found.errors), None
