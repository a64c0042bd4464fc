"""One app from its documents to the value that the engine runs, whatever the documents came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from processor.config import connectors, prompts
from processor.config.documents import Document
from processor.config.errors import nearest
from processor.config.fields import Place, checked
from processor.config.model import App
from processor.config.reading import Reading
from processor.config.shapes import AppShape


class Parts(NamedTuple):
    """What an app is written in."""

    app: Document
    connectors: Document
    prompts: tuple[Document, ...]


class Raw(NamedTuple):
    """The same as plain data: over this goes the version."""

    app: Mapping[str, Any]
    connectors: Mapping[str, Any]
    prompts: Mapping[str, Mapping[str, Any]]

    @property
    def digest(self) -> str:
        """12 hex digits: a secret counts by its reference, comments and order of keys do not count."""
        text = json.dumps([self.app, self.connectors, self.prompts], sort_keys=True, ensure_ascii=True)
        return sha256(text.encode()).hexdigest()[:12]


def compiled(name: str, parts: Parts, reading: Reading) -> tuple[App, Raw]:
    """The app, whole only where `reading` has no mistakes afterwards; and what it was made from."""
    shape_place, place = Place(parts.app), Place(parts.connectors)
    reading.app = name
    raw_app = parts.app.mapping((), parts.app.data, reading.errors)
    shape = checked(AppShape, raw_app, shape_place, reading) or AppShape()
    addons = _addons(raw_app.get("addons", []), shape_place, reading) if parts.app.data else None
    written = parts.connectors.mapping((), parts.connectors.data, reading.errors)
    used = connectors.with_overrides(written, reading)
    found = connectors.entries(used, place, addons, reading)
    sources = prompts.sources(map(Place, parts.prompts), reading)
    made = {one: prompts.prompt(one, source, found, reading) for one, source in sources.items()}
    exports = connectors.exports(used, found, frozenset(sources), reading)
    raw = Raw(raw_app, written, {one: source.raw for one, source in sources.items()})
    usable = {one: entry.made for one, entry in found.items() if entry.made is not None}
    return App(name, shape.title or name, addons or frozenset(), raw.digest, MappingProxyType(usable),
               MappingProxyType(made), exports, shape.duplicates_window), raw


def _addons(raw: Any, place: Place, reading: Reading) -> frozenset[str]:
    """The app's add-ons, also where something else in its file is wrong."""
    names = [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else []
    known = [one.id for one in reading.catalogue.values() if one.addon]
    for at, name in enumerate(names):
        if name not in known:
            reading.errors.append(place.at("addons", at).error(f"unknown add-on '{name}'", nearest(name, known)))
    return frozenset(names)
