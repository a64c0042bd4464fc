"""Connectors that exist to be measured: one POST with an idempotency key, and an export of many items a request."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from connectors.kit import (
    BatchFlow,
    BatchLimits,
    Call,
    Connector,
    Done,
    Flow,
    Item,
    Limits,
    NoParams,
    Repeat,
    Settings,
    Sign,
    field,
    post,
    sign_with,
)

JSON_LINES = "application/x-ndjson"


class BenchSettings(Settings):
    """Where the measured vendor listens."""

    url: str = field("Address")


def _signer(settings: BenchSettings) -> Sign:
    return sign_with(settings.url)


def _body(call: Call[BenchSettings, NoParams]) -> dict[str, object]:
    event, known = call.event, call.attributes
    return {
        "event": event.event_id, "user": event.user_id, "prompt": event.prompt_id, "interaction": event.interaction,
        "customer": known["stripe_id"], "email": known["email_address"], "plan": known["plan"],
        "country": known["country"], "seats": known["seats"], "note": "sent by the benchmark",
    }


def _connector(name: str) -> Connector:
    return Connector(
        id=name, title=name, category="custom", settings=BenchSettings, signer=_signer, limits=Limits(concurrency=1000),
    )


bench = _connector("bench")
bench_down = _connector("bench_down")
"""The same, for a vendor that is down."""


@bench_down.action("send", "Send", repeat=Repeat.KEY, keeps_keys=86400.0)
@bench.action("send", "Send", repeat=Repeat.KEY, keeps_keys=86400.0)
def send(call: Call[BenchSettings, NoParams]) -> Flow:
    """One call."""
    answer = yield post("/one", json=_body(call), headers={"Idempotency-Key": call.key()})
    return Done(reference=answer.member("id") or "")


@bench.action("once", "Send once", repeat=Repeat.NEVER)
def once(call: Call[BenchSettings, NoParams]) -> Flow:
    """One call that must not be repeated: that it has begun is made durable before it goes out."""
    answer = yield post("/one", json=_body(call))
    return Done(reference=answer.member("id") or "")


def _item(call: Call[BenchSettings, NoParams]) -> Item:
    return Item(orjson.dumps(_body(call)), call.key())


@bench.export("export", "Export", item=_item, limits=BatchLimits(items=100, bytes=1 << 20, item_bytes=1 << 16))
def export(_settings: Settings, items: Sequence[Item]) -> BatchFlow:
    """Many items in one call."""
    yield post("/many", body=b"\n".join(item.body for item in items), content_type=JSON_LINES)
    return [Done()] * len(items)
