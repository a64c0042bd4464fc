"""The duplicates window on disk: ids in buckets of some hours, each a column family that is dropped whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any, NamedTuple

from processor.state.tuning import Tuning

PREFIX = "finished"


def moment(time: float) -> bytes:
    """A time as it is kept with an id: whole seconds, rounded up."""
    return ceil(time).to_bytes(5, "big")


class Bucket(NamedTuple):
    """The ids of some hours."""

    start: int
    end: int
    """Seconds since 1970; the start belongs to it, the end does not."""
    name: str
    ids: Any
    """The column family, to read."""
    handle: Any
    """The column family, to write."""


class Window:
    """The buckets of one store, newest first; a look-up is one cheap miss in each."""

    def __init__(self, database: Any, tuning: Tuning, seconds: int) -> None:
        self._database = database
        self._tuning = tuning
        self._seconds = seconds
        self._buckets: list[Bucket] = []
        self._gets: tuple[Callable[[bytes], bytes | None], ...] = ()

    def adopt(self, names: Iterable[str]) -> None:
        """Take over the buckets among the column families that a store was opened with."""
        for name in names:
            if name.startswith(PREFIX):
                _prefix, start, end = name.split("-")
                ids = self._database.get_column_family(name)
                self._add(Bucket(int(start), int(end), name, ids, self._database.get_column_family_handle(name)))

    def ended_at(self, id16: bytes) -> float | None:
        """When the event of an id ended last, in seconds; None where that is in no bucket."""
        for get in self._gets:
            found = get(id16)
            if found is not None:
                return float(int.from_bytes(found, "big"))
        return None

    def at(self, time: float) -> Bucket:
        """The bucket of a time, made where it is not there."""
        for bucket in self._buckets:
            if bucket.start <= time < bucket.end:
                return bucket
        start = int(time) // self._seconds * self._seconds
        return self._create(start, start + self._seconds)

    def expire(self, before: float) -> int:
        """Drop the buckets that lie wholly before a time; returns how many."""
        old = [bucket for bucket in self._buckets if bucket.end <= before]
        for bucket in old:
            self._database.drop_column_family(bucket.name)
        self._set([bucket for bucket in self._buckets if bucket.end > before])
        return len(old)

    def families(self) -> list[Any]:
        """The column families, for measures."""
        return [bucket.ids for bucket in self._buckets]

    def names(self) -> list[str]:
        """Names of the column families."""
        return [bucket.name for bucket in self._buckets]

    def release(self) -> list[Any]:
        """Give up the column families, which would keep the store open, to be closed."""
        families = self.families()
        self._set([])
        self._database = None
        return families

    def _create(self, start: int, end: int) -> Bucket:
        """A new bucket."""
        name = f"{PREFIX}-{start}-{end}"
        ids = self._database.create_column_family(name, self._tuning.family(PREFIX))
        return self._add(Bucket(start, end, name, ids, self._database.get_column_family_handle(name)))

    def _add(self, bucket: Bucket) -> Bucket:
        """Put a bucket into its place."""
        self._set(sorted([*self._buckets, bucket], key=lambda one: -one.end))
        return bucket

    def _set(self, buckets: list[Bucket]) -> None:
        """Keep the buckets, and their look-ups at hand."""
        self._buckets = buckets
        self._gets = tuple(bucket.ids.get for bucket in buckets)
