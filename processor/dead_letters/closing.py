"""Closes letters that nobody will replay, with a reason that stays with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from processor.audit.record import Actor
from processor.dead_letters.audit import of_letter
from processor.dead_letters.index import Index
from processor.dead_letters.publishing import Publisher

BATCH = 500
Progress = Callable[[int, int], None]


def close(
    index: Index, publisher: Publisher, who: Actor, keys: Iterable[bytes], reason: str, *, progress: Progress,
    total: int,
) -> int:
    """Close the letters that are not closed yet; returns how many."""
    closed, seen, left = 0, 0, iter(keys)
    while batch := list(islice(left, BATCH)):
        with publisher.together():
            closed += sum(_close(index, publisher, who, key, reason) for key in batch)
        seen += len(batch)
        progress(seen, total)
    return closed


def _close(index: Index, publisher: Publisher, who: Actor, key: bytes, reason: str) -> bool:
    letter = index.letter(key)
    if letter is None or letter.state in ("closed", "succeeded"):
        return False
    after = letter._replace(state="closed", note=f"closed by {who.name}: {reason}")
    publisher.supersede(key, index.partition(key), after)
    publisher.audit(of_letter(who, "closed", key, letter, after, reason))
    return True


def forget(index: Index, publisher: Publisher, who: Actor, keys: Iterable[bytes]) -> int:
    """Supersede letters with nulls; the caller's transaction holds them together."""
    return sum(1 for _ in _forgotten(index, publisher, who, keys))


def _forgotten(index: Index, publisher: Publisher, who: Actor, keys: Iterable[bytes]) -> Iterator[bytes]:
    for key in keys:
        letter = index.letter(key)
        if letter is not None:
            publisher.supersede(key, index.partition(key), None)
            publisher.audit(of_letter(who, "forgot", key, letter._replace(event_id="", note=""), None,
                                      "its user was forgotten"))
            yield key
