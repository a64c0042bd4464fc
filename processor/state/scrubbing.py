"""Takes erased users off the disk: deleted values lie in RocksDB's files until those are merged."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from threading import Thread
from typing import Any

from rocksdict import BottommostLevelCompaction, CompactOptions

from processor.state.index import FAMILY

ERASED = b"erased/"
"""Prefix of the keys, in the default column family, of the users whose erased values may still lie in files."""
MOST = 200
"""Users whose own ranges of keys are merged one by one; with more, whole files are."""


class Scrubber:
    """Merges the files that hold what was erased, in a thread: RocksDB allows it beside all else."""

    def __init__(self) -> None:
        self._thread: Thread | None = None

    def begin(self, database: Any, families: Iterable[str]) -> None:
        """Begin where there is something to do, and nothing is under way; what is cut short comes again.

        `families` are all of the store's beside the default one.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        keys = list(islice(_erased(database), MOST + 1))
        if keys:
            # Handles of its own: one that a thread is using cannot make or drop a family meanwhile.
            handles = {name: database.get_column_family(name) for name in ("default", *families)}
            self._thread = Thread(target=_scrub, args=(keys, handles), name="scrub", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Return when nothing is under way."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _erased(database: Any) -> Any:
    for key in database.keys(from_key=ERASED):
        if not key.startswith(ERASED):
            return
        yield key


def _scrub(keys: list[bytes], handles: dict[str, Any]) -> None:
    with suppress(Exception):  # the marks stay, and it is tried again
        _merge(keys, handles)
    while handles:  # RocksDB stays open as long as any is there; to close is to flush, which a dropped family refuses
        with suppress(Exception):
            handles.popitem()[1].close()


def _merge(keys: list[bytes], handles: dict[str, Any]) -> None:
    forced = CompactOptions()  # else files are moved to the last level as they are, deleted values in them
    forced.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    for family in handles.values():
        family.flush()  # of all, since they share a log of writes, which goes when none needs it
    ranges = [(None, None)] if len(keys) > MOST else [(key[len(ERASED):],) * 2 for key in keys]
    for begin, end in ranges:
        handles["attributes"].compact_range(begin, end, forced)
    handles["chains"].compact_range(None, None, forced)  # they hold the values that they began with; few are open
    handles[FAMILY].compact_range(None, None, forced)
    marks = handles["default"]
    for key in keys:
        marks.delete(key)
    marks.flush()
    marks.compact_range(None, None, forced)
