"""Writes records of texts, whole numbers and maps of texts from their values in order: outcomes, the most written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

TEXT: Final = 0
NUMBER: Final = 1
PAIRS: Final = 2
KINDS: Final = {"string": TEXT, "int": NUMBER, "long": NUMBER}
ONE_BYTE: Final = 64
"""Numbers from 0 and lengths below this take one byte."""
_SHORT: Final = [bytes([number << 1]) for number in range(ONE_BYTE)]
_LAST: Final = [bytes([number]) for number in range(128)]
_MORE: Final = [bytes([number | 128]) for number in range(128)]
"""Bytes of larger numbers: the last one, and those that another follows."""

FlatWriter = Callable[[bytes, Sequence[Any]], bytes | None]
"""Makes what begins with a head and goes on with the Avro data; None where a value is not of its field's type."""


def flat_writer(schema: Any) -> FlatWriter:
    """The writer of a schema; raises ValueError where it has other fields than those of the page's first line."""
    kinds = [_kind(field["type"]) for field in schema["fields"]]

    def write(head: bytes, values: Sequence[Any]) -> bytes | None:
        """One pass over the values."""
        return _write(kinds, head, values)

    return write


def _kind(declared: Any) -> int:
    if isinstance(declared, dict) and declared.get("type") == "map" and declared.get("values") == "string":
        return PAIRS
    if isinstance(declared, str) and declared in KINDS:
        return KINDS[declared]
    raise ValueError(f"{declared} is not written here")


def _write(kinds: list[int], head: bytes, values: Sequence[Any]) -> bytes | None:
    parts: list[bytes] = [head]
    for at, value in enumerate(values):
        kind = kinds[at]
        if kind == TEXT and type(value) is str:
            _text(parts, value)
        elif kind == NUMBER and type(value) is int:
            _number(parts, value)
        elif kind == PAIRS and type(value) is dict:
            _pairs(parts, value)
        else:
            return None
    return b"".join(parts)


def _text(parts: list[bytes], text: str) -> None:
    data = text.encode()
    size = len(data)
    if size < ONE_BYTE:
        parts.append(_SHORT[size])
    else:
        _number(parts, size)
    if size:
        parts.append(data)


def _pairs(parts: list[bytes], pairs: dict[str, str]) -> None:
    if pairs:
        _number(parts, len(pairs))
        for name, text in pairs.items():
            _text(parts, name)
            _text(parts, text)
    parts.append(_SHORT[0])


def _number(parts: list[bytes], value: int) -> None:
    """Zigzag, seven bits a byte."""
    if 0 <= value < ONE_BYTE:
        parts.append(_SHORT[value])
        return
    rest = (value << 1) ^ (value >> 63)
    while rest > 127:
        parts.append(_MORE[rest & 127])
        rest >>= 7
    parts.append(_LAST[rest])
