"""What a process notes about parked chains that it does not keep in memory; made anew at each opening of the store."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, takewhile
from typing import Any, TypeVar

from rocksdict import WriteOptions

from processor.state.tuning import Tuning

FAMILY = "parked"
"""The column family's name; `marshal`led notes by keys in their order."""

T = TypeVar("T")


class Index:
    """Keys in order with a note each; what a crash leaves of it is dropped, since it follows from the chain records."""

    def __init__(self, database: Any, tuning: Tuning, failed: Callable[[Exception], Exception]) -> None:
        database.drop_column_family(FAMILY)
        self._family = database.create_column_family(FAMILY, tuning.family(FAMILY))
        self._failed = failed
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True

    def get(self, key: bytes) -> bytes | None:
        """The note of a key; None where there is none."""
        found: bytes | None = self._tried(lambda: self._family.get(key))
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Note something."""
        self._tried(lambda: self._family.put(key, value, self._unlogged))

    def delete(self, key: bytes) -> None:
        """Forget a note."""
        self._tried(lambda: self._family.delete(key, self._unlogged))

    def scan(self, start: bytes, prefix: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """Notes whose keys begin with `prefix`, from the key `start` on, in order of their keys."""
        return self._tried(lambda: list(takewhile(
            lambda note: note[0].startswith(prefix), islice(self._family.items(from_key=start), most))))

    def close(self) -> None:
        """Give up the column family, which would keep the store open."""
        self._family.close()
        self._family = None

    def _tried(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except Exception as error:
            raise self._failed(error) from error
