"""`connectors.yaml`: which connectors an app uses, with settings, limits and exports."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.kit.connector import Connector, Limits
from connectors.kit.errors import Failure
from connectors.kit.event import EXPORT_INTERACTIONS
from connectors.kit.export import Export
from connectors.kit.fields import Settings
from processor.config.errors import nearest
from processor.config.fields import Place, Spelled, checked, checked_part
from processor.config.model import AppConnector, ExportBinding
from processor.config.reading import Reading
from processor.config.shapes import ConnectorShape, ExportShape


class Entry(NamedTuple):
    """A connector of an app as far as it could be read."""

    connector: Connector
    place: Place
    active: bool
    made: AppConnector | None
    """None where its settings are wrong: that is reported already."""
    whole: bool
    """Whether all of its secrets could be had here; else its settings may lack some."""


def with_overrides(raw: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """The data of the file with the reading's overrides over the settings of connectors that are in it.

    A setting inside another is named with dots (`api_actions.start.url`), and passed over where the outer
    one is not in the file.
    """
    changed = dict(raw)
    for name, values in reading.overrides.items():
        entry = raw.get(name)
        if isinstance(entry, dict):
            settings = copy.deepcopy(entry.get("settings") or {})
            for path, value in values.items():
                _put(settings, path.split("."), value)
            changed[name] = {**entry, "settings": settings}
    return changed


def _put(settings: Any, path: list[str], value: str) -> None:
    for part in path[:-1]:
        settings = settings.get(part) if isinstance(settings, dict) else None
    if isinstance(settings, dict):
        settings[path[-1]] = Spelled(value)


def entries(
    raw: Mapping[str, Any], place: Place, addons: frozenset[str] | None, reading: Reading
) -> dict[str, Entry]:
    """The connectors of an app, by id; `addons` is None where the app's own file cannot be read."""
    found: dict[str, Entry] = {}
    for name, value in raw.items():
        here = place.at(name)
        connector = reading.catalogue.get(name)
        if connector is None:
            reading.errors.append(here.error(f"unknown connector '{name}'", nearest(name, reading.catalogue), key=True))
            continue
        found[name] = _entry(connector, here.document.mapping(here.path, value, reading.errors), here, addons, reading)
    return found


def _entry(
    connector: Connector, raw: Mapping[str, Any], place: Place, addons: frozenset[str] | None, reading: Reading
) -> Entry:
    shape = checked(ConnectorShape, raw, place, reading)
    active = shape.active if shape else raw.get("active") is not False
    if connector.addon and active and addons is not None and connector.id not in addons:
        reading.errors.append(place.error(
            f"'{connector.id}' is an add-on that this app has not got",
            f"add '{connector.id}' to addons in app.yaml, or set active: false", key=True,
        ))
    missing = len(reading.missing)
    settings = _settings(connector, raw, place, reading, active=active)
    limits = shape.limits.over(connector.limits) if shape else Limits()
    made = AppConnector(connector, settings, active, limits) if settings is not None and shape else None
    return Entry(connector, place, active, made, whole=len(reading.missing) == missing)


def _settings(
    connector: Connector, raw: Mapping[str, Any], place: Place, reading: Reading, *, active: bool
) -> Settings | None:
    here, missing = place.at("settings"), len(reading.missing)
    settings = checked_part(connector.settings, raw.get("settings"), here, reading, live=active)
    if settings is not None and active and len(reading.missing) == missing:
        return settings if _signs(connector, settings, here, reading) else None
    return settings


def _signs(connector: Connector, settings: Settings, place: Place, reading: Reading) -> bool:
    """Try signing and every token flow up to its first request, so that broken keys show now."""
    try:
        connector.signer(settings)
        for flow in connector.tokens.values():
            next(flow(settings, 0.0), None)
    except Failure as failure:
        message = reading.masked(failure.message or failure.code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown as a mistake in these settings
        message = f"signing fails with {type(error).__name__}"
    else:
        return True
    reading.errors.append(place.error(f"these settings cannot sign a request: {message}",
                                      "compare with the vendor's console", key=True))
    return False


def exports(
    raw: Mapping[str, Any], found: Mapping[str, Entry], prompts: frozenset[str], reading: Reading
) -> tuple[ExportBinding, ...]:
    """The exports of all active connectors of an app."""
    made: list[ExportBinding] = []
    for name, entry in found.items():
        value = raw[name].get("exports") if isinstance(raw[name], dict) else None
        for export_id, one in (value if isinstance(value, dict) else {}).items():
            binding = _export(entry, export_id, one, prompts, reading)
            if binding is not None and entry.active:
                made.append(binding)
    return tuple(made)


def _export(entry: Entry, export_id: str, raw: Any, prompts: frozenset[str], reading: Reading) -> ExportBinding | None:
    place = entry.place.at("exports", export_id)
    export = entry.connector.exports.get(export_id)
    if export is None:
        hint = nearest(export_id, entry.connector.exports) or f"'{entry.connector.id}' has no exports"
        reading.errors.append(place.error(f"unknown export '{export_id}'", hint, key=True))
        return None
    values = place.document.mapping(place.path, raw, reading.errors)
    shape = checked(ExportShape, values, place, reading)
    params = checked_part(export.params, values.get("params"), place.at("params"), reading)
    if shape is None:
        return None
    interactions = _interactions(shape, export, place, reading)
    chosen = _names(shape.prompts, prompts, "prompt", place.at("prompts"), reading)
    if params is None or entry.made is None:
        return None
    name = f"{entry.connector.id}.{export.id}"
    return ExportBinding(name, entry.connector, export, params, entry.made.settings, interactions, chosen)


def _interactions(shape: ExportShape, export: Export, place: Place, reading: Reading) -> frozenset[str]:
    if export.trigger == "attributes":
        if shape.interactions is not None:
            reading.errors.append(place.at("interactions").error(
                "this export follows changes of attributes, not interactions", "leave it out", key=True))
        return frozenset()
    known = frozenset(map(str, EXPORT_INTERACTIONS))
    return _names(shape.interactions, known, "interaction", place.at("interactions"), reading) or known


def _names(
    given: tuple[str, ...] | None, known: frozenset[str], what: str, place: Place, reading: Reading
) -> frozenset[str] | None:
    for at, name in enumerate(given or ()):
        if name not in known:
            reading.errors.append(place.at(at).error(f"unknown {what} '{name}'", nearest(name, known)))
    return None if given is None else frozenset(given)
