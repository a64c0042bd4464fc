"""Writes records of texts, whole numbers and maps of texts from their values in order: outcomes, the most written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

KINDS = {"string": str, "int": int, "long": int}
ONE_BYTE = 64
"""Numbers from 0 and lengths below this take one byte."""
_SHORT = tuple(chr(number << 1) for number in range(ONE_BYTE))

FlatWriter = Callable[[Sequence[Any]], str | None]
"""Makes the Avro data, a byte a character; None where a value is not of its field's type."""


def flat_writer(schema: Any) -> FlatWriter:
    """The writer of a schema; raises ValueError where it has other fields than those of the page's first line."""
    kinds: tuple[Any, ...] = tuple(_kind(field["type"]) for field in schema["fields"])

    def write(values: Sequence[Any]) -> str | None:
        """Texts are put together and turned into bytes once, which is what makes it fast."""
        parts: list[str] = []
        add = parts.append
        for kind, value in zip(kinds, values, strict=True):
            if type(value) is not kind:
                return None
            if kind is str:
                size = len(value)
                if size < ONE_BYTE and value.isascii():
                    add(_SHORT[size])
                    add(value)
                else:
                    add(_text(value))
            elif kind is int:
                add(_SHORT[value] if 0 <= value < ONE_BYTE else _number(value))
            elif value:
                add(_pairs(value))
            else:
                add("\0")
        return "".join(parts)

    return write


def _kind(declared: Any) -> type:
    if isinstance(declared, dict) and declared.get("type") == "map" and declared.get("values") == "string":
        return dict
    if isinstance(declared, str) and declared in KINDS:
        return KINDS[declared]
    raise ValueError(f"{declared} is not written here")


def _text(value: str) -> str:
    data = value.encode()
    return _number(len(data)) + data.decode("latin-1")


def _pairs(value: dict[str, str]) -> str:
    return "".join([_number(len(value)), *(_text(part) for pair in value.items() for part in pair), "\0"])


@lru_cache(4096)
def _number(value: int) -> str:
    """Zigzag, seven bits a byte; times of the same millisecond and lengths come again and again."""
    rest = (value << 1) ^ (value >> 63)
    parts = []
    while rest > 127:
        parts.append(chr(rest & 127 | 128))
        rest >>= 7
    return "".join([*parts, chr(rest)])
