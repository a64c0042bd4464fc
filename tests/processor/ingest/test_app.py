"""What is let through the door, what is not, and what the sender is told."""

from __future__ import annotations

import pytest

from processor.access import Company, Permission, mint
from processor.ingest.outbox import FullError, NotTakenError

SHOP, BOTH = "shop-key-0123456789", "key-of-two-apps-0123"
NOW_MS = 1_700_000_000_000
EVENT = {"event_id": "e1", "user_id": "u1", "prompt_id": "offer", "interaction": "accept", "time": NOW_MS}


def wrong(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return {one["at"]: one for one in answer.json()["errors"]}


def test_an_interaction_goes_out_under_its_users_key(door):
    answer = door.post("/v1/interactions", {**EVENT, "form": {"reason": "price"}})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "event_ids": ["e1"]})
    [record] = door.out.taken
    assert (record.topic, record.key) == ("prompt.interactions", b"shop:u1")
    [event] = door.events()
    assert (event.app_id, event.event_id, event.form, event.time) == ("shop", "e1", {"reason": "price"}, NOW_MS)


def test_many_go_at_once_in_their_order(door):
    answer = door.post("/v1/interactions", [{**EVENT, "event_id": f"e{n}"} for n in range(3)])
    assert answer.json() == {"accepted": 3, "event_ids": ["e0", "e1", "e2"]}
    assert [one.event_id for one in door.events()] == ["e0", "e1", "e2"]


def test_attributes_are_merged_or_replaced(door):
    assert door.post("/v1/attributes", {"user_id": "u1", "attributes": {"plan": "pro", "age": 3}}).status_code == 202
    door.post("/v1/attributes", {"user_id": "u1", "attributes": {"plan": None}, "mode": "replace"})
    first, second = door.changes()
    assert (first.mode, first.attributes, first.time, first.source) == (
        "merge", {"plan": "pro", "age": 3}, NOW_MS, "ingest")
    assert (second.mode, second.attributes) == ("replace", {"plan": None})


def test_time_is_now_where_none_is_given_and_iso_is_read(door):
    without = {name: value for name, value in EVENT.items() if name != "time"}
    door.post("/v1/interactions", [without, {**EVENT, "time": "2023-11-14T22:13:00Z"}])
    assert [one.time for one in door.events()] == [NOW_MS, NOW_MS - 20_000]


def test_the_idempotency_key_is_the_id_of_an_event_without_one(door):
    without = {name: value for name, value in EVENT.items() if name != "event_id"}
    answer = door.post("/v1/interactions", without, **{"Idempotency-Key": "abc"})
    assert answer.json()["event_ids"] == ["abc"]
    many = door.post("/v1/interactions", [without, EVENT, without], **{"Idempotency-Key": "abc"})
    assert many.json()["event_ids"] == ["abc:0", "e1", "abc:2"]


def test_an_event_without_any_id_is_refused_since_it_could_not_be_sent_again_safely(door):
    answer = door.post("/v1/interactions", {name: value for name, value in EVENT.items() if name != "event_id"})
    assert answer.status_code == 422
    assert "Idempotency-Key" in wrong(answer)["/event_id"]["allowed"]


@pytest.mark.parametrize(("change", "at", "words"), [
    ({"interaction": "acept"}, "/interaction", "accept"),
    ({"prompt": "x"}, "/prompt", "prompt_id"),
    ({"user_id": ""}, "/user_id", "at least one character"),
    ({"user_id": 5}, "/user_id", "text"),
    ({"time": "yesterday"}, "/time", "ISO 8601"),
    ({"time": 0}, "/time", "since 1970"),
    ({"time": NOW_MS + 2 * 86_400_000}, "/time", "since 1970"),
    ({"form": {"a": 1}}, "/form/a", "text"),
    ({"event_id": "x" * 4000}, "/user_id", "3000 for the three"),
    ({"goal_value": "much"}, "/goal_value", "a number"),
])
def test_a_mistake_is_told_with_its_place_and_what_is_taken(door, change, at, words):
    answer = door.post("/v1/interactions", [EVENT, {**EVENT, **change}])
    assert answer.status_code == 422
    told = wrong(answer)[f"/1{at}"]
    assert words in " ".join(told.values())
    assert "nothing of the 2 records was taken" in answer.json()["detail"]
    assert door.out.taken == []


def test_personal_values_are_not_repeated(door):
    answer = door.post("/v1/attributes", {"user_id": "u1", "attributes": {"email_address": {"x": "ada@acme.example"}}})
    assert wrong(answer)["/attributes/email_address"]["what"] == "is dict"
    assert "ada@" not in answer.text


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 401), ({"Authorization": ""}, 401), ({"Authorization": "Bearer nobody"}, 401),
    ({"Authorization": f"Token {SHOP}"}, 401), ({"Authorization": "Basic !!"}, 401),
    ({"Authorization": f"bearer {SHOP}"}, 202),
])
def test_only_whoever_has_a_key_is_let_in(door, headers, status):
    answer = door.ask("POST", "/v1/interactions", json=EVENT, headers=headers)
    assert answer.status_code == status
    assert (answer.headers.get("www-authenticate", "").startswith("Bearer")) is (status == 401)


def test_a_key_is_good_for_its_apps_only(door):
    answer = door.post("/v1/interactions", {**EVENT, "app_id": "news"})
    assert answer.status_code == 403
    assert "shop only" in answer.json()["detail"]
    assert door.post("/v1/interactions", {**EVENT, "app_id": "news"}, BOTH).status_code == 202
    assert door.out.taken[0].key == b"news:u1"


