"""Notices changes of a config folder; a bad change is reported and never replaces what runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from connectors.kit.connector import Connector
from processor.config.errors import ConfigError, ConfigErrors
from processor.config.files import APPS, SUFFIXES, read
from processor.config.model import Configuration
from processor.config.reading import Overrides

SETTLED = 0.4
"""Seconds without a further change after which files count as written."""

Signature = tuple[tuple[str, int, int, int], ...]
"""Path, time of change, size and inode of each file."""


class Change(NamedTuple):
    """What a change of files led to: a new configuration, or mistakes and none."""

    configuration: Configuration | None
    errors: tuple[ConfigError, ...] = ()


class Watcher:
    """Tells about changes in a config folder when asked; cheap enough to be asked twice a second."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        overrides: Overrides | None = None,
        *,
        known: Mapping[str, Connector] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._environ = environ
        self._overrides = overrides
        self._known = known
        self._clock = clock
        self._secrets: frozenset[Path] = frozenset()
        self._seen = self._signature()
        self._content = _digest(self._seen)
        self._since: float | None = None

    def start(self) -> Configuration:
        """The first reading, without a gap between it and the watch; raises ConfigErrors."""
        self._seen, self._since = self._signature(), None
        self._content = _digest(self._seen)
        return self._reading()

    def poll(self) -> Change | None:
        """The change since the last one told, once its files have settled; None where there is none."""
        signature = self._signature()
        if signature != self._seen:
            self._seen, self._since = signature, self._clock()
            return None
        if self._since is None or self._clock() - self._since < SETTLED:
            return None
        self._since = None
        content = _digest(signature)
        if content == self._content:
            return None
        self._content = content
        return self._changed()

    def _changed(self) -> Change:
        try:
            return Change(self._reading())
        except ConfigErrors as error:
            return Change(None, error.errors)

    def _reading(self) -> Configuration:
        """Read the files; what they look like was noted before, so that a change meanwhile is not lost."""
        configuration, secrets = read(self._folder, self._environ, self._overrides, self._known)
        fresh = secrets - self._secrets
        self._seen = tuple(sorted([*self._seen, *stamped(map(str, fresh))]))
        self._secrets |= fresh
        return configuration

    def _signature(self) -> Signature:
        return tuple(sorted([*_files(str(self._folder / APPS)), *stamped(map(str, self._secrets))]))


def _digest(signature: Signature) -> bytes:
    total = sha256()
    for path, *_stamps in signature:
        total.update(path.encode() + b"\0")
        try:
            total.update(sha256(Path(path).read_bytes()).digest())
        except OSError:
            total.update(b"unreadable")
    return total.digest()


def _files(folder: str) -> Iterator[tuple[str, int, int, int]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.name.endswith(SUFFIXES):
                    yield from stamped([entry.path])
                elif entry.is_dir():
                    yield from _files(entry.path)
    except OSError:  # a folder that went away is a change by itself
        return


def stamped(paths: Iterable[str]) -> Iterator[tuple[str, int, int, int]]:
    """Path, time of change, size and inode of those files that are there."""
    for path in paths:
        try:
            found = os.stat(path)  # noqa: PTH116 - a Path for each file would triple the cost of a poll
        except OSError:
            continue
        yield path, found.st_mtime_ns, found.st_size, found.st_ino
