"""Room: what a topic takes in one message, and what is left out of a record that would not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from processor.model.outcome import Receipt

if TYPE_CHECKING:
    from connectors.kit.event import Value
    from processor.engine.partition import Record
    from processor.model.chain import ChainRecord
    from processor.model.dead_letter import DeadLetter, FailedBinding
    from processor.model.outcome import ActionResult

OVERHEAD: Final = 512
"""What Kafka puts around a message, at most."""
IDS: Final = 3000
"""Characters that the ids of an event, of its user and of its prompt may have together."""
RESERVE: Final = 4096
"""Bytes that each binding may add to its chain's record until it ends, once the record is tight."""
FINISHED_IDS: Final = 2000
"""Ids of ended events in one record, so that it stays far below every limit."""
LONGEST_KEY: Final = 1024
"""Bytes of a message's own key that are repeated where room is short."""
SHORT: Final = 100
LONG: Final = 200
"""Characters that are left of a text, where room is short."""


def size_of(record: Record) -> int:
    """Bytes that a record takes, compression apart."""
    size = len(record[1]) + len(record[2] or b"") + OVERHEAD
    if len(record) == 5:
        size += sum(len(name) + len(value or b"") + 16 for name, value in record[4])
    return size


def may_exceed(attributes: Mapping[str, Value], largest: int) -> bool:
    """Whether it is worth to measure: no character takes more than four bytes, no other value more than twelve."""
    most = 64
    for name, value in attributes.items():
        most += len(name) * 4 + 16
        if type(value) is str:
            most += len(value) * 4
        elif type(value) is list:
            most += sum(len(one) * 4 + 4 for one in value)
    return most > largest


def parked(encode: Callable[[ChainRecord], bytes], record: ChainRecord, key: str, left: int, largest: int
           ) -> bytes | None:
    """A record that leaves the chain room to end its `left` bindings; None where there is no such."""
    room = largest - OVERHEAD - len(key.encode()) - left * RESERVE
    data = encode(record)
    if len(data) > room:
        data = encode(_tight(record))
    return data if len(data) <= room else None


def running(encode: Callable[[ChainRecord], bytes], record: ChainRecord, key: str, largest: int, *, comes_again: bool
            ) -> bytes | None:
    """The record of a chain under way; without what its message brings again after a crash, where room is short."""
    room = largest - OVERHEAD - len(key.encode())
    if comes_again and record.exports_begun:
        record = _slim(record)  # written for each item: the smaller the better
    data = encode(record)
    if len(data) > room:
        record = _tight(record)
        data = encode(record)
    if len(data) > room and comes_again:
        data = encode(_slim(record))
    return data if len(data) <= room else None


def _slim(record: ChainRecord) -> ChainRecord:
    return record._replace(origin=record.origin._replace(key=None, value=None, headers=()), attributes={})


def _tight(record: ChainRecord) -> ChainRecord:
    return record._replace(receipts=[_short_receipt(one) for one in record.receipts],
                           failures=[_short_failure(one) for one in record.failures])


def _short_receipt(receipt: Receipt) -> Receipt:
    return receipt._replace(
        code=receipt.code[:SHORT], message=receipt.message[:LONG], reference=receipt.reference[:LONG],
        request_id=receipt.request_id[:SHORT], detail={})


def _short_failure(failed: FailedBinding) -> FailedBinding:
    return failed._replace(code=failed.code[:SHORT], message=failed.message[:LONG],
                           request_id=failed.request_id[:SHORT], exchange=None)


def cut_result(result: ActionResult) -> ActionResult:
    """An outcome without what a vendor said at length; its message says so."""
    return result._replace(
        code=result.code[:SHORT], message=f"{result.message[:LONG]} (too large: cut)".strip(),
        reference=result.reference[:LONG], request_id=result.request_id[:SHORT], detail={})


def without_original(letter: DeadLetter) -> DeadLetter:
    """A letter that refers to the original message instead of repeating it."""
    key = letter.origin.key
    return letter._replace(
        origin=letter.origin._replace(
            key=key if key is None or len(key) <= LONGEST_KEY else None, value=None, headers=()),
        event=None, attributes={},
        message=f"{letter.message} (too large: see the original)")


def bare(letter: DeadLetter) -> DeadLetter:
    """The least that a letter can be: who, what, why, and where the original lies."""
    cut = without_original(letter._replace(message=letter.message[:LONG]))
    return cut._replace(receipts=[_short_receipt(one) for one in letter.receipts],
                        failures=[_short_failure(one) for one in letter.failures])
