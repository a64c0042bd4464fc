"""Takes erased users off the disk: deleted values lie in RocksDB's files until those are merged."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from threading import Thread
from typing import Any

from rocksdict import BottommostLevelCompaction, CompactOptions

ERASED = b"erased/"
"""Prefix of the keys, in the default column family, of the users whose erased values may still lie in files."""
MOST = 200
"""Users whose own ranges of keys are merged one by one; with more, whole files are."""


class Scrubber:
    """Merges the files that hold what was erased, in a thread: RocksDB allows it beside all else."""

    def __init__(self) -> None:
        self._thread: Thread | None = None

    def begin(self, database: Any, attributes: Any, chains: Any, others: Iterable[Any]) -> None:
        """Begin where there is something to do, and nothing is under way; what is cut short comes again."""
        if self._thread is not None and self._thread.is_alive():
            return
        keys = list(islice(_erased(database), MOST + 1))
        if keys:
            work = (keys, database, attributes, chains, tuple(others))
            self._thread = Thread(target=_scrub, args=work, name="scrub", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Return when nothing is under way."""
        if self._thread is not None:
            self._thread.join()


def _erased(database: Any) -> Any:
    for key in database.keys(from_key=ERASED):
        if not key.startswith(ERASED):
            return
        yield key


def _scrub(keys: list[bytes], database: Any, attributes: Any, chains: Any, others: tuple[Any, ...]) -> None:
    forced = CompactOptions()  # else files are moved to the last level as they are, deleted values in them
    forced.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    with suppress(Exception):  # the marks stay, and it is tried again
        for family in (attributes, chains, *others, database):
            family.flush()  # of all, since they share a log of writes, which goes when none needs it
        whole = len(keys) > MOST
        for begin, end in [(None, None)] if whole else [(key[len(ERASED):],) * 2 for key in keys]:
            attributes.compact_range(begin, end, forced)
        chains.compact_range(None, None, forced)  # they hold the values that they began with; few are open at a time
        for key in keys:
            database.delete(key)
        database.flush()
        database.compact_range(None, None, forced)
