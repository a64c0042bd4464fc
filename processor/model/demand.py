"""What one process would send: the word by which the processes of a group share a vendor's rate limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Want(NamedTuple):
    """Calls of one app to one connector."""

    app_id: str
    connector: str
    calls: float
    """A second: those made of late, and those that queue."""


class Demand(NamedTuple):
    """All that one process would send; field for field the Avro record Demand."""

    process: str
    time: int
    """Milliseconds since 1970 by the process's own clock; for people only, the broker's time counts."""
    wants: Sequence[Want]
    """Empty where it wants nothing any more."""
