"""What the books say: sums by partition, and every difference by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SHOWN = 100
"""Differences of one kind that are named; beyond that they are counted."""


class PartitionBooks(NamedTuple):
    """One partition's sums, or with partition -1 those of all together."""

    partition: int
    records: int = 0
    """Interactions below the committed offset, within the window."""
    undecodable: int = 0
    """Of those: dead letters keyed by where they stood."""
    forwarded: int = 0
    """Of those: sent on to the partition of their user, and counted there."""
    duplicates: int = 0
    """Of those: an earlier record has the same app and event id."""
    unbound: int = 0
    """Of those: nothing is bound to them and nothing exports them."""
    untraced: int = 0
    """Of those: without a trace, while no configuration tells whether there should be one."""
    events: int = 0
    """Of those: all others."""
    units: int = 0
    """Chains and exports of these events, each counted for itself."""
    finished: int = 0
    """Of those: ended."""
    parked: int = 0
    """Of those: open, with a record that says so."""
    lost: int = 0
    """Of those: neither. Always 0, or it is a bug."""
    planned: int = 0
    """Bindings of the units that ended and that can be judged; of replays too."""
    outcomes: int = 0
    """Outcomes of those bindings."""
    in_flight: int = 0
    """Offsets of interactions at or above the committed one: no part of the balance yet."""


class Difference(NamedTuple):
    """One thing that must not be."""

    kind: str
    """`lost`, `unreadable`, `half_done`, `ended_and_open`, `ended_twice`, `outcome_missing`, `outcome_twice`."""
    partition: int
    app_id: str
    event_id: str
    """With `#1` behind it for a replay, with `#exports` for exports."""
    says: str


class Books(NamedTuple):
    """The whole result."""

    partitions: Sequence[PartitionBooks]
    differences: Sequence[Difference]
    """At most `SHOWN` of each kind."""
    difference_count: int
    notes: Sequence[str] = ()
    """What could not be judged, and why."""

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing, and nothing is there twice."""
        return self.difference_count == 0

    @property
    def total(self) -> PartitionBooks:
        """All partitions together."""
        sums = [sum(column) for column in zip(*(one[1:] for one in self.partitions), strict=True)]
        return PartitionBooks(-1, *sums)
