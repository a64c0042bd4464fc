"""A file of SQLite that one thread writes and many read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE_KIB = 8192


class Database:
    """One file; whoever reads opens a connection of its own."""

    def __init__(self, path: Path, tables: str, form: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        if path.exists() and _form(path) != form:
            _remove(path)  # of another version: it is read anew from Kafka
        os.close(os.open(path, os.O_CREAT, 0o600))  # it holds what users did
        self.db = self._connected(threads=True)
        self.db.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA user_version={form}; {tables}")

    def _connected(self, *, threads: bool = False) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30.0, isolation_level=None, check_same_thread=not threads)
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        return db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread."""
        db = self._connected()
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; for the one thread that writes."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def close(self) -> None:
        """Free the writer's connection."""
        self.db.close()


def _form(path: Path) -> str:
    try:
        db = sqlite3.connect(path)
        try:
            return str(db.execute("PRAGMA user_version").fetchone()[0])
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return ""


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
