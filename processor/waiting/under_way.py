"""How many chains are open under which version of their app's configuration, for those who are about to change it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from processor.avro.codec import Codec
from processor.kafka.reader import LogReader, Progress
from processor.model.chain import identity

if TYPE_CHECKING:
    from processor.settings import ProcessorSettings

BATCH = 5000
CACHE_KIB = 16384
Row = tuple[bytes, str, str, bool]


class UnderWay(NamedTuple):
    """Open chains of one app, and the version of its configuration that they were recorded under."""

    app_id: str
    version: str
    """Digest; "" of what has none yet."""
    running: int
    """At a call that must not be repeated; they finish under this version."""
    waiting: int
    """Parked: what they have not done yet runs under the version of then."""


def read_under_way(settings: ProcessorSettings, progress: Progress | None = None) -> list[UnderWay]:
    """All of them, by app and version; raises LogError where the topic cannot be read.

    A million open chains cost disk, not memory.
    """
    # A database without a name lies in a temporary file of its own, and only its cache in memory.
    with LogReader(settings) as reader, closing(sqlite3.connect("")) as db:
        db.executescript(f"""PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB};
            CREATE TABLE chains(id PRIMARY KEY, app, version, running) WITHOUT ROWID;""")
        extents = reader.extents(settings.topics.chains)
        read, codec = reader.read(extents, *([progress] if progress else [])), Codec()
        rows = (_row(one, codec) for one in read)
        for batch in _batches(rows):
            db.executemany("INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?)", batch)
        return [UnderWay(*row) for row in db.execute(
            "SELECT app, version, sum(running), count(*) - sum(running) FROM chains WHERE app <> ''"
            " GROUP BY app, version ORDER BY app, version")]


def _row(message: Any, codec: Codec) -> Row:
    app_id, _, ident = (message.key() or b"").decode("utf-8", "replace").partition(":")
    if message.value() is None:
        return identity(app_id, ident), "", "", False
    chain = codec.chain(message.value())
    return identity(app_id, ident), app_id, chain.config_version, chain.state == "running"


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
