"""A partition's store in memory, with the semantics of the one on disk: an overlay, seals, commits in turn."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from processor.model.attributes import AttributesState
from processor.state.overlay import Overlay, Sealed
from testkit.engine.world import World


class MemoryIndex:
    """Notes in order of their keys."""

    def __init__(self) -> None:
        self.notes: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """The note of a key."""
        return self.notes.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Note something."""
        self.notes[key] = value

    def delete(self, key: bytes) -> None:
        """Forget a note."""
        self.notes.pop(key, None)

    def scan(self, start: bytes, prefix: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """Notes whose keys begin so, from a key on."""
        keys = sorted(key for key in self.notes if key >= start)[:most]
        return [(key, self.notes[key]) for key in keys if key.startswith(prefix)]


class MemoryStore:
    """What one partition knows; `commit` makes a sealed set survive."""

    def __init__(self, world: World, number: int) -> None:
        self._overlay = Overlay()
        self._attributes: dict[str, AttributesState] = dict(world.attributes(number))
        self._chains: dict[str, bytes] = dict(world.chains(number))
        self._finished: dict[bytes, float] = dict(world.finished_at(number))
        self.positions: dict[str, int] = {}
        self.index = MemoryIndex()
        self.closed = False

    def attributes(self, user_key: str) -> AttributesState | None:
        """The user's attributes."""
        held = self._overlay.attributes.held.get(user_key)
        return held[1] if held is not None else self._attributes.get(user_key)

    def put_attributes(self, user_key: str, stored: Any | None) -> None:
        """Replace, or erase, a user's attributes."""
        self._overlay.attributes.put(user_key, stored)

    def chain(self, key: str) -> bytes | None:
        """A chain record."""
        held = self._overlay.chains.held.get(key)
        return held[1] if held is not None else self._chains.get(key)

    def put_chain(self, key: str, value: bytes | None) -> None:
        """Keep, or forget, a chain record."""
        self._overlay.chains.put(key, value)

    def seen(self, id16: bytes) -> bool:
        """Whether an event ended within the duplicates window."""
        return id16 in self._overlay.finished.held or id16 in self._finished

    def ended_at(self, id16: bytes) -> float | None:
        """When an event ended last; infinite where just now."""
        return inf if id16 in self._overlay.finished.held else self._finished.get(id16)

    def finish(self, id16: bytes) -> None:
        """Note that an event ended."""
        self._overlay.finished.put(id16, True)

    def seal(self) -> Sealed:
        """Take all that was written since the last seal."""
        return self._overlay.seal()

    def commit(self, sealed: Sealed, positions: Mapping[str, int], now: float) -> None:
        """Make a sealed set durable; sets in their order."""
        self._overlay.check_turn(sealed)
        _apply(self._attributes, sealed.attributes)
        _apply(self._chains, sealed.chains)
        self._finished.update(dict.fromkeys(sealed.finished, now))
        self.positions.update(positions)
        self._overlay.settle(sealed)

    def expire(self, before: float) -> int:
        """Forget ended events older than a time."""
        old = [one for one, at in self._finished.items() if at < before]
        for one in old:
            del self._finished[one]
        return len(old)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def _apply(kept: dict[str, Any], written: Mapping[str, Any]) -> None:
    for key, value in written.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