def test_a_key_for_several_apps_needs_the_app_named(door):
    answer = door.post("/v1/interactions", EVENT, BOTH)
    assert answer.status_code == 422
    assert "for several" in wrong(answer)["/app_id"]["allowed"]


def test_a_token_of_the_company_may_publish_where_it_says_so(door):
    may = mint(bytes(32), [Permission.PUBLISH], ["shop"], now=1, expires=NOW_MS + 1000)
    may_not = mint(bytes([1] * 32), [Permission.REPLAY], ["shop"], now=1)
    door.keys.take(Company(tokens=(may.token, may_not.token)))
    assert door.post("/v1/interactions", EVENT, may.text).status_code == 202
    assert door.post("/v1/interactions", EVENT, may_not.text).status_code == 401
    door.now[0] += 1
    assert door.post("/v1/interactions", EVENT, may.text).status_code == 401


@pytest.mark.parametrize(("body", "words"), [
    (b"", "it is empty"), (b"{", "line 1"), (b"\xff", "no JSON in UTF-8"), (b'{"user_id": "\\ud800"}', "no JSON"),
    (b"nope", "no JSON"), (b"[" * 3000, "no JSON"), (b"NaN", "no JSON"),
])
def test_what_is_no_json_is_told(door, body, words):
    answer = door.raw("/v1/interactions", body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"null", b"5", b'"x"', b"[]", b"[[]]", b"[null]", b"true"])
@pytest.mark.parametrize("path", ["interactions", "attributes", "track", "identify", "batch"])
def test_json_that_is_no_record_is_told(door, path, body):
    answer = door.raw(f"/v1/{path}", body)
    assert answer.status_code == 422
    assert wrong(answer)


def test_a_body_that_is_too_large_is_not_read(make_door):
    door = make_door(max_body=1000)
    assert door.raw("/v1/interactions", b" " * 1001).status_code == 413
    assert door.raw("/v1/interactions", b" " * 900).status_code == 400


def test_a_large_body_of_untold_length_is_cut_off(make_door):
    door = make_door(max_body=1000)

    async def chunks():
        for _ in range(10):
            yield b" " * 500

    answer = door.ask("POST", "/v1/interactions", content=chunks(),
                      headers={"Authorization": f"Bearer {SHOP}", "Content-Type": "application/json"})
    assert answer.status_code == 413


def test_too_many_records_are_refused(make_door):
    door = make_door(max_batch=2)
    answer = door.post("/v1/interactions", [EVENT] * 3)
    assert answer.status_code == 413
    assert "at most 2" in answer.json()["detail"]


@pytest.mark.parametrize(("headers", "words"), [
    ({"Content-Type": "application/x-www-form-urlencoded"}, "Content-Type: application/json"),
    ({"Content-Encoding": "gzip"}, "without Content-Encoding"),
])
def test_other_media_are_refused(door, headers, words):
    answer = door.raw("/v1/interactions", b"{}", **headers)
    assert answer.status_code == 415
    assert words in answer.json()["detail"]


def test_a_key_that_sends_too_much_waits_and_the_others_do_not(make_door):
    door = make_door(rate=10, burst=20)
    assert door.post("/v1/interactions", [EVENT] * 25).status_code == 202
    answer = door.post("/v1/interactions", EVENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert door.post("/v1/interactions", {**EVENT, "app_id": "shop"}, BOTH).status_code == 202
    door.now[0] += 1
    assert door.post("/v1/interactions", EVENT).status_code == 202


@pytest.mark.parametrize(("failing", "status", "words"), [
    (FullError("20000 records wait"), 503, "Nothing was taken"),
    (NotTakenError("Local: Message timed out"), 503, "same event ids"),
    (NotTakenError("too large", too_large=True), 413, "larger than Kafka's topic takes"),
])
def test_nothing_is_accepted_that_kafka_has_not_acknowledged(door, failing, status, words):
    door.out.failing = failing
    answer = door.post("/v1/interactions", EVENT)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert ("retry-after" in answer.headers) is (status == 503)


def test_our_own_mistake_is_told_by_an_id_and_nothing_more(door, capsys):
    door.out.failing = ZeroDivisionError("hunter22")
    answer = door.post("/v1/interactions", EVENT)
    assert answer.status_code == 500
    assert "hunter22" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/v1/interactions", 405), ("POST", "/v2/x", 404), ("DELETE", "/openapi.json", 405), ("GET", "/", 404),
])
def test_other_paths_and_methods_say_which_there_are(door, method, path, status):
    answer = door.ask(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_probes_tell_whether_kafka_is_there(door):
    assert [door.ask("GET", path).status_code for path in ("/live", "/ready")] == [200, 200]
    door.out.trouble = "no broker can be reached"
    assert door.ask("GET", "/ready").status_code == 503
    assert "no broker" in door.ask("GET", "/ready").text
    assert door.ask("GET", "/live").status_code == 200
    door.out.broken = True
    assert door.ask("GET", "/live").status_code == 503


def test_what_happened_is_counted(door):
    door.post("/v1/interactions", [EVENT, EVENT])
    door.post("/v1/interactions", {})
    text = door.ask("GET", "/metrics").text
    assert 'prompt_actions_ingest_requests_total{path="/v1/interactions",status="202"} 1.0' in text
    assert 'prompt_actions_ingest_requests_total{path="/v1/interactions",status="422"} 1.0' in text
    assert 'prompt_actions_ingest_records_total{topic="prompt.interactions"} 2.0' in text
