"""Headers of dead letters: what a person filters by, readable in every console."""

from __future__ import annotations

from collections.abc import Sequence

from processor.model.dead_letter import DeadLetter

PREFIX = "prompt-actions-"
"""Of all headers that are ours; whatever else stands in a letter's headers was its message's own."""
Header = tuple[str, bytes | None]
OWN_LIMIT = 65536
"""Bytes of its message's own headers that are repeated in a letter's; its value holds them all."""


def letter_headers(letter: DeadLetter) -> list[Header]:
    """The message's own headers, then ours; the first failure speaks for all."""
    event, first = letter.event, letter.failures[0] if letter.failures else None
    facts = {
        "state": letter.state, "reason": letter.reason, "app": letter.app_id, "user": letter.user_id,
        "event": letter.event_id, "prompt": event.prompt_id if event else "",
        "interaction": event.interaction if event else "",
        "connector": first.connector if first else "", "action": first.action if first else "",
        "code": first.code if first else "", "run": str(letter.run), "replays": str(letter.replays),
        "time": str(letter.created_at),
        "origin": f"{letter.origin.topic}:{letter.origin.partition}:{letter.origin.offset}",
    }
    own = own_headers(letter.origin.headers)
    if sum(len(name) + len(value or b"") for name, value in own) > OWN_LIMIT:
        own = []
    return [*own, *((PREFIX + name, value.encode("utf-8", "replace")) for name, value in facts.items() if value)]


def own_headers(headers: Sequence[Header]) -> list[Header]:
    """Those of a message that are not ours."""
    return [one for one in headers if not one[0].startswith(PREFIX)]
