"""Dead letters as the processor writes them, for tests that need some without running it."""

from __future__ import annotations

from typing import Any

from connectors.kit.event import Event
from processor.avro.codec import Codec
from processor.model.dead_letter import DeadLetter, Exchange, FailedBinding, Origin
from processor.model.outcome import Receipt

CODEC = Codec()
NOON = 1_800_000_000_000
"""15 January 2027, 08:00 UTC, in milliseconds."""


def failed_binding(connector: str = "stripe", action: str = "apply_coupon", **fields: Any) -> FailedBinding:
    """A binding that a vendor refused."""
    exchange = Exchange("POST", "/v1/subscriptions/sub_1", "coupon=SAVE20", 400, '{"error":{}}', NOON, 12)
    found = FailedBinding(f"{connector}.{action}", 1, connector, action, "rejected", "resource_missing",
                          "No such coupon: SAVE20", 400, "req_1", 1, NOON, NOON, 0, exchange)
    return found._replace(**fields)


def letter_of(
    event_id: str = "e1", *failures: FailedBinding, app: str = "alpha", user: str = "u1", prompt: str = "offer",
    at: int = NOON, **fields: Any,
) -> DeadLetter:
    """A letter of an accepted prompt whose first binding succeeded; `behind` was skipped."""
    event = Event(event_id, app, user, prompt, "accept", at)
    failures = failures or (failed_binding(),)
    first = failures[0]
    origin = Origin("prompt.interactions", 0, 1, at, f"{app}:{user}".encode(), CODEC.encode_event(event))
    found = DeadLetter(
        app, user, event_id, "open", first.reason, first.message, 0, origin, event, failures,
        (Receipt("before", "succeeded", reference="ref_1", finished_at=at),),
        (*(one.binding_id for one in failures), "behind"), "v1", {"email_address": "u1@example.com"}, 5, at)
    return found._replace(**fields)


def unread(offset: int = 1, value: bytes | None = b"no avro", **fields: Any) -> DeadLetter:
    """A letter of a message that could not be read."""
    origin = Origin("prompt.interactions", 0, offset, NOON, b"alpha:u1", value)
    return DeadLetter("", "", "", "open", "undecodable", "broken_avro: is no PromptInteraction", 0, origin, None, (),
                      (), (), "", {}, -1, NOON)._replace(**fields)


def key_of(letter: DeadLetter) -> bytes:
    """The key of a letter's record."""
    origin = letter.origin
    if not letter.event_id:
        return f"{origin.topic}:{origin.partition}:{origin.offset}".encode()
    return f"{letter.app_id}:{letter.user_id}:{letter.event_id}".encode()
