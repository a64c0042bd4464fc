"""What connectors were like in earlier versions: unpacked once, a little at a time, since an app can be large."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from processor.config.store import Store, Version

BUDGET = 0.03
"""Seconds that a page waits for versions that nobody has asked for yet; the rest comes in the background."""
NOTHING: Mapping[str, Any] = {}


class Past(NamedTuple):
    """The connectors of an app in one version."""

    version: Version
    """Without its content."""
    connectors: Mapping[str, Any]


class Pasts:
    """Safe from many threads; what is remembered is the connectors' part alone, each as often as it differs."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, dict[tuple[int, int], Mapping[str, Any]]] = {}
        self._filling: set[str] = set()
        self._lock = threading.Lock()

    def of(self, app: str) -> tuple[list[Past], bool]:
        """What is known, newest first without gaps, and whether that is all there is."""
        outline = self._store.outline(app)
        if not self._fill(app, outline, self._clock() + BUDGET):
            self._fill_behind(app)
        known = self._known.get(app, {})
        found: list[Past] = []
        for one in outline:
            connectors = known.get((one.number, one.at))
            if connectors is None:
                return found, False
            found.append(Past(one, connectors))
        return found, True

    def _fill(self, app: str, outline: tuple[Version, ...], until: float | None) -> bool:
        """Unpack what is not known yet; whether all was done in time."""
        kept = {(one.number, one.at) for one in outline}
        known = {key: part for key, part in self._known.get(app, {}).items() if key in kept}
        newer: Mapping[str, Any] = NOTHING
        for one in outline:
            key = (one.number, one.at)
            if key not in known:
                if until is not None and self._clock() > until:
                    self._known[app] = known
                    return False
                known[key] = self._part(app, one.number, newer)
            newer = known[key]
        self._known[app] = known
        return True

    def _part(self, app: str, number: int, newer: Mapping[str, Any]) -> Mapping[str, Any]:
        version = self._store.version(app, number)
        part = ((version.content if version else None) or {}).get("connectors") or NOTHING
        return newer if part == newer else part

    def _fill_behind(self, app: str) -> None:
        with self._lock:
            if app in self._filling:
                return
            self._filling.add(app)
        threading.Thread(target=self._rest, args=(app,), name="pasts", daemon=True).start()

    def _rest(self, app: str) -> None:
        try:
            self._fill(app, self._store.outline(app), None)
        finally:
            self._filling.discard(app)
