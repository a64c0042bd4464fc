"""What every candidate does: the same users, the same events, the same call, the same result.

Needs fastavro and orjson only, so that peers in environments of their own use the very same code.
"""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import orjson

APP, PROMPT = "bench", "offer"
USERS = 5000
HOT_USERS = 50
"""Of the case with hot keys: 1 % of the users, who make half of the events."""
PARTITIONS = 4
SCHEMAS = Path(__file__).parent.parent / "schemas" / "avro"

Attributes = dict[str, Any]


class Schema:
    """One record's schema, and the ten bytes that stand before each value."""

    def __init__(self, record: str) -> None:
        raw = json.loads((SCHEMAS / f"{record}.avsc").read_text())
        self.parsed: Any = fastavro.parse_schema(raw)
        canonical = fastavro.schema.to_parsing_canonical_form(raw)
        self.head = b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))

    def read(self, data: bytes) -> dict[str, Any]:
        """A value as its fields."""
        stream = BytesIO(data)
        stream.seek(10)
        return fastavro.schemaless_reader(stream, self.parsed, None)  # type: ignore[return-value]

    def write(self, fields: dict[str, Any]) -> bytes:
        """Fields as a value."""
        stream = BytesIO()
        stream.write(self.head)
        fastavro.schemaless_writer(stream, self.parsed, fields)
        return stream.getvalue()


EVENT, RESULT, CHANGE = Schema("PromptInteraction"), Schema("ActionResult"), Schema("UserAttributes")


def attributes(number: int) -> Attributes:
    """The twenty attributes of a user."""
    return {
        "stripe_id": f"cus_{number:014d}", "email_address": f"user{number}@example.com", "plan": "premium_monthly",
        "country": "AT", "language": "de", "seats": number % 7, "is_trial": number % 2 == 0, "mrr": 9.99,
        **{f"attribute_{i:02d}": f"value {i} of user {number}" for i in range(12)},
    }


def user(number: int) -> str:
    """A user's id."""
    return f"user-{number:05d}"


def all_users() -> dict[str, Attributes]:
    """Everybody's attributes, by user id."""
    return {user(number): attributes(number) for number in range(USERS)}


def user_of(number: int, *, hot: bool) -> str:
    """Who makes the event of this number."""
    if hot and number % 2:
        return user(number // 2 % HOT_USERS)
    return user(number * 7919 % USERS)


def event(number: int, who: str, interaction: str = "accept", prompt: str = PROMPT) -> bytes:
    """An event of about 300 bytes, its number in its id."""
    return EVENT.write({
        "event_id": f"event-{number:010d}", "app_id": APP, "user_id": who, "prompt_id": prompt,
        "interaction": interaction, "time": int(time.time() * 1000), "form": {"reason": "too expensive"},
        "context": {"screen": "account", "version": "4.12.0", "store": "none", "campaign": "autumn", "cohort": "b"},
        "prompt_name": "Stay, and get 20 % off", "prompt_type": "cancellation", "variant_id": "variant-b",
        "variant_name": "With picture", "segment_id": "segment-7", "segment_name": "Long-time customers",
        "platform": "web", "locale": "de-AT", "session_id": "b5a7c1c2d3e4",
    })


def change(number: int) -> bytes:
    """The record that syncs a user's attributes."""
    return CHANGE.write({"app_id": APP, "user_id": user(number), "mode": "merge", "attributes": attributes(number),
                         "time": int(time.time() * 1000)})


def body(event_id: str, user_id: str, prompt_id: str, interaction: str, known: Attributes) -> bytes:
    """The 230 bytes of JSON that a call sends."""
    return orjson.dumps({
        "event": event_id, "user": user_id, "prompt": prompt_id, "interaction": interaction,
        "customer": known["stripe_id"], "email": known["email_address"], "plan": known["plan"],
        "country": known["country"], "seats": known["seats"], "note": "sent by the benchmark",
    })


def result(fields: dict[str, Any], position: int, reference: str, status: int, started: int) -> bytes:
    """The outcome of one call, as the processor writes it too."""
    ok = status == 200
    return RESULT.write({
        "event_id": fields["event_id"], "app_id": fields["app_id"], "user_id": fields["user_id"],
        "prompt_id": fields["prompt_id"], "interaction": fields["interaction"], "event_time": fields["time"],
        "run": 0, "binding_id": "bench.send", "position": position, "connector": "bench", "action": "send",
        "outcome": "succeeded" if ok else "failed", "note": "", "reason": "" if ok else "unavailable", "code": "",
        "message": "", "reference": reference, "request_id": "", "status": status, "attempts": 1,
        "started_at": started, "finished_at": int(time.time() * 1000), "config_version": "1",
        "attributes_offset": 0, "attributes_time": 0, "detail": {}, "planned": 1,
    })
