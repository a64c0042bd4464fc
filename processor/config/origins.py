"""Where each of the processor's settings comes from: the environment, a line of the file, or the default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ByteSize, SecretStr

from processor.config.documents import Document, PathOf
from processor.config.own import document_of, is_secret_property, load_settings, variables_of
from processor.config.reading import Reading
from processor.config.reference import rows

MASK = "***"


class Origin(NamedTuple):
    """One setting as it is."""

    setting: str
    value: Any
    """As data; what is secret is hidden."""
    origin: str
    """`default`, the name of a variable, or file and line."""


def origins(environ: Mapping[str, str], file: Path | None = None) -> Iterator[Origin]:
    """All settings; raises ConfigErrors as reading them does."""
    settings = load_settings(environ, file)
    document, _ = document_of(environ, file)
    variables = variables_of(environ, Reading(Path(), environ, {}))
    for row in rows():
        path = tuple(row.name.split("."))
        value: Any = settings
        for part in path:
            value = getattr(value, part, None)
        if isinstance(value, dict) and value:
            yield from (_origin((*path, name), _shown(name, one), document, variables) for name, one in value.items())
        else:
            yield _origin(path, _shown(path[-1], value), document, variables)


def _origin(path: PathOf, value: Any, document: Document, variables: Mapping[PathOf, str]) -> Origin:
    return Origin(".".join(map(str, path)), value, _from(path, document, variables))


def _from(path: PathOf, document: Document, variables: Mapping[PathOf, str]) -> str:
    spelled = (*path[:-1], str(path[-1]).replace(".", "_"))
    for length in range(len(path), 0, -1):
        for given in (path[:length], spelled[:length]):
            if given in variables:
                return variables[given]
    for given in (path, spelled):
        if given in document.values:
            return f"{document.file}:{document.mark(given, key=True).line}"
    return "default"


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr) or (isinstance(value, str) and value and is_secret_property(name)):
        return MASK
    if isinstance(value, ByteSize):
        return int(value)
    if isinstance(value, Mapping):
        return {one: _shown(one, inner) for one, inner in value.items()}
    return str(value) if isinstance(value, Path) else value
