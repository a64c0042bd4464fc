"""Between Avro's dictionaries and the frozen values of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kit.event import Event
from processor.model.chain import ChainRecord, Started
from processor.model.dead_letter import DeadLetter, Exchange, FailedBinding, Origin
from processor.model.outcome import Receipt
from processor.model.replay import Replay

Plain = Mapping[str, Any]
"""A record as fastavro reads and writes it."""


def plain_origin(origin: Origin) -> Plain:
    """An origin with its headers as records."""
    headers = [{"name": name, "value": value} for name, value in origin.headers]
    return {**origin._asdict(), "headers": headers}


def origin(plain: Plain) -> Origin:
    """An origin with its headers as pairs."""
    headers = tuple((one["name"], one["value"]) for one in plain["headers"])
    return Origin(**{**plain, "headers": headers})


def plain_failure(failed: FailedBinding) -> Plain:
    """A failed binding with its last exchange."""
    exchange = failed.exchange
    return {**failed._asdict(), "exchange": None if exchange is None else exchange._asdict()}


def failure(plain: Plain) -> FailedBinding:
    """A failed binding with its last exchange."""
    exchange = plain["exchange"]
    return FailedBinding(**{**plain, "exchange": None if exchange is None else Exchange(**exchange)})


def plain_receipts(receipts: Sequence[Receipt]) -> list[Plain]:
    """Receipts as records."""
    return [one._asdict() for one in receipts]


def receipts(plain: Sequence[Plain]) -> tuple[Receipt, ...]:
    """Receipts from records."""
    return tuple(Receipt(**one) for one in plain)


def failures(plain: Sequence[Plain]) -> tuple[FailedBinding, ...]:
    """Failed bindings from records."""
    return tuple(map(failure, plain))


def plain_letter(letter: DeadLetter) -> Plain:
    """A dead letter with all that it embeds."""
    event = letter.event
    return {
        **letter._asdict(),
        "origin": plain_origin(letter.origin),
        "event": None if event is None else event._asdict(),
        "failures": list(map(plain_failure, letter.failures)),
        "receipts": plain_receipts(letter.receipts),
    }


def letter(plain: Plain) -> DeadLetter:
    """A dead letter with all that it embeds."""
    event = plain["event"]
    return DeadLetter(**{
        **plain,
        "origin": origin(plain["origin"]),
        "event": None if event is None else Event(**event),
        "failures": failures(plain["failures"]),
        "receipts": receipts(plain["receipts"]),
        "remaining": tuple(plain["remaining"]),
    })


def plain_chain(chain: ChainRecord) -> Plain:
    """A chain with all that it embeds."""
    started = chain.started
    return {
        **chain._asdict(),
        "origin": plain_origin(chain.origin),
        "receipts": plain_receipts(chain.receipts),
        "failures": list(map(plain_failure, chain.failures)),
        "started": None if started is None else started._asdict(),
    }


def chain(plain: Plain) -> ChainRecord:
    """A chain with all that it embeds."""
    started = plain["started"]
    return ChainRecord(**{
        **plain,
        "origin": origin(plain["origin"]),
        "receipts": receipts(plain["receipts"]),
        "failures": failures(plain["failures"]),
        "started": None if started is None else Started(**started),
        "only": tuple(plain["only"]),
        "exports_begun": tuple(plain["exports_begun"]),
    })


def plain_replay(replay: Replay) -> Plain:
    """A replay with all that it embeds."""
    return {**replay._asdict(), "origin": plain_origin(replay.origin), "receipts": plain_receipts(replay.receipts)}


def replay(plain: Plain) -> Replay:
    """A replay with all that it embeds."""
    return Replay(**{
        **plain,
        "origin": origin(plain["origin"]),
        "receipts": receipts(plain["receipts"]),
        "only": tuple(plain["only"]),
    })
