"""The audit as a file, where it has no topic; and how its newest records are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from processor.audit.record import FILE, Audited, append

MOST = 5000
"""Records that are remembered for those who look; older ones are in the topic, or in the file."""
Record = Mapping[str, Any]


class FileAudit:
    """JSON lines in a folder, where there is no topic."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, audited: Audited) -> None:
        """Add a record."""
        append(self._folder, audited)

    def newest(self, limit: int) -> Sequence[Record]:
        """The newest records first."""
        path = self._folder / FILE
        if not path.exists():
            return []
        with path.open("rb") as file:
            return newest_of(deque(file, MOST), limit)


def newest_of(lines: Iterable[bytes], limit: int) -> Sequence[Record]:
    """Records of several partitions by their times."""
    read = [orjson.loads(one) for one in lines if one.strip()]
    return sorted(read, key=lambda one: int(one.get("at", 0)), reverse=True)[:limit]
