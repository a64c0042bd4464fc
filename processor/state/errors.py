"""What can go wrong with local state: every leaf of `StateError` says whose turn it is."""

from __future__ import annotations


class StateError(Exception):
    """Local state cannot be used; the message names the store and how to mend it."""


class StoreInUseError(StateError):
    """A store that somebody else has open."""


class StoreBrokenError(StateError):
    """A store whose files turned out to be damaged while it was used."""
