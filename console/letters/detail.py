"""All that can be told of one letter, as the command `dead-letters show` tells it; its payload masked or not."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from console.letters.words import ACT, WHY, with_buttons
from processor.audit.record import Audited
from processor.avro.jsonform import masked, to_json
from processor.dead_letters import Desk, Entry
from processor.dead_letters.editing import draft
from processor.dead_letters.judging import Verdict

SHOWN_BEFORE = frozenset({"event_id", "app_id", "user_id", "prompt_id", "interaction", "time"})


class Detail(NamedTuple):
    """One letter, for a page."""

    entry: Entry
    letter: Mapping[str, Any]
    """Field for field the record, masked or not."""
    why: str
    act: str
    more: Sequence[tuple[str, str]]
    """Further facts of the event."""
    verdict: Verdict | None
    refused: str
    value_bytes: int | None
    value: str
    """The consumed message; "" where it is masked."""
    draft: str
    """What an editor shows of a message that could not be read; "" where nothing is to be edited."""


def detail_of(desk: Desk, entry: Entry, *, revealed: bool) -> Detail:
    """The letter of an entry."""
    letter = desk.letter(entry)
    verdict = desk.verdict(letter)
    plain = to_json(letter) if revealed else masked(letter)
    size = None if letter.origin.value is None else len(letter.origin.value)
    act = ACT.get(letter.reason, "") if letter.state == "open" else "Nobody any more."
    undecodable = letter.reason == "undecodable" and letter.state == "open" and revealed
    return Detail(
        entry, plain, WHY.get(letter.reason, ""), act, _more(plain.get("event") or {}), verdict,
        with_buttons(verdict.refused) if verdict else "", size, _spoken(plain["origin"]["value"]) if revealed else "",
        draft(letter) if undecodable else "")


def _more(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _spoken(value)) for name, value in event.items()
            if value not in (None, "", {}) and name not in SHOWN_BEFORE]


def _spoken(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def reveal(who: str, entry: Entry, now: float) -> Audited:
    """What the audit says of a look at what is masked."""
    return Audited(who, socket.gethostname(), int(now * 1000), "revealed", entry.app, entry.id, entry.event,
                   "looked at the payload of a dead letter", {}, {})
