"""Reads records of texts, whole numbers, maps of texts and what may be absent: events, the most read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

TEXT, ABSENT_OR_TEXT, NUMBER, MAP, ABSENT_OR_DOUBLE = range(5)
KINDS: Final[Mapping[Any, int]] = {
    "string": TEXT, "int": NUMBER, "long": NUMBER, ("null", "string"): ABSENT_OR_TEXT,
    ("null", "double"): ABSENT_OR_DOUBLE,
}
ABSENT, THERE = 0, 2
"""Which branch of a union was taken, as it is written."""

FlatReader = Callable[[bytes, int], list[Any] | None]
"""Makes the values in order, from data and where they begin; None where they are unusual, or broken."""


class _UnusualError(Exception):
    """Something that is left to the library: it may be broken."""


def flat_reader(schema: Any) -> FlatReader | None:
    """The reader of a schema; None where it has other fields than those of the page's first line."""
    kinds = tuple(_kind(field["type"]) for field in schema["fields"])
    if -1 in kinds:
        return None

    def read(data: bytes, at: int) -> list[Any] | None:
        """One pass over the bytes; the whole is made text once, so that each value is a slice of it."""
        try:
            values, end = _read(kinds, data, str(data, "latin-1"), at)
        except (IndexError, UnicodeDecodeError, _UnusualError):
            return None
        return values if end == len(data) else None

    return read


def _kind(declared: Any) -> int:
    if isinstance(declared, dict):
        return MAP if declared.get("type") == "map" and declared.get("values") == "string" else -1
    return KINDS.get(tuple(map(str, declared)) if isinstance(declared, list) else declared, -1)


def _read(kinds: tuple[int, ...], data: bytes, text: str, at: int) -> tuple[list[Any], int]:
    values: list[Any] = []
    add = values.append
    for kind in kinds:
        if kind <= ABSENT_OR_TEXT:
            if kind:
                branch = data[at]
                at += 1
                if branch == ABSENT:
                    add(None)
                    continue
                if branch != THERE:
                    raise _UnusualError
            size = data[at]
            if size > 127 or size & 1:
                size, at = _long(data, at)
            begin = at + 1
            at = begin + (size >> 1)
            part = text[begin:at]
            add(part if part.isascii() else data[begin:at].decode())
        elif kind == NUMBER:
            value, at = _number(data, at)
            at += 1
            add(value)
        elif kind == MAP:
            pairs, at = _pairs(data, text, at)
            add(pairs)
        elif data[at] == ABSENT:
            add(None)
            at += 1
        else:
            raise _UnusualError
    return values, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where its last byte stands."""
    byte = data[at]
    value, shift = byte & 127, 7
    while byte > 127:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        shift += 7
    if shift > 63:
        raise _UnusualError
    return (value >> 1) ^ -(value & 1), at


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A length of several bytes, doubled as those of one byte are, and where its last byte stands."""
    size, at = _number(data, at)
    if size < 0:
        raise _UnusualError
    return size << 1, at


def _pairs(data: bytes, text: str, at: int) -> tuple[dict[str, str], int]:
    """A map of one block with few short texts, as nearly all are; and where the next value begins."""
    count = data[at]
    at += 1
    pairs: dict[str, str] = {}
    if not count:
        return pairs, at
    if count > 127 or count & 1:
        raise _UnusualError
    for _ in range(count >> 1):
        size = data[at]
        begin = at + 1
        middle = begin + (size >> 1)
        more = data[middle]
        at = middle + 1 + (more >> 1)
        if (size | more) > 127 or (size | more) & 1:
            raise _UnusualError
        name, value = text[begin:middle], text[middle + 1:at]
        if not name.isascii():
            name = data[begin:middle].decode()
        pairs[name] = value if value.isascii() else data[middle + 1:at].decode()
    if data[at]:
        raise _UnusualError
    return pairs, at + 1
