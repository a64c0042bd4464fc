"""What was written and is not on disk yet: seen by every read at once, taken to disk a checkpoint at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from processor.model.attributes import AttributesState

K = TypeVar("K", str, bytes)
V = TypeVar("V")


class Sealed(NamedTuple):
    """What was written between two seals; None stands for a removal."""

    number: int
    """Sealed sets are committed in the order in which they were sealed."""
    attributes: Mapping[str, AttributesState | None]
    chains: Mapping[str, bytes | None]
    finished: Collection[bytes]

    def __bool__(self) -> bool:
        """Whether anything was written."""
        return bool(self.attributes or self.chains or self.finished)


class Pending(Generic[K, V]):
    """Values of one kind on their way to disk."""

    __slots__ = ("_fresh", "_number", "held")

    def __init__(self) -> None:
        self.held: dict[K, tuple[int, V]] = {}
        """The newest value of each key, with the number of the seal that takes it."""
        self._fresh: dict[K, V] = {}
        self._number = 1

    def put(self, key: K, value: V) -> None:
        """Write a value; it supersedes what was written before."""
        self._fresh[key] = value
        self.held[key] = (self._number, value)

    def seal(self) -> dict[K, V]:
        """What was written since the last seal."""
        taken, self._fresh = self._fresh, {}
        self._number += 1
        return taken

    def settle(self, number: int, keys: Iterable[K]) -> None:
        """Drop what a sealed set brought to disk, but for what was overwritten meanwhile."""
        for key in keys:
            if self.held[key][0] == number:
                del self.held[key]

    def items(self) -> Iterator[tuple[K, V]]:
        """The newest value of each key."""
        return ((key, entry[1]) for key, entry in self.held.items())


class Overlay:
    """The three kinds of pending values, sealed together."""

    __slots__ = ("_committed", "_sealed", "attributes", "chains", "finished")

    def __init__(self) -> None:
        self.attributes: Pending[str, AttributesState | None] = Pending()
        self.chains: Pending[str, bytes | None] = Pending()
        self.finished: Pending[bytes, bool] = Pending()
        self._sealed = 0
        self._committed = 0

    def seal(self) -> Sealed:
        """Everything written since the last seal."""
        self._sealed += 1
        return Sealed(self._sealed, self.attributes.seal(), self.chains.seal(), self.finished.seal().keys())

    def check_turn(self, sealed: Sealed) -> None:
        """Raise ValueError unless `sealed` is the oldest set that is not committed."""
        if sealed.number != self._committed + 1:
            raise ValueError(f"sealed set {sealed.number} committed out of turn: {self._committed + 1} is next")

    def settle(self, sealed: Sealed) -> None:
        """Drop what `sealed` brought to disk."""
        self._committed = sealed.number
        self.attributes.settle(sealed.number, sealed.attributes)
        self.chains.settle(sealed.number, sealed.chains)
        self.finished.settle(sealed.number, sealed.finished)

    def __len__(self) -> int:
        """Number of values on their way to disk."""
        return len(self.attributes.held) + len(self.chains.held) + len(self.finished.held)
