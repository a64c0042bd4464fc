"""Writes records from tuples of their values in the schema's order, without a dictionary between: what is written most.

It does not check what a schema allows beyond types: whatever is unusual is left to the library, which names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final

ONE_BYTE: Final = 64
"""Numbers from 0 and lengths below this take one byte."""
LARGEST: Final = 1 << 61
"""Larger numbers are left to the library: it knows which of them a field takes."""
_SHORT: Final = [bytes([number << 1]) for number in range(ONE_BYTE)]
_LAST: Final = [bytes([number]) for number in range(128)]
_MORE: Final = [bytes([number | 128]) for number in range(128)]
"""Bytes of larger numbers: the last one, and those that another follows."""
_END: Final = b"\0"
_YES: Final = b"\1"
_DOUBLE: Final = Struct("<d").pack

Writer = Callable[[bytes, Sequence[Any]], bytes | None]
"""Makes what begins with a head and goes on with the Avro data; None where a value is not of its field's type."""


def writer(schema: Any) -> Writer:
    """The writer of a record's schema; raises ValueError where it has types that are not written here."""
    record = _kind(schema, {})

    def write(head: bytes, values: Sequence[Any]) -> bytes | None:
        """One pass over the values."""
        parts = [head]
        return b"".join(parts) if record.write(parts, values) else None

    return write


class Kind:
    """How values of one type are written: False where a value is of another one."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Add the value's bytes."""
        raise NotImplementedError


class Text(Kind):
    """Text in UTF-8."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Length and bytes."""
        if type(value) is not str:
            return False
        _text(parts, value)
        return True


class Bytes(Kind):
    """Bytes as they are."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Length and bytes."""
        if type(value) is not bytes:
            return False
        _bytes(parts, value)
        return True


class Number(Kind):
    """A whole number, be it int or long."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Zigzag, seven bits a byte."""
        if type(value) is not int:
            return False
        number: int = value
        if 0 <= number < ONE_BYTE:
            parts.append(_SHORT[number])
            return True
        if not -LARGEST < number < LARGEST:
            return False
        _number(parts, number)
        return True


class Double(Kind):
    """A floating point number."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Eight bytes."""
        if type(value) is not float:
            return False
        parts.append(_DOUBLE(value))
        return True


class Truth(Kind):
    """True or false."""

    def write(self, parts: list[bytes], value: Any) -> bool:
        """One byte."""
        if type(value) is not bool:
            return False
        parts.append(_YES if value else _END)
        return True


class Nothing(Kind):
    """Null, as a union has it."""

    def write(self, parts: list[bytes], value: Any) -> bool:  # noqa: ARG002  nothing is written
        """No byte at all."""
        return value is None


class Pairs(Kind):
    """A map in one block."""

    def __init__(self, values: Kind) -> None:
        self._values = values

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Count, then names and values."""
        if type(value) is not dict:
            return False
        pairs: dict[Any, Any] = value
        if pairs:
            _number(parts, len(pairs))
            for name, one in pairs.items():
                if type(name) is not str:
                    return False
                _text(parts, name)
                if not self._values.write(parts, one):
                    return False
        parts.append(_END)
        return True


class Items(Kind):
    """An array in one block."""

    def __init__(self, items: Kind) -> None:
        self._items = items

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Count, then items."""
        if type(value) is not list and type(value) is not tuple:
            return False
        if value:
            _number(parts, len(value))
            for one in value:
                if not self._items.write(parts, one):
                    return False
        parts.append(_END)
        return True


class Record(Kind):
    """A record, from a tuple with a value for each field."""

    def __init__(self) -> None:
        self.fields: list[Kind] = []

    def write(self, parts: list[bytes], value: Any) -> bool:
        """Field by field."""
        if not isinstance(value, tuple) or len(value) != len(self.fields):
            return False
        for at, kind in enumerate(self.fields):
            field = value[at]
            if not kind.write(parts, field):
                return False
        return True


class OneOf(Kind):
    """A union: which of its types it is, a value's own type tells."""

    def __init__(self, branches: Mapping[type, tuple[bytes, Kind]], record: tuple[bytes, Kind] | None) -> None:
        self._branches = dict(branches)
        self._record = record

    def write(self, parts: list[bytes], value: Any) -> bool:
        """The branch's number, then the value."""
        found = self._branches.get(type(value))
        if found is None:
            found = self._record
            if found is None:
                return False
        parts.append(found[0])
        return found[1].write(parts, value)


_PLAIN: Final[dict[str, Kind]] = {
    "string": Text(), "bytes": Bytes(), "int": Number(), "long": Number(), "double": Double(), "boolean": Truth(),
    "null": Nothing(),
}
_PYTHON: Final[dict[str, type]] = {
    "string": str, "bytes": bytes, "int": int, "long": int, "double": float, "boolean": bool, "null": type(None),
    "map": dict, "array": list,
}


def _kind(declared: Any, known: dict[str, Kind]) -> Kind:
    """The kind of a type in a schema; `known` are the records so far, by name."""
    if isinstance(declared, list):
        return _one_of(declared, known)
    name: str = declared["type"] if isinstance(declared, dict) else declared
    if name == "map":
        return Pairs(_kind(declared["values"], known))
    if name == "array":
        return Items(_kind(declared["items"], known))
    if name == "record":
        record = known[declared["name"]] = Record()
        record.fields = [_kind(field["type"], known) for field in declared["fields"]]
        return record
    found = _PLAIN.get(name) or known.get(name)
    if found is None:
        raise ValueError(f"{declared} is not written here")
    return found


def _one_of(declared: list[Any], known: dict[str, Kind]) -> Kind:
    branches: dict[type, tuple[bytes, Kind]] = {}
    record: tuple[bytes, Kind] | None = None
    for number, branch in enumerate(declared):
        pair = (_SHORT[number], _kind(branch, known))
        python = _PYTHON.get(branch["type"] if isinstance(branch, dict) else branch)
        if python is None:
            if record is not None:
                raise ValueError(f"{declared} is not written here: a value cannot tell which record it is")
            record = pair
        elif python in branches:
            raise ValueError(f"{declared} is not written here: a value cannot tell which number it is")
        else:
            branches[python] = pair
    if list in branches and record is None:
        branches[tuple] = branches[list]
    return OneOf(branches, record)


def _text(parts: list[bytes], text: str) -> None:
    _bytes(parts, text.encode())


def _bytes(parts: list[bytes], data: bytes) -> None:
    size = len(data)
    if size < ONE_BYTE:
        parts.append(_SHORT[size])
    else:
        _number(parts, size)
    if size:
        parts.append(data)


def _number(parts: list[bytes], value: int) -> None:
    """Zigzag, seven bits a byte."""
    rest = (value << 1) ^ (value >> 63)
    while rest > 127:
        parts.append(_MORE[rest & 127])
        rest >>= 7
    parts.append(_LAST[rest])
