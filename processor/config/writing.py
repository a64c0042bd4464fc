"""An app's content as the YAML files that it would be read from: the same content, hence the same version."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from processor.config.documents import resolvers
from processor.config.files import APPS, FILES
from processor.config.store import Content

WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Quotes every text that either YAML 1.1 or our reader, which goes by 1.2, would take for something else."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    # in single quotes, a reader makes a space of these
    style = '"' if any(one in text for one in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
for _tag, _pattern, _first in resolvers():
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]  # people write values out


def text_of(data: Mapping[str, Any]) -> str:
    """YAML that is read as just this data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH) if data else ""


def files_of(content: Content) -> dict[str, str]:
    """The text of each file, by its name."""
    parts = (content.get("app") or {}, content.get("connectors") or {}, content.get("prompts") or {})
    return dict(zip(FILES, map(text_of, parts), strict=True))


def put(path: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of one; who may read it stays as it is."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, "utf-8")
    if path.exists():
        shutil.copymode(path, fresh)
    fresh.replace(path)


def write(folder: Path, name: str, content: Content) -> list[Path]:
    """Write the app's files below `folder`; an app that is there already is not touched: FileExistsError."""
    place = folder / APPS / name
    if place.exists():
        raise FileExistsError(f"{place} is there already: move it away, or choose another --out")
    place.mkdir(parents=True)
    found: list[Path] = []
    for file, text in files_of(content).items():
        (place / file).write_text(text, "utf-8")
        found.append(place / file)
    return found
