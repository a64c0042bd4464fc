"""Segment's shapes mean the same as ours, and their mistakes are told under their own names."""

from __future__ import annotations

import pytest

from processor.ingest.segment import interaction, snake

SHOP = "shop-key-0123456789"
TRACK = {"userId": "u1", "event": "Prompt Accepted", "messageId": "m1", "timestamp": "2023-11-14T22:13:00Z",
         "properties": {"promptId": "offer", "variant_id": "b", "price": 9.5, "trial": True, "items": [1],
                        "form": {"reason": "price"}, "context": {"transaction_id": "t1"}},
         "context": {"locale": "de-AT", "ip": "192.0.2.1", "os": {"name": "iOS"}, "library": {"name": "x"}}}


def test_track_is_an_interaction(door):
    assert door.post("/v1/track", TRACK).json() == {"accepted": 1, "event_ids": ["m1"]}
    [event] = door.events()
    assert event._asdict() | {"context": dict(event.context)} == {
        "event_id": "m1", "app_id": "shop", "user_id": "u1", "prompt_id": "offer", "interaction": "accept",
        "time": 1_699_999_980_000, "form": {"reason": "price"},
        "context": {"price": "9.5", "trial": "true", "transaction_id": "t1"}, "prompt_name": None, "prompt_type": None,
        "variant_id": "b", "variant_name": None, "segment_id": None, "segment_name": None, "goal_id": None,
        "goal_name": None, "goal_value": None, "platform": "iOS", "locale": "de-AT", "session_id": None,
        "ip_address": "192.0.2.1"}


def test_identify_is_a_change_of_attributes(door):
    body = {"userId": "u1", "traits": {"email_address": "a@b.example", "address": {"city": "Graz"}, "old": None}}
    assert door.post("/v1/identify", body).json() == {"accepted": 1}
    [change] = door.changes()
    assert change.attributes == {"email_address": "a@b.example", "address.city": "Graz", "old": None}
    assert change.mode == "merge"


@pytest.mark.parametrize(("name", "meant"), [
    ("accept", "accept"), ("Prompt Accepted", "accept"), ("promptDeclined", "decline"), ("PROMPT DISMISSED", "dismiss"),
    ("prompt-timed-out", "timeout"), ("Secondary Accept", "secondary_accept"), ("custom_goal", "custom_goal"),
    ("Order Completed", "Order Completed"),
])
def test_names_of_events_are_understood(name, meant):
    assert interaction(name) == meant


@pytest.mark.parametrize(("name", "snaked"), [("promptId", "prompt_id"), ("Prompt Id", "prompt_id"), ("a--b", "a_b")])
def test_names_are_written_in_one_way(name, snaked):
    assert snake(name) == snaked


@pytest.mark.parametrize(("path", "body", "at"), [
    ("track", {**TRACK, "event": "Order Completed"}, "/event"),
    ("track", {name: value for name, value in TRACK.items() if name != "event"}, "/event"),
    ("track", {**TRACK, "userId": 5}, "/userId"),
    ("track", {name: value for name, value in TRACK.items() if name != "userId"}, "/userId"),
    ("track", {name: value for name, value in TRACK.items() if name != "messageId"}, "/messageId"),
    ("track", {**TRACK, "properties": {}}, "/properties/prompt_id"),
    ("track", {**TRACK, "properties": {"promptId": 5}}, "/properties/promptId"),
    ("track", {**TRACK, "properties": {"prompt_id": "p", "form": {"a": 1}}}, "/properties/form/a"),
    ("track", {**TRACK, "timestamp": "soon"}, "/timestamp"),
    ("identify", {"userId": "u1", "traits": []}, "/traits"),
    ("identify", {"userId": "u1", "traits": {"a": [1]}}, "/traits/a"),
    ("identify", {"traits": {}}, "/userId"),
])
def test_a_mistake_is_told_where_the_sender_wrote_it(door, path, body, at):
    answer = door.post(f"/v1/{path}", body)
    assert answer.status_code == 422
    assert at in [one["at"] for one in answer.json()["errors"]]


def test_a_batch_holds_both_and_what_means_nothing_is_passed_over(door, basic):
    body = {"batch": [{"type": "track", **TRACK}, {"type": "identify", "userId": "u1", "traits": {"a": 1}},
                      {"type": "page", "name": "Home"}], "sentAt": "x", "writeKey": SHOP}
    answer = door.ask("POST", "/v1/batch", json=body, headers=basic(SHOP))
    assert answer.json() == {"accepted": 2, "event_ids": ["m1"], "ignored": 1}


@pytest.mark.parametrize("kind", ["trck", None, 5, [], {}])
def test_an_unknown_kind_in_a_batch_is_told(door, kind):
    answer = door.post("/v1/batch", {"batch": [{**TRACK, "type": kind}]})
    assert answer.json()["errors"][0]["at"] == "/batch/0/type"


def test_objects_far_inside_others_are_refused_and_do_not_exhaust_anything(door):
    traits = {"a": 1}
    for _ in range(500):
        traits = {"a": traits}
    answer = door.post("/v1/identify", {"userId": "u1", "traits": traits})
    assert answer.status_code == 422
    assert "8 objects deep" in answer.text
