"""A chain's durable form: what an open chain needs to go on after a crash, a rebalance or a long wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from connectors.kit.event import Value
from processor.model.dead_letter import FailedBinding, Origin
from processor.model.outcome import Receipt


class Started(NamedTuple):
    """A call is about to be sent that must not be repeated, or not for ever: what a crash leaves is known by it."""

    binding_id: str
    step: str
    digest: bytes
    """Of the request, so that a repeat can be told from another request."""
    at: int


class ChainRecord(NamedTuple):
    """One open chain; field for field the Avro record ChainRecord."""

    app_id: str
    user_id: str
    event_id: str
    run: int
    state: str
    """`running` or `parked`."""
    waiting_for: str
    """Why it waits: `retry`, `circuit`, `limit`, `settings`, `attributes`, `order`; "" while running."""
    not_before: int
    """Milliseconds since 1970 of the next try; 0 while running."""
    origin: Origin
    config_version: str
    attributes: Mapping[str, Value]
    attributes_offset: int
    attributes_time: int
    receipts: Sequence[Receipt]
    failures: Sequence[FailedBinding]
    attempts: int
    """Of the binding under way."""
    generation: int
    """Of its idempotency keys: raised when the vendor surely refused."""
    first_failed_at: int
    started: Started | None
    only: Sequence[str] = ()
    """Binding ids that this run may run; empty for all."""
    generations: Mapping[str, int] = {}
    """Of a replay: by binding id, the generation of its idempotency keys."""
    attributes_as_they_were: bool = False
    """Of a replay: whether it goes on with the attributes of the dead letter, whatever is synced meanwhile."""
    begun_since: int = 0
    """Since when a process that crashed may have begun it; 0 where none can have."""
    exports_begun: Sequence[str] = ()
    """Of an event's exports: ids of those whose items may be under way, where they must not be repeated."""


def identity(app_id: str, event_id: str) -> bytes:
    """The 16 bytes by which the duplicates window knows an event."""
    return blake2b(f"{app_id}\0{event_id}".encode(), digest_size=16).digest()
