"""Reads a config folder: one folder an app, all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from processor.config import documents
from processor.config.compiling import Parts, compiled
from processor.config.documents import Document
from processor.config.errors import ConfigError, nearest
from processor.config.model import Configuration, configuration_of
from processor.config.reading import Overrides, Reading

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
    return all_apps(reading), frozenset(reading.files)


def all_apps(reading: Reading) -> Configuration:
    """The apps below the folder of `reading`; raises ConfigErrors with every mistake."""
    apps = {place.name: compiled(place.name, parts(place, reading), reading)[0]
            for place in app_folders(reading.folder, reading)}
    reading.check()
    return configuration_of(apps)


def app_folders(folder: Path, reading: Reading) -> list[Path]:
    """The folders of the apps; what is none is a mistake."""
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


def parts(folder: Path, reading: Reading) -> Parts:
    """The files of one app as documents; mistakes of their form are noted in `reading`."""
    _check_files(folder, reading)
    return Parts(_document(folder / FILES[0], reading, required=True), _document(folder / FILES[1], reading),
                 _prompts(folder, reading))


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


def _prompts(folder: Path, reading: Reading) -> tuple[Document, ...]:
    more = folder / "prompts"
    paths = [folder / FILES[2]]
    if more.is_dir():
        paths += sorted(one for one in more.iterdir() if one.suffix in SUFFIXES and not one.name.startswith("."))
    return tuple(_document(path, reading) for path in paths)
