"""How far an import has come: a small file beside the input, so that it can go on where it stopped."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

HEAD = 4096
"""Bytes at the beginning of the input by which it is known again."""


class Position(NamedTuple):
    """Everything before `offset` was acknowledged by the broker, or rejected."""

    offset: int = 0
    line: int = 1
    sent: int = 0
    rejected: int = 0
    rejects_bytes: int = 0
    """Length of the file of rejected rows at that point."""


class PositionError(Exception):
    """The position does not belong to this import; the text says why."""


class PositionFile:
    """Keeps the position of one import of one file."""

    def __init__(self, source: Path, about: str) -> None:
        self.path = source.with_name(source.name + ".position")
        self._source = source
        self._about = about

    def load(self) -> Position:
        """The position of the earlier import; the beginning where there is none."""
        try:
            found: dict[str, Any] = orjson.loads(self.path.read_bytes())
            position = Position(**found.pop("position"))
        except FileNotFoundError:
            return Position()
        except (ValueError, TypeError, KeyError):
            raise PositionError(f"{self.path} holds no position; remove it to begin anew") from None
        if found != self._identity() or position.offset > self._source.stat().st_size:
            raise PositionError(f"{self.path} belongs to another import (another input, app, topic or format); remove"
                                " it to begin anew")
        return position

    def save(self, position: Position) -> None:
        """Keep a position, whole or not at all."""
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_bytes(orjson.dumps({**self._identity(), "position": position._asdict()}))
        fresh.replace(self.path)

    def clear(self) -> None:
        """The import is through."""
        self.path.unlink(missing_ok=True)

    def _identity(self) -> dict[str, Any]:
        with self._source.open("rb") as file:
            head = blake2b(file.read(HEAD), digest_size=16).hexdigest()
        return {"about": self._about, "head": head}
