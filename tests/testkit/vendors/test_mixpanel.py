"""The emulated Mixpanel behaves as its card says: strict imports, partial failure, repeats by $insert_id."""

from __future__ import annotations

import gzip
import json
import time
from base64 import b64encode

import pytest

from testkit.vendors.credentials import (
    MIXPANEL_PASSWORD,
    MIXPANEL_PROJECT_ID,
    MIXPANEL_PROJECT_TOKEN,
    MIXPANEL_USERNAME,
)

IMPORT = f"/import?strict=1&project_id={MIXPANEL_PROJECT_ID}"


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def mixpanel(caller):
    return caller("mixpanel", Authorization=basic(MIXPANEL_USERNAME, MIXPANEL_PASSWORD))


def event(id: str = "id-1", **more):
    properties = {"time": int(time.time()), "distinct_id": "ann", "$insert_id": id, **more}
    return {"event": "Prompt Click", "properties": properties}


def test_events_are_imported(mixpanel, control):
    got = mixpanel("POST", IMPORT, data=[event("a"), event("b")])
    assert got.json == {"code": 200, "num_records_imported": 2, "status": "OK"}
    assert [(one.user, one.mark) for one in control.ledger("mixpanel")] == [("ann", "a"), ("ann", "b")]


def test_gzip_is_understood_on_import_and_not_on_engage(mixpanel, control):
    packed = gzip.compress(json.dumps([event()]).encode())
    headers = {"Content_Type": "application/json", "Content_Encoding": "gzip"}
    assert mixpanel("POST", IMPORT, body=packed, **headers).status == 200
    assert mixpanel("POST", "/engage?verbose=1", body=packed, **headers).json["status"] == 0
    assert mixpanel("POST", IMPORT, body=b"no gzip", **headers).status == 400


def test_wrong_credentials_or_project_are_refused(caller, mixpanel):
    assert mixpanel("POST", "/import?strict=1&project_id=1", data=[event()]).status == 401
    wrong = caller("mixpanel", Authorization=basic(MIXPANEL_USERNAME, "wrong"))
    assert wrong("POST", IMPORT, data=[event()]).json["error"] == "Invalid credentials"
    assert (wrong("GET", "/api/app/me").status, mixpanel("GET", "/api/app/me").status) == (401, 200)
    by_token = caller("mixpanel", Authorization=basic(MIXPANEL_PROJECT_TOKEN, ""))
    assert by_token("POST", "/import?strict=1", data=[event()]).status == 200


def test_the_valid_ones_of_a_failed_batch_are_imported(mixpanel, control):
    got = mixpanel("POST", IMPORT, data=[event("a"), event("b", distinct_id="anon"), event("c")])
    assert (got.status, got.json["num_records_imported"]) == (400, 2)
    (failed,) = got.json["failed_records"]
    assert (failed["index"], failed["$insert_id"], failed["field"]) == (1, "b", "properties.distinct_id")
    assert [one.mark for one in control.ledger("mixpanel")] == ["a", "c"]


def test_without_strict_bad_events_vanish_without_a_word(mixpanel):
    lax = f"/import?strict=0&project_id={MIXPANEL_PROJECT_ID}"
    got = mixpanel("POST", lax, data=[event("a"), event("b", time=1.5)])
    assert (got.status, got.json["num_records_imported"]) == (200, 1)


@pytest.mark.parametrize(("more", "field"), [
    ({"time": 1.5}, "time"), ({"time": "now"}, "time"), ({"time": 1000}, "time"), ({"time": 99999999999}, "time"),
    ({"distinct_id": 7}, "distinct_id"), ({"$insert_id": "x" * 37}, "$insert_id"),
    ({"$insert_id": "a_b"}, "$insert_id"),
])
def test_what_is_wrong_with_an_event_is_named(mixpanel, more, field):
    assert mixpanel("POST", IMPORT, data=[event(**more)]).json["failed_records"][0]["field"] == f"properties.{field}"


def test_milliseconds_are_taken_and_an_empty_distinct_id(mixpanel):
    assert mixpanel("POST", IMPORT, data=[event(time=int(time.time() * 1000), distinct_id="")]).status == 200


def test_a_repeat_is_told_by_event_time_user_and_insert_id(mixpanel, control):
    first = event("a")
    other_time = {**first, "properties": {**first["properties"], "time": first["properties"]["time"] - 5}}
    for one in (first, first, other_time):
        mixpanel("POST", IMPORT, data=[one])
    assert control.counts("mixpanel") == {"event.imported": 2, "(replayed)": 1}


def test_a_body_that_is_no_array_or_too_large_is_refused_whole(mixpanel):
    got = mixpanel("POST", IMPORT, data={"event": "x"})
    assert (got.status, "failed_records" in got.json) == (400, False)
    big = mixpanel("POST", IMPORT, data=[event(note="x" * 2_100_000)])
    assert (big.status, big.json["error"]) == (413, "request exceeds max limit of 2097152 bytes")


def test_profiles_are_updated_without_authorization(mixpanel, control):
    engage = mixpanel.bare()
    data = [{"$token": MIXPANEL_PROJECT_TOKEN, "$distinct_id": "ann", "$set": {"$email": "ann@example.com"}}]
    for _ in range(2):
        assert engage("POST", "/engage?ip=0&verbose=1&strict=1", data=data).json == {"status": 1, "error": None}
    once = [{"$token": "x", "$distinct_id": "ann", "$set_once": {"$email": "other", "plan": "basic"}}]
    assert engage("POST", "/engage", data=once).body == b"1"
    assert control.state("mixpanel")["profiles"]["ann"] == {"$email": "ann@example.com", "plan": "basic"}
    assert control.counts("mixpanel") == {"profile.updated": 2}


def test_engage_answers_200_even_when_nothing_was_valid(mixpanel):
    got = mixpanel("POST", "/engage?verbose=1", data=[{"$set": {}}])
    assert (got.status, got.json["status"]) == (200, 0)
    assert mixpanel("POST", "/engage", data=[{"$set": {}}]).body == b"0"
    half = [{"$set": {}}, {"$token": "t", "$distinct_id": "a", "$set": {"b": 1}}]
    mixed = mixpanel("POST", "/engage?verbose=1&strict=1", data=half).json
    assert mixed["status"] == 1
    assert "record 0" in mixed["error"]
