"""Reads a config folder: one folder an app, all mistakes at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from processor.config import connectors, documents, prompts
from processor.config.documents import Document
from processor.config.errors import ConfigError, ConfigErrors, nearest
from processor.config.fields import Place, checked
from processor.config.model import App, Configuration, configuration_of
from processor.config.reading import Overrides, Reading
from processor.config.shapes import AppShape

APPS = "apps"
SUFFIXES = (".yaml", ".yml")
FILES = ("app.yaml", "connectors.yaml", "prompts.yaml")
APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def load(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Overrides | None = None,
    known: Mapping[str, Connector] | None = None,
) -> Configuration:
    """The configuration in `folder`; raises ConfigErrors with every mistake there is.

    `overrides` puts other values over settings of connectors, by connector and setting, in every app.
    `known` stands in for the catalogue of connectors.
    """
    return read(folder, environ, overrides, known)[0]


def read(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Overrides | None = None,
    known: Mapping[str, Connector] | None = None,
) -> tuple[Configuration, frozenset[Path]]:
    """The same, with the files outside the layout that secrets were read from."""
    reading = Reading(folder, environ, catalogue() if known is None else known, overrides or {})
    apps = {place.name: _app(place, reading) for place in _app_folders(folder, reading)}
    if reading.errors:
        raise ConfigErrors(sorted(set(reading.errors), key=lambda one: one[:3]))
    return configuration_of(apps), frozenset(reading.files)


def _app_folders(folder: Path, reading: Reading) -> list[Path]:
    place = folder / APPS
    if not place.is_dir():
        reading.errors.append(ConfigError(str(place), 0, 0, "", "there is no such folder",
                                          "one folder an app belongs into it, such as apps/shop/app.yaml"))
        return []
    found = sorted(one for one in place.iterdir() if one.is_dir() and not one.name.startswith((".", "_")))
    for one in found:
        if not APP_ID.fullmatch(one.name):
            reading.errors.append(ConfigError(str(one), 0, 0, "", f"'{one.name}' is no id of an app",
                                              "letters, digits and _ . - , at most 100"))
    return found


def _app(folder: Path, reading: Reading) -> App:
    _check_files(folder, reading)
    shape_place = Place(_document(folder / FILES[0], reading, required=True))
    raw_app = shape_place.document.mapping((), shape_place.document.data, reading.errors)
    shape = checked(AppShape, raw_app, shape_place, reading) or AppShape()
    addons = _addons(raw_app.get("addons", []), shape_place, reading) if shape_place.document.data else None
    place = Place(_document(folder / FILES[1], reading))
    raw = connectors.with_overrides(place.document.mapping((), place.document.data, reading.errors), reading)
    found = connectors.entries(raw, place, addons, reading)
    sources = prompts.sources(_prompt_places(folder, reading), reading)
    made = {name: prompts.prompt(name, source, found, reading) for name, source in sources.items()}
    exports = connectors.exports(raw, found, frozenset(sources), reading)
    version = _version(raw_app, raw, {name: source.raw for name, source in sources.items()})
    used = {name: entry.made for name, entry in found.items() if entry.made is not None}
    return App(folder.name, shape.title or folder.name, addons or frozenset(), version, MappingProxyType(used),
               MappingProxyType(made), exports, shape.duplicates_window)


def _check_files(folder: Path, reading: Reading) -> None:
    """A file with a wrong name would be left out silently, so it is a mistake."""
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.name not in FILES and not path.name.startswith("."):
            reading.errors.append(ConfigError(str(path), 0, 0, "", "unknown file",
                                              nearest(path.name, FILES) + "; further prompts: prompts/*.yaml"))


def _document(path: Path, reading: Reading, *, required: bool = False) -> Document:
    if not required and not path.exists():
        return Document(str(path), None, {}, {})
    document, errors = documents.read(path)
    reading.errors.extend(errors)
    return document


def _prompt_places(folder: Path, reading: Reading) -> list[Place]:
    more = folder / "prompts"
    paths = [folder / FILES[2]]
    if more.is_dir():
        paths += sorted(one for one in more.iterdir() if one.suffix in SUFFIXES and not one.name.startswith("."))
    return [Place(_document(path, reading)) for path in paths]


def _addons(raw: Any, place: Place, reading: Reading) -> frozenset[str]:
    """The app's add-ons, also where something else in its file is wrong."""
    names = [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else []
    known = [one.id for one in reading.catalogue.values() if one.addon]
    for at, name in enumerate(names):
        if name not in known:
            reading.errors.append(place.at("addons", at).error(f"unknown add-on '{name}'", nearest(name, known)))
    return frozenset(names)


def _version(app: Mapping[str, Any], used: Mapping[str, Any], bound: Mapping[str, Any]) -> str:
    """Over what the files say: a secret counts by its reference, comments and order of keys do not count."""
    text = json.dumps([app, used, bound], sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()[:12]
