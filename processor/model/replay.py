"""A replay: what a person asks the owner of a user to run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.kit.event import Value
from processor.model.dead_letter import DeadLetter, FailedBinding, Origin
from processor.model.outcome import Receipt

SURE_REFUSALS = ("rejected", "misconfigured")
"""Reasons by which nothing happened: a replay takes new idempotency keys, else it meets the stored refusal."""


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


def next_generation(failed: FailedBinding) -> int:
    """Of the idempotency keys of a replay: raised after a sure refusal, kept where nobody knows what happened."""
    return failed.generation + (failed.reason in SURE_REFUSALS)


def replay_of(letter: DeadLetter, requested_by: str, requested_at: int) -> Replay:
    """The next run of a letter, from its failed step on."""
    return Replay(
        letter.app_id, letter.user_id, letter.event_id, letter.replays + 1, letter.origin, letter.receipts,
        letter.remaining, attributes_as_they_were=False, requested_by=requested_by, requested_at=requested_at,
        generations={one.binding_id: next_generation(one) for one in letter.failures},
    )
