"""Dead letters: what failed, with all that is needed to understand and repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.kit.event import Event, Value
from processor.model.outcome import Receipt


class Origin(NamedTuple):
    """The consumed message, byte for byte, and where it stood."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Broker time in milliseconds."""
    key: bytes | None
    value: bytes | None
    """None where it was too large to be repeated: topic, partition and offset then refer to it."""
    headers: Sequence[tuple[str, bytes | None]] = ()


class Exchange(NamedTuple):
    """The last request and answer of a failing binding: unsigned, personal data masked, cut to a limit."""

    method: str
    path: str
    request_body: str
    status: int
    response_body: str
    sent_at: int
    duration_ms: int
    step: str = ""


class FailedBinding(NamedTuple):
    """One binding that failed, and why."""

    binding_id: str
    position: int
    connector: str
    action: str
    reason: str
    code: str
    message: str
    status: int
    request_id: str
    attempts: int
    first_failed_at: int
    last_failed_at: int
    generation: int = 0
    """Of its idempotency keys: a replay after a sure refusal takes the next one."""
    exchange: Exchange | None = None


class DeadLetter(NamedTuple):
    """One event, or one raw message, that ended in a failure; field for field the Avro record DeadLetter."""

    app_id: str
    user_id: str
    event_id: str
    """The three are "" for a message that could not be read."""
    state: str
    """`open`, `replayed`, `succeeded`, `closed`."""
    reason: str
    """Of the first failure."""
    message: str
    run: int
    origin: Origin
    event: Event | None
    failures: Sequence[FailedBinding]
    receipts: Sequence[Receipt]
    remaining: Sequence[str]
    """Binding ids that a replay would run: the failed ones and those skipped behind them."""
    config_version: str
    attributes: Mapping[str, Value]
    """The attributes that were used."""
    attributes_offset: int
    created_at: int
    replays: int = 0
    note: str = ""
    """What a person, or a replay, has to say about its state."""
