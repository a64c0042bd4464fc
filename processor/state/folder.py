"""The folder of all partition stores of a process: opens them, and discards those that cannot be trusted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from rocksdict import Rdict

from processor.state.errors import StateError, StoreInUseError
from processor.state.store import BROKEN_MARK, FORMAT, PartitionStore
from processor.state.tuning import Tuning

HALF_RETENTION = 3.5 * 86400
"""Half of `delete.retention.ms` of the changelogs: an older store may have missed a removal."""
BUCKET_SECONDS = 6 * 3600
"""Width of a bucket of the duplicates window."""
_NOT_DAMAGE = ("No space left", "Permission denied", "Read-only file system", "Too many open files")


class StateFolder:
    """One RocksDB store a partition below `path`, all within one memory budget."""

    def __init__(
        self,
        path: Path | str,
        cache_mb: int = 64,
        *,
        max_age: float = HALF_RETENTION,
        bucket_seconds: int = BUCKET_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self._max_age = max_age
        self._bucket_seconds = bucket_seconds
        self._clock = clock
        self._tuning = Tuning(cache_mb)
        self._open: dict[int, PartitionStore] = {}
        self.path.mkdir(parents=True, exist_ok=True)

    def open(self, partition: int) -> PartitionStore:
        """The store of a partition; `discarded` of it says why an earlier one was thrown away, if so.

        Raises StoreInUseError where somebody else has it open, StateError where disk or rights forbid it.
        """
        self.close(partition)
        place = self._place(partition)
        store, why = self._existing(place) if place.exists() else (None, "")
        if store is None:
            shutil.rmtree(place, ignore_errors=True)
            store = self._attempt(place)
            store.discarded = why
        self._open[partition] = store
        return store

    def close(self, partition: int) -> None:
        """Close the store of a partition and keep its files; nothing happens where it is not open."""
        store = self._open.pop(partition, None)
        if store is not None:
            store.close()

    def discard(self, partition: int) -> None:
        """Close the store of a partition and delete its files."""
        self.close(partition)
        shutil.rmtree(self._place(partition), ignore_errors=True)

    def close_all(self) -> None:
        """Close every store."""
        for partition in list(self._open):
            self.close(partition)

    def _place(self, partition: int) -> Path:
        """The folder of one store."""
        return self.path / f"partition-{partition}"

    def _existing(self, place: Path) -> tuple[PartitionStore | None, str]:
        """A store that is there, or why it cannot be used."""
        if (place / BROKEN_MARK).exists():
            return None, "its files are damaged, as was seen when it was used last"
        if not (place / "CURRENT").exists():
            return None, "its files are damaged: CURRENT is not there"
        try:
            store = self._attempt(place)
        except _DamagedError as error:
            return None, f"its files are damaged: {error}"
        why = self._distrust(store)
        if why:
            store.close()
            return None, why
        return store, ""

    def _attempt(self, place: Path) -> PartitionStore:
        """Open a store; raises _DamagedError where its files are at fault, a StateError where they are not."""
        try:
            families = Rdict.list_cf(str(place)) if place.exists() else []
            return PartitionStore(place, families, self._tuning, self._bucket_seconds)
        except Exception as error:
            text = str(error)
            if "LOCK" in text or "lock hold" in text:
                raise StoreInUseError(f"store {place} is open elsewhere: give each process its own state folder, "
                                      "or wait until the other one has ended") from error
            if any(sign in text for sign in _NOT_DAMAGE):
                raise StateError(f"store {place} cannot be opened: {text}") from error
            raise _DamagedError(text) from error

    def _distrust(self, store: PartitionStore) -> str:
        """Why the content of a store cannot be used; "" where it can."""
        written = store.written()
        if store.format() != FORMAT:
            return f"its format is {store.format()}, and {FORMAT} is needed"
        if written is None:
            return "it was never filled to the end"
        age = self._clock() - written
        if age > self._max_age:
            return f"it is {age / 3600:.1f} hours old, and at most {self._max_age / 3600:.1f} are safe"
        return ""


class _DamagedError(StateError):
    """RocksDB could not open a store for a reason that lies in its files."""
