"""What pages read of the store: kept for a moment, since a page asks for the same things again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from processor.config.store import Store, Version


class Reads:
    """The store as pages see it; whoever writes asks the store itself, and then says `forget`."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._known: dict[str, tuple[float, Any]] = {}
        self._contents: dict[str, tuple[tuple[Version, ...], Version | None]] = {}

    def names(self) -> tuple[str, ...]:
        """Ids of the apps."""
        found: tuple[str, ...] = self._kept("", self._store.names)
        return found

    def current(self, name: str) -> Version | None:
        """The newest version of an app, or of the company."""
        found: Version | None = self._kept(name, lambda: self._current(name))
        return found

    def _current(self, name: str) -> Version | None:
        """Unpacked only where there is another one than the last time: a content is never changed in place."""
        newest = self._store.outline(name, 1)
        known = self._contents.get(name)
        if known is None or known[0] != newest:
            self._contents[name] = known = (newest, self._store.current(name))
        return known[1]

    def forget(self) -> None:
        """What was read is old: something was written."""
        self._known = {}

    def _kept(self, name: str, read: Callable[[], Any]) -> Any:
        known, now = self._known, time.monotonic()
        kept = known.get(name)
        if kept is None or now - kept[0] >= self._seconds:
            known[name] = kept = (now, read())
        return kept[1]
