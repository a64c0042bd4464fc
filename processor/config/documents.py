"""YAML files as plain data that remembers where each value stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from processor.config.errors import ConfigError, field_path, nearest

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml reads the same, only slower
    from yaml import SafeLoader  # type: ignore[assignment]

PathOf = tuple[str | int, ...]
MAX_VALUES = 200_000
"""So that a handful of nested aliases cannot fill the memory."""
TAG = "tag:yaml.org,2002:"


class Mark(NamedTuple):
    """A place in a file, line and column from 1."""

    line: int
    column: int


class Document(NamedTuple):
    """One file: its data (mappings, lists, scalars) and the place of every key and value."""

    file: str
    data: Any
    values: dict[PathOf, Mark]
    keys: dict[PathOf, Mark]

    def mark(self, path: PathOf, *, key: bool = False) -> Mark:
        """Where `path` stands, or its nearest part that is in the file."""
        while path:
            found = (self.keys.get(path) if key else None) or self.values.get(path)
            if found:
                return found
            path, key = path[:-1], True
        return self.values.get((), Mark(1, 1))

    def error(self, path: PathOf, message: str, hint: str = "", *, key: bool = False) -> ConfigError:
        """A mistake at `path`; `key` points at the name instead of the value."""
        line, column = self.mark(path, key=key)
        return ConfigError(self.file, line, column, field_path(path), message, hint)

    def mapping(self, path: PathOf, value: Any, errors: list[ConfigError]) -> dict[str, Any]:
        """`value` as a mapping; anything else is a mistake and read as an empty one."""
        if isinstance(value, dict):
            return value
        if value is not None:
            errors.append(self.error(path, f"expected names with values, found {kind(value)}"))
        return {}

    def unknown_keys(self, path: PathOf, value: dict[str, Any], allowed: set[str], errors: list[ConfigError]) -> None:
        """Report each key of `value` that is not allowed, with the nearest that is."""
        errors.extend(
            self.error((*path, name), f"unknown key '{name}'", nearest(name, allowed), key=True)
            for name in value if name not in allowed
        )


def of_data(data: Any, file: str) -> Document:
    """Plain data as a document of the name `file`: mistakes in it have a field and no line."""
    values = dict.fromkeys(paths(data), Mark(0, 0))
    return Document(file, data, values, values)


def paths(value: Any, path: PathOf = ()) -> Iterator[PathOf]:
    """Where data and all that is in it lie, data itself at `path`."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in parts:
        yield from paths(one, (*path, name))


def kind(value: Any) -> str:
    """What a value is, in words of the file's author."""
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a truth value", int: "a number",
             float: "a number", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


class _Loader(SafeLoader):
    """Composes nodes by YAML 1.2's core rules: `no`, `on` and `12:30` stay texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form


def resolvers() -> list[tuple[str, re.Pattern[str], list[str]]]:
    """What a plain text may be instead of a text: tag, form, first characters ("" for nothing at all)."""
    return [(TAG + tag, re.compile(pattern), [*first.replace("\0", ""), *([""] if "\0" in first else [])])
            for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
        ("int", r"^[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
        ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    )]


for _tag, _pattern, _first in resolvers():
    _Loader.add_implicit_resolver(_tag, _pattern, _first)

SCALARS: dict[str, Callable[[str], Any]] = {
    TAG + "str": str, TAG + "bool": lambda text: text.lower() == "true", TAG + "null": lambda _text: None,
    TAG + "int": lambda text: int(text, 10 if text.lstrip("+-").isdigit() else 0), TAG + "float": float,
}


class MistakeError(Exception):
    """A file that cannot be taken at all."""

    def __init__(self, node: yaml.Node, path: PathOf, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.node, self.path, self.hint = node, path, hint


class _Builder:
    """Turns composed nodes into data and remembers places."""

    def __init__(self, file: str) -> None:
        self.document = Document(file, None, {}, {})
        self.errors: list[ConfigError] = []
        self._open: set[int] = set()

    def build(self, node: yaml.Node, path: PathOf = ()) -> Any:
        """The data of `node`."""
        if id(node) in self._open:
            raise MistakeError(node, path, "an alias that contains itself")
        if len(self.document.values) > MAX_VALUES:
            raise MistakeError(node, path, f"more than {MAX_VALUES} values, aliases counted out")
        self.document.values[path] = _mark(node)
        self._open.add(id(node))
        try:
            return self._value(node, path)
        finally:
            self._open.discard(id(node))

    def _value(self, node: yaml.Node, path: PathOf) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            return [self.build(one, (*path, place)) for place, one in enumerate(node.value)]
        read = SCALARS.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
        if read is None:
            raise MistakeError(node, path, f"the tag '{node.tag.replace(TAG, '!!')}' is not allowed",
                           "texts, numbers, true, false, null, lists and mappings are")
        return read(node.value)

    def _mapping(self, node: yaml.MappingNode, path: PathOf) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise MistakeError(key, path, "a name must be a text")
            place = (*path, key.value)
            if key.value in built:
                self._twice(key, place)
                continue
            self.document.keys[place] = _mark(key)
            built[key.value] = self.build(value, place)
        return built

    def _twice(self, key: yaml.ScalarNode, place: PathOf) -> None:
        line, column = _mark(key)
        self.errors.append(ConfigError(
            self.document.file, line, column, field_path(place), f"'{key.value}' is given twice",
            f"first given in line {self.document.keys[place].line}; keep one of them",
        ))


def parse(text: str, file: str) -> tuple[Document, list[ConfigError]]:
    """The data of one YAML text and the mistakes of its form; an unreadable text gives no data."""
    builder = _Builder(file)
    try:
        node = _composed(text)
        data = builder.build(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        return builder.document, [*builder.errors, _syntax_error(file, error)]
    except yaml.reader.ReaderError as error:
        return builder.document, [ConfigError(file, 0, 0, "", f"no readable text: {error.reason}")]
    except MistakeError as error:
        line, column = _mark(error.node)
        return builder.document, [ConfigError(file, line, column, field_path(error.path), str(error), error.hint)]
    return builder.document._replace(data=data), builder.errors


def read(path: Path) -> tuple[Document, list[ConfigError]]:
    """The same for a file."""
    try:
        return parse(path.read_text("utf-8"), str(path))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "is no UTF-8 text"
    return Document(str(path), None, {}, {}), [ConfigError(str(path), 0, 0, "", problem)]


def _composed(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return ConfigError(file, line, column, "", f"no valid YAML: {error.problem or error.context}", error.context or "")
