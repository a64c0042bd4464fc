"""The ids of events that have ended, as the duplicates window keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

ID_BYTES = 16
"""Length of an event's id in the duplicates window; see `processor.model.chain.identity`."""


class Finished(NamedTuple):
    """What ended within one checkpoint of a partition; field for field the Avro record Finished."""

    ids: bytes
    """The ids, one behind the other."""
    time: int
    """Milliseconds since 1970 of the checkpoint."""

    def each(self) -> Iterator[bytes]:
        """The single ids."""
        ids = self.ids
        return (ids[at:at + ID_BYTES] for at in range(0, len(ids), ID_BYTES))
