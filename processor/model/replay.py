"""A replay: what a person asks the owner of a user to run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.kit.event import Value
from processor.model.dead_letter import Origin
from processor.model.outcome import Receipt


class Replay(NamedTuple):
    """One letter to be run again; field for field the Avro record Replay."""

    app_id: str
    user_id: str
    event_id: str
    run: int
    """1, 2 ...: an outcome belongs to an event, a binding and a run."""
    origin: Origin
    receipts: Sequence[Receipt]
    """What already ended and is not done again."""
    only: Sequence[str]
    """Binding ids to run; empty for all that have no receipt."""
    attributes_as_they_were: bool
    requested_by: str
    requested_at: int
    attributes: Mapping[str, Value] = {}
    """Of the dead letter, where they are to be used as they were."""
    generations: Mapping[str, int] = {}
    """By binding id: the generation of the idempotency keys to use."""
