"""The table's emulator: credentials, required members, repeats; Segment as its first row."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from testkit.vendors.credentials import SEGMENT_WRITE_KEY
from testkit.vendors.exchange import Ask
from testkit.vendors.generic import Generic, Operation, Row, basic, bearer, header, query
from testkit.vendors.vendor import World

BASIC = "Basic " + b64encode(f"{SEGMENT_WRITE_KEY}:".encode()).decode()


@pytest.fixture
def segment(caller):
    return caller("segment", Authorization=BASIC)


def track(id: str = "m1", **more):
    return {"type": "track", "messageId": id, "userId": "ann", "event": "Prompt Click", **more}


def test_a_batch_is_taken_message_by_message(segment, control):
    got = segment("POST", "/v1/batch", data={"writeKey": "x", "batch": [track("m1"), track("m2", type="identify")]})
    assert (got.status, got.json) == (200, {"success": True})
    assert [(one.kind, one.user, one.mark) for one in control.ledger("segment")] == [
        ("track.taken", "ann", "m1"), ("identify.taken", "ann", "m2")]


def test_a_message_id_is_taken_once_a_day(segment, control):
    for _ in range(2):
        segment("POST", "/v1/track", data=track())
    assert control.counts("segment") == {"message.taken": 1, "(replayed)": 1}
    control.advance(86401)
    segment("POST", "/v1/track", data=track())
    assert control.counts("segment")["message.taken"] == 2


def test_a_wrong_key_is_not_reported_and_does_nothing(caller, control):
    assert caller("segment", Authorization="Basic eDo=")("POST", "/v1/track", data=track()).status == 200
    assert control.ledger("segment") == []


def test_a_message_without_a_user_is_dropped_without_a_word(segment, control):
    assert segment("POST", "/v1/batch", data={"batch": [{"type": "track", "messageId": "m"}]}).status == 200
    assert control.ledger("segment") == []


def test_bad_json_and_too_much_of_it_are_refused(segment):
    assert segment("POST", "/v1/batch", body=b"{", Content_Type="application/json").status == 400
    assert segment("POST", "/v1/batch", data={"batch": [track(note="x" * 500_000)]}).status == 400


ROW = Row("shop", (
    Operation("GET", "/ping"),
    Operation("POST", "/orders/[0-9]+/credit", "credit.given", required=("amount",), user=("query:user",),
              key="header:Idempotency-Key", status=201, answer={"ok": True}),
), bearer("t"), refusal=(403, {"no": "entry"}))


def ask(method: str = "POST", target: str = "/shop/orders/7/credit?user=ann", body=None, **headers: str) -> Ask:
    named = {"authorization": "Bearer t", "content-type": "application/json"}
    return Ask(method, target, {**named, **{k.replace("_", "-"): v for k, v in headers.items()}},
               json.dumps({"amount": 5} if body is None else body).encode())


def test_a_row_says_how_a_vendor_answers():
    world = World(lambda: 0.0)
    shop = Generic(world, ROW)
    assert shop.handle(ask(authorization="")).status == 403
    assert shop.handle(ask("GET", "/shop/ping")).status == 200
    assert shop.handle(ask("POST", "/shop/nowhere")).status == 404
    assert shop.handle(ask(body={})).status == 400
    assert world.ledger.effects() == []
    for _ in range(2):
        assert shop.handle(ask(idempotency_key="k")).status == 201
    (effect,) = world.ledger.effects()
    assert (effect.vendor, effect.kind, effect.user, effect.key) == ("shop", "credit.given", "ann", "k")
    assert len(world.ledger.replays()) == 1


def test_credentials_come_in_four_forms():
    assert basic("u", "p")(Ask("GET", "/", {"authorization": "Basic dTpw"}))
    assert bearer("t")(Ask("GET", "/", {"authorization": "bearer t"}))
    assert header("X-Key", "k")(Ask("GET", "/", {"x-key": "k"}))
    assert query("key", "k")(Ask("GET", "/v/x?key=k", {}))
    assert not query("key", "k")(Ask("GET", "/v/x?key=z", {}))
