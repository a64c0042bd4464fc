"""Moves sealed secrets to the first key: in files where they stand, in a store as a new version of each app."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from processor.config.errors import SecretError
from processor.config.files import APPS, SUFFIXES
from processor.config.keyring import SCHEME, Keyring
from processor.config.store import COMPANY, Store
from processor.config.writing import put

SEALED = re.compile(rf"({SCHEME}:\s*[\"']?)([0-9a-z]+:[A-Za-z0-9_-]+)")


class Turned(NamedTuple):
    """A reference that is not under the first key."""

    app: str
    place: str
    """File and line, or the path of the field."""
    key: str
    """That it was sealed with."""
    problem: str
    """Why it stays as it is; "" where it was sealed again."""


def in_files(folder: Path, ring: Keyring, only: str | None, *, write: bool) -> Iterator[Turned]:
    """Seal again what the files of a config folder have; comments and order stay."""
    for path in sorted((folder / APPS).rglob("*")):
        app = path.relative_to(folder / APPS).parts[0]
        if path.suffix in SUFFIXES and only in (None, app):
            text, found = _text(path.read_text("utf-8"), str(path), ring, app)
            if write and any(not one.problem for one in found):
                put(path, text)
            yield from found


def in_store(store: Store, ring: Keyring, only: str | None, by: str, *, write: bool) -> Iterator[Turned]:
    """Seal again what a store has; an app in which something changes gets its next version."""
    for app in store.names():
        version = store.current(app)
        if app == COMPANY or only not in (None, app) or version is None or version.content is None:
            continue
        found: list[Turned] = []
        content = _value(version.content, (), ring, app, found)
        if write and any(not one.problem for one in found):
            store.apply(app, content, base=version.number, by=by, note=f"secrets sealed with the key {ring.ids[0]}")
        yield from found


def _text(text: str, file: str, ring: Keyring, app: str) -> tuple[str, list[Turned]]:
    found: list[Turned] = []

    def again(match: re.Match[str]) -> str:
        place = f"{file}:{text.count(chr(10), 0, match.start()) + 1}"
        return match[1] + _again(f"{SCHEME}:{match[2]}", place, ring, app, found).removeprefix(f"{SCHEME}:")

    return SEALED.sub(again, text), found


def _value(value: Any, path: tuple[str, ...], ring: Keyring, app: str, found: list[Turned]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {SCHEME} and isinstance(value[SCHEME], str):
            return _again(f"{SCHEME}:{value[SCHEME]}", ".".join(path), ring, app, found)
        return {name: _value(one, (*path, str(name)), ring, app, found) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(one, (*path, str(at)), ring, app, found) for at, one in enumerate(value)]
    if isinstance(value, str) and SEALED.fullmatch(value):
        return _again(value, ".".join(path), ring, app, found)
    return value


def _again(reference: str, place: str, ring: Keyring, app: str, found: list[Turned]) -> str:
    key = reference.split(":")[1]
    try:
        made = ring.rotate(reference, app)
    except SecretError as error:
        found.append(Turned(app, place, key, str(error)))
        return reference
    if made != reference:
        found.append(Turned(app, place, key, ""))
    return made
