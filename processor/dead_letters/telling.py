"""A letter in plain words: what happened, why, who must act and how, and what a replay would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from processor.dead_letters.index import letter_id
from processor.dead_letters.judging import Verdict
from processor.dead_letters.selection import spoken
from processor.model.dead_letter import DeadLetter, FailedBinding

WHY: Mapping[str, str] = {
    "unavailable": "The vendor did not answer, or said that it cannot now, for longer than is waited.",
    "rejected": "The vendor, or the action itself, said no for good.",
    "misconfigured": "The vendor refused the credentials or settings of the app, for longer than is waited.",
    "missing_attributes": "What the action needs to know about the user was not synced in time.",
    "in_doubt": "A call that must not be repeated was sent, and nobody knows whether it happened.",
    "undecodable": "The message could not be read.",
    "broken": "A bug of this project or of the connector.",
}
ACT: Mapping[str, str] = {
    "unavailable": "Nobody, if the vendor is well again: replay.",
    "rejected": "Whoever owns the binding or the account at the vendor: read the vendor's words, mend what they name"
                " (a coupon, a plan, a parameter), then replay.",
    "misconfigured": "The app's administrator: mend the connector's settings, then replay.",
    "missing_attributes": "Whoever syncs the app's attributes: sync what is missing, then replay.",
    "in_doubt": "Somebody with access to the vendor: look whether it happened. If so, close the letter; if not, replay"
                " it with --after-checking.",
    "undecodable": "Whoever publishes the messages: mend the producer or its schema. The message itself is replayed"
                   " once it can be read, or with --edit.",
    "broken": "Report it with its code; replay once it is mended.",
}
INDENT = "    "


def told(key: bytes, letter: DeadLetter, verdict: Verdict | None, attributes: Mapping[str, Any] | None = None
         ) -> Iterator[str]:
    """Lines of text about a letter; `attributes` are the user's of now, where they were read."""
    replays = f"replayed {letter.replays} times" if letter.replays > 1 else "replayed once" if letter.replays else \
        "never replayed"
    yield f"Letter {letter_id(key)}: {letter.state}, {replays}. Written {spoken(letter.created_at)}."
    if letter.note:
        yield f"{INDENT}{letter.note}"
    yield from _what(letter)
    if letter.reason in WHY:
        yield "Why"
        yield f"{INDENT}{WHY[letter.reason]}"
        yield "Who must act"
        yield f"{INDENT}{ACT[letter.reason] if letter.state == 'open' else 'nobody any more'}"
    yield from _event(letter, attributes)
    yield from _done(letter)
    yield from _replay(letter, verdict)
    yield from _origin(letter)


def _what(letter: DeadLetter) -> Iterator[str]:
    yield "What happened"
    for one in letter.failures:
        yield from _failure(one)
    if not letter.failures:
        yield f"{INDENT}{letter.message}"


def _failure(one: FailedBinding) -> Iterator[str]:
    status = f", status {one.status}" if one.status else ""
    yield f"{INDENT}{one.binding_id} ({one.connector}.{one.action}): {one.reason}, {one.code}{status}: {one.message}"
    since = "" if one.first_failed_at == one.last_failed_at else f"{spoken(one.first_failed_at)} to "
    attempts = f"{one.attempts} attempt{'s' if one.attempts != 1 else ''}"
    request = f"; the vendor's request id is {one.request_id}" if one.request_id else ""
    yield f"{INDENT}{attempts}, {since}{spoken(one.last_failed_at)}{request}"
    exchange = one.exchange
    if exchange is not None:
        answered = f"status {exchange.status}" if exchange.status else "no answer"
        yield f"{INDENT}last exchange: {exchange.method} {exchange.path}: {answered} after {exchange.duration_ms} ms"
        for name, body in (("sent", exchange.request_body), ("answer", exchange.response_body)):
            if body:
                yield f"{INDENT}  {name}: {body}"


def _event(letter: DeadLetter, attributes: Mapping[str, Any] | None) -> Iterator[str]:
    event = letter.event
    if event is None:
        return
    yield "Event"
    yield (f"{INDENT}{event.event_id} of app {event.app_id}: user {event.user_id}, {event.interaction} of prompt "
           f"{event.prompt_id} at {spoken(event.time)}, configuration {letter.config_version}, run {letter.run}")
    more = {name: value for name, value in event._asdict().items()
            if value and name not in ("event_id", "app_id", "user_id", "prompt_id", "interaction", "time")}
    for name, value in more.items():
        yield f"{INDENT}{name}: {dict(value) if isinstance(value, Mapping) else value}"
    yield "Attributes"
    used = letter.attributes
    for name in sorted({*used, *(attributes or {})}):
        now = "" if attributes is None or attributes.get(name) == used.get(name) else \
            f" (now {attributes.get(name, 'absent')})"
        yield f"{INDENT}{name}: {used.get(name, 'absent')}{now}"
    if not used and not attributes:
        yield f"{INDENT}none were used"


def _done(letter: DeadLetter) -> Iterator[str]:
    if letter.receipts:
        yield "Already done, and not done again"
    for one in letter.receipts:
        reference = f" ({one.reference})" if one.reference else ""
        yield f"{INDENT}{one.binding_id}: {one.note or one.outcome}{reference} at {spoken(one.finished_at)}"


def _replay(letter: DeadLetter, verdict: Verdict | None) -> Iterator[str]:
    yield "A replay"
    if verdict is None:
        yield f"{INDENT}would run: {', '.join(letter.remaining) or 'its message, published again'}"
        return
    if verdict.refused:
        yield f"{INDENT}is refused: {verdict.refused}"
    if verdict.again:
        yield f"{INDENT}would publish its message again, for it can be read now"
    for one in verdict.reruns:
        key = "its maximum age is over" if one.expired else f"idempotency keys of generation {one.generation}"
        repeat = f"; it may have happened before, and is kept from happening twice by this: {one.protection}" \
            if one.may_repeat and not one.expired else ""
        yield f"{INDENT}would run {one.binding_id} ({one.connector}.{one.action}): {key}{repeat}"


def _origin(letter: DeadLetter) -> Iterator[str]:
    origin = letter.origin
    size = "not kept, it was too large" if origin.value is None else f"{len(origin.value)} bytes"
    key = (origin.key or b"").decode("utf-8", "backslashreplace") or "none"
    yield "Where it came from"
    yield (f"{INDENT}{origin.topic}, partition {origin.partition}, offset {origin.offset}, at "
           f"{spoken(origin.timestamp)}; key {key}; {size}")
    for name, value in origin.headers:
        yield f"{INDENT}header {name}: {(value or b'').decode('utf-8', 'backslashreplace')}"
