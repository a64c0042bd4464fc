"""The books of this process: events in = finished + parked + in flight, bindings planned = outcomes + open."""

from __future__ import annotations

from typing import NamedTuple


class Balance(NamedTuple):
    """The books at one moment."""

    events_in: int
    finished: int
    parked: int
    in_flight: int
    handed_over: int
    """Left with a partition that went to another process."""
    planned: int
    outcomes: int
    open_bindings: int

    @property
    def balanced(self) -> bool:
        """Whether nothing is unaccounted for."""
        return (
            self.events_in == self.finished + self.parked + self.in_flight + self.handed_over
            and self.planned == self.outcomes + self.open_bindings
        )


class Books:
    """Counted as things happen; never derived from one another."""

    __slots__ = ("events_in", "finished", "handed_over", "in_flight", "open_bindings", "outcomes", "parked", "planned")

    def __init__(self) -> None:
        self.events_in = 0
        self.finished = 0
        self.parked = 0
        self.in_flight = 0
        self.handed_over = 0
        self.planned = 0
        self.outcomes = 0
        self.open_bindings = 0

    def plan(self, bindings: int) -> None:
        """Bindings came to be done here, or, counted down, left undone with their partition."""
        self.planned += bindings
        self.open_bindings += bindings

    def balance(self) -> Balance:
        """The books now."""
        return Balance(
            self.events_in, self.finished, self.parked, self.in_flight, self.handed_over, self.planned, self.outcomes,
            self.open_bindings,
        )
