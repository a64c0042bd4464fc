"""The store of one partition: attributes, open chains, ended events, positions in their changelogs."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from rocksdict import Rdict, WriteBatch

from processor.model.attributes import AttributesState
from processor.state.errors import StateError, StoreBrokenError
from processor.state.index import FAMILY, Index
from processor.state.overlay import Overlay, Sealed
from processor.state.scrubbing import ERASED, Scrubber
from processor.state.tuning import Tuning
from processor.state.window import Window, moment

StoredAttributes = AttributesState
"""A user's attributes, with offset and broker time of the newest change."""

FORMAT = f"2/marshal {marshal.version}"
"""Of everything in a store; one of another format is rebuilt from Kafka."""
BROKEN_MARK = "BROKEN"
"""A file that says: discard this store when it is opened next."""

_BULK = 1000
_FORMAT_KEY = b"format"
_WRITTEN_KEY = b"written"
_POSITION = b"position/"
_TOPIC_ID = b"topic-id/"

T = TypeVar("T")


class PartitionStore:
    """What one partition knows, in RocksDB; used by one thread at a time.

    Writes go to an overlay that every read sees. `seal` takes what was written since the last
    seal, `commit` brings it to disk with the positions of its changelogs, in one batch.
    """

    discarded: str = ""
    """Why what was there before was thrown away; "" where it was not."""

    def __init__(self, path: Path, families: Iterable[str], tuning: Tuning, bucket_seconds: int) -> None:
        self.path = path
        names = {"attributes", "chains", FAMILY, *families} - {"default"}
        options = {name: tuning.family(name.partition("-")[0]) for name in names}
        self._database: Any = Rdict(str(path), tuning.database(), column_families=options)
        self._attributes = self._database.get_column_family("attributes")
        self._chains = self._database.get_column_family("chains")
        self._attributes_handle = self._database.get_column_family_handle("attributes")
        self._chains_handle = self._database.get_column_family_handle("chains")
        self._window = Window(self._database, tuning, bucket_seconds)
        self._window.adopt(names)
        self._overlay = Overlay()
        self._scrubber = Scrubber()
        self._listings: WeakSet[Generator[tuple[str, bytes], None, None]] = WeakSet()
        self.index = Index(self._database, tuning, self._failed)
        """Of parked chains, for whoever has the store open."""
        if self._database.get(_FORMAT_KEY) is None:
            self._database.put(_FORMAT_KEY, FORMAT.encode())

    def attributes(self, user_key: str) -> StoredAttributes | None:
        """What is known about a user (`app_id:user_id`); None where nothing is."""
        held = self._overlay.attributes.held.get(user_key)
        if held is not None:
            return held[1]
        try:
            data = self._attributes.get(user_key.encode())
        except Exception as error:
            raise self._failed(error) from error
        return None if data is None else StoredAttributes(*marshal.loads(data))  # noqa: S302  # our own bytes

    def chain(self, key: str) -> bytes | None:
        """An open chain (`app_id:event_id`); None where there is none."""
        held = self._overlay.chains.held.get(key)
        if held is not None:
            return held[1]
        with self._guarded():
            data: bytes | None = self._chains.get(key.encode())
            return data

    def chains(self) -> Iterator[tuple[str, bytes]]:
        """All chains that are open now, in no particular order; later writes do not disturb it."""
        pending = dict(self._overlay.chains.items())
        with self._guarded():
            listing = self._merged(pending, self._chains.items())
        self._listings.add(listing)
        return listing

    def seen(self, id16: bytes) -> bool:
        """Whether an event has ended, as far back as is kept."""
        return self.ended_at(id16) is not None

    def ended_at(self, id16: bytes) -> float | None:
        """When an event ended last, in seconds: infinite where just now; None where that is not known, or forgotten."""
        if id16 in self._overlay.finished.held:
            return inf
        try:
            return self._window.ended_at(id16)
        except Exception as error:
            raise self._failed(error) from error

    def put_attributes(self, user_key: str, value: StoredAttributes | None) -> None:
        """Set what is known about a user; None erases it."""
        self._overlay.attributes.put(user_key, value)

    def put_chain(self, key: str, value: bytes | None) -> None:
        """Keep an open chain; None when it has ended."""
        self._overlay.chains.put(key, value)

    def finish(self, id16: bytes) -> None:
        """Note that an event has ended; it counts from the time of the commit that takes it to disk."""
        self._overlay.finished.put(id16, True)

    def seal(self) -> Sealed:
        """What was written since the last seal; it stays readable until it is committed, however late."""
        return self._overlay.seal()

    def commit(self, sealed: Sealed, positions: Mapping[str, int], now: float) -> None:
        """Bring a sealed set to disk, with positions by changelog topic, in one batch; sets in their order."""
        self._overlay.check_turn(sealed)
        with self._guarded():
            batch = WriteBatch(raw_mode=True)
            self._batch_attributes(batch, sealed.attributes.items())
            self._batch_chains(batch, sealed.chains.items())
            self._batch_finished(batch, sealed.finished, now)
            _batch_positions(batch, positions, now)
            self._database.write(batch)
        self._overlay.settle(sealed)

    def expire(self, before: float) -> int:
        """Forget ended events by whole buckets that lie before a time; returns how many buckets.

        What was erased since the last time begins to leave the disk.
        """
        with self._guarded():
            self._scrubber.begin(self._database, ("attributes", "chains", FAMILY, *self._window.names()))
            return self._window.expire(before)

    def positions(self) -> dict[str, int]:
        """By changelog topic, the offset up to which this store has it."""
        return {topic: int(value) for topic, value in self._meta(_POSITION)}

    def set_positions(self, positions: Mapping[str, int], now: float) -> None:
        """Note how far the changelogs were loaded; what was loaded before is on disk not later than this."""
        with self._guarded():
            batch = WriteBatch(raw_mode=True)
            _batch_positions(batch, positions, now)
            self._database.write(batch)

    def topic_ids(self) -> dict[str, str]:
        """By changelog topic, the id that Kafka gave it when this store was filled from it."""
        return {topic: value.decode() for topic, value in self._meta(_TOPIC_ID)}

    def set_topic_ids(self, ids: Mapping[str, str]) -> None:
        """Note which topics this store is filled from: one made anew under the same name is another."""
        with self._guarded():
            for topic, topic_id in ids.items():
                self._database.put(_TOPIC_ID + topic.encode(), topic_id.encode())

    def written(self) -> float | None:
        """Time of the last commit in seconds since 1970; None before the first."""
        with self._guarded():
            data = self._database.get(_WRITTEN_KEY)
            return None if data is None else float(data)

    def format(self) -> str:
        """The format version that the store was made with."""
        with self._guarded():
            return bytes(self._database.get(_FORMAT_KEY) or b"none").decode(errors="replace")

    def load_attributes(self, pairs: Iterable[tuple[str, StoredAttributes | None]]) -> int:
        """Write attributes from the changelog past the overlay, in bulk; returns how many."""
        return self._load(pairs, self._batch_attributes)

    def load_chains(self, pairs: Iterable[tuple[str, bytes | None]]) -> int:
        """Write chains from the changelog past the overlay, in bulk; returns how many."""
        return self._load(pairs, self._batch_chains)

    def load_finished(self, ids: Iterable[bytes], at: float) -> int:
        """Write ids of events that ended at a time (seconds) past the overlay, in bulk; returns how many."""
        return self._load(ids, lambda batch, some: self._batch_finished(batch, some, at))

    def sizes(self) -> dict[str, int]:
        """Bytes on disk, estimated numbers of entries, and how many writes wait for their commit."""
        with self._guarded():
            return {
                "disk_bytes": sum(map(_size, self.path.iterdir())),
                "attributes": _estimate(self._attributes),
                "chains": _estimate(self._chains),
                "finished": sum(map(_estimate, self._window.families())),
                "pending": len(self._overlay),
            }

    def close(self) -> None:
        """Close the store; what was not committed is gone, and comes again from Kafka."""
        if self._database is None:
            return
        self._scrubber.wait()
        for listing in list(self._listings):
            listing.close()  # whoever has not read it to its end would keep RocksDB open
        for family in (*self._window.release(), self.index, self._attributes, self._chains, self._database):
            # To close is to flush as well; where that fails, all is in the log that is read at the next opening.
            with suppress(Exception):
                family.close()
        # RocksDB stays open as long as any handle is there.
        self._attributes = self._chains = self._database = None
        self._attributes_handle = self._chains_handle = None

    def _batch_attributes(self, batch: Any, pairs: Iterable[tuple[str, StoredAttributes | None]]) -> None:
        """Add attributes to a batch."""
        handle = self._attributes_handle
        for key, value in pairs:
            if value is None:
                batch.delete(key.encode(), handle)
                batch.put(ERASED + key.encode(), b"")
            else:
                fields = (dict(value.attributes), value.offset, value.time)
                batch.put(key.encode(), marshal.dumps(fields), handle)

    def _batch_chains(self, batch: Any, pairs: Iterable[tuple[str, bytes | None]]) -> None:
        """Add chains to a batch."""
        handle = self._chains_handle
        for key, value in pairs:
            if value is None:
                batch.delete(key.encode(), handle)
            else:
                batch.put(key.encode(), value, handle)

    def _batch_finished(self, batch: Any, ids: Iterable[bytes], now: float) -> None:
        """Add ended events to a batch."""
        handle, at = None, moment(now)
        for id16 in ids:
            handle = handle or self._window.at(now).handle
            batch.put(id16, at, handle)

    def _load(self, entries: Iterable[T], add: Callable[[Any, Iterable[T]], None]) -> int:
        """Write entries in batches of a bounded size."""
        rest, count = iter(entries), 0
        while some := list(islice(rest, _BULK)):
            with self._guarded():
                batch = WriteBatch(raw_mode=True)
                add(batch, some)
                self._database.write(batch)
            count += len(some)
        return count

    def _meta(self, prefix: bytes) -> list[tuple[str, bytes]]:
        """The entries of the default column family below a prefix."""
        with self._guarded():
            return [(key[len(prefix):].decode(), value) for key, value in self._database.items()
                    if key.startswith(prefix)]

    def _merged(
        self, pending: Mapping[str, bytes | None], stored: Any
    ) -> Generator[tuple[str, bytes], None, None]:
        """Pending chains, and stored ones that no pending write supersedes."""
        yield from ((key, value) for key, value in pending.items() if value is not None)
        with self._guarded():
            for raw, value in stored:
                key = raw.decode()
                if key not in pending:
                    yield key, value

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Name the store in whatever RocksDB complains about."""
        try:
            yield
        except StateError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        """The error to raise for one of RocksDB's; a damaged store is marked, to be discarded when opened next."""
        if self._database is None:
            return StateError(f"store {self.path} is closed")
        if "Corruption" not in str(error):
            return StateError(f"store {self.path}: {error}")
        (self.path / BROKEN_MARK).touch()
        return StoreBrokenError(f"store {self.path} is damaged and will be rebuilt at the next start: {error}")


def _batch_positions(batch: Any, positions: Mapping[str, int], now: float) -> None:
    """Add positions and the time to a batch."""
    for topic, offset in positions.items():
        batch.put(_POSITION + topic.encode(), str(offset).encode())
    batch.put(_WRITTEN_KEY, repr(now).encode())


def _size(file: Path) -> int:
    """Bytes of a file; RocksDB may just have removed it."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _estimate(family: Any) -> int:
    """About how many entries a column family has."""
    return int(family.property_int_value("rocksdb.estimate-num-keys") or 0)
