"""The last connection test of each connector, as long as its settings stay the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from processor.control.checking import Checked

MOST = 2000
"""Results that are remembered; the oldest are forgotten first."""


class Tested(NamedTuple):
    """One test."""

    found: Checked
    at: float
    by: str


class Tests:
    """In memory: a test is quickly made again."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Tested] = {}

    def put(self, app: str, connector: str, entry: Mapping[str, Any], tested: Tested) -> None:
        """Remember a test of these settings."""
        self._kept[_key(app, connector, entry)] = tested
        while len(self._kept) > MOST:
            self._kept.pop(next(iter(self._kept)), None)

    def of(self, app: str, connector: str, entry: Mapping[str, Any]) -> Tested | None:
        """The last test of exactly these settings; None where there was none."""
        return self._kept.get(_key(app, connector, entry))


def _key(app: str, connector: str, entry: Mapping[str, Any]) -> tuple[str, str, str]:
    text = json.dumps(entry.get("settings") or {}, sort_keys=True, default=str)
    return app, connector, sha256(text.encode()).hexdigest()
