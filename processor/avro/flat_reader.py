"""Reads records of texts, whole numbers, maps of texts and what may be absent: events, the most read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

TEXT: Final = 0
ABSENT_OR_TEXT: Final = 1
NUMBER: Final = 2
MAP: Final = 3
ABSENT_OR_DOUBLE: Final = 4
KINDS: Final[Mapping[Any, int]] = {
    "string": TEXT, "int": NUMBER, "long": NUMBER, ("null", "string"): ABSENT_OR_TEXT,
    ("null", "double"): ABSENT_OR_DOUBLE,
}
ABSENT: Final = 0
THERE: Final = 2
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
        """One pass over the bytes; the whole is made text once, so that each value is a slice of it.

        Where letters turn out not to be ASCII, a second pass decodes value by value.
        """
        text = str(data, "latin-1")
        try:
            values, borders = _read(kinds, data, text, at, plain=True)
            if not _is_ascii(data, borders):
                values, borders = _read(kinds, data, text, at, plain=False)
        except (IndexError, UnicodeDecodeError, _UnusualError):
            return None
        return values if borders[-1] == len(data) else None

    return read


def _kind(declared: Any) -> int:
    if isinstance(declared, dict):
        return MAP if declared.get("type") == "map" and declared.get("values") == "string" else -1
    return KINDS.get(tuple(map(str, declared)) if isinstance(declared, list) else declared, -1)


def _is_ascii(data: bytes, borders: list[int]) -> bool:
    """Whether all is ASCII but for what lies between the second border and the third, the fourth and the fifth ..."""
    for place in range(0, len(borders), 2):
        part = data[borders[place]:borders[place + 1]]
        if not part.isascii():
            return False
    return True


def _read(kinds: tuple[int, ...], data: bytes, text: str, at: int, *, plain: bool) -> tuple[list[Any], list[int]]:
    """The values, and the borders between texts and what is no text, from the first byte to behind the last."""
    borders = [at]
    values: list[Any] = []
    for kind in kinds:
        if kind <= ABSENT_OR_TEXT:
            if kind:
                branch = data[at]
                at += 1
                if branch == ABSENT:
                    values.append(None)
                    continue
                if branch != THERE:
                    raise _UnusualError
            size = data[at]
            if size > 127 or size & 1:
                borders.append(at)
                size, at = _long(data, at)
                borders.append(at + 1)
            begin = at + 1
            at = begin + (size >> 1)
            values.append(text[begin:at] if plain else data[begin:at].decode())
        elif kind == NUMBER:
            borders.append(at)
            value, at = _number(data, at)
            at += 1
            borders.append(at)
            values.append(value)
        elif kind == MAP:
            pairs, at = _pairs(data, text, at, plain=plain)
            values.append(pairs)
        elif data[at] == ABSENT:
            values.append(None)
            at += 1
        else:
            raise _UnusualError
    borders.append(at)
    return values, borders


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


def _pairs(data: bytes, text: str, at: int, *, plain: bool) -> tuple[dict[str, str], int]:
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
        if plain:
            pairs[text[begin:middle]] = text[middle + 1:at]
        else:
            pairs[data[begin:middle].decode()] = data[middle + 1:at].decode()
    if data[at]:
        raise _UnusualError
    return pairs, at + 1
