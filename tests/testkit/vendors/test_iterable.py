"""The emulated Iterable behaves as its card says: ids update events, failures stand in lists, mails go each time."""

from __future__ import annotations

import pytest

from testkit.vendors.iterable import (
    API_KEY,
    DISALLOWED_EVENT,
    DYNAMIC_LIST,
    JOURNEY,
    MARKETING,
    STATIC_LIST,
    TRANSACTIONAL,
)

ANN = {"email": "ann@example.com"}


@pytest.fixture
def iterable(caller):
    return caller("iterable", Api_Key=API_KEY)


def event(id="e-1", **more):
    return {**ANN, "eventName": "Saved", "id": id, **more}


def test_an_event_under_a_known_id_is_updated(iterable, control):
    for reason in ("a", "b"):
        got = iterable("POST", "/api/events/track", data=event(dataFields={"reason": reason}))
        assert got.json["params"] == {"id": "e-1"}
    assert control.counts("iterable") == {"event.tracked": 1, "(replayed)": 1}
    assert control.state("iterable")["events"]["e-1"]["dataFields"] == {"reason": "b"}


def test_a_batch_tells_who_failed_and_does_the_rest(iterable, control):
    control.seed("iterable", "forgotten", email="old@example.com")
    events = [event("1"), event("2", email="x"), event("3", email="old@example.com"),
              event("4", eventName=DISALLOWED_EVENT)]
    got = iterable("POST", "/api/events/trackBulk", data={"events": events}).json
    assert (got["successCount"], got["failCount"]) == (1, 3)
    assert got["failedUpdates"] == {"invalidEmails": ["x"], "forgottenEmails": ["old@example.com"]}
    assert got["disallowedEventNames"] == [DISALLOWED_EVENT]
    assert [one.mark for one in control.ledger("iterable")] == ["1"]


@pytest.mark.parametrize(("path", "data", "code"), [
    ("/api/events/track", {"eventName": "x"}, "BadParams"),
    ("/api/events/track", {**ANN, "userId": "u", "eventName": "x"}, "BadParams"),
    ("/api/events/track", {"userId": "u ", "eventName": "x"}, "InvalidUserIdError"),
    ("/api/events/trackBulk", {"events": []}, "BadParams"),
    ("/api/events/trackBulk", {"events": [event()] * 1001}, "BatchTooLarge"),
    ("/api/lists/subscribe", {"listId": DYNAMIC_LIST, "subscribers": [ANN]}, "BadParams"),
    ("/api/workflows/triggerWorkflow", {**ANN, "workflowId": 1}, "BadParams"),
    ("/api/email/target", {"recipientEmail": "missing@example.com", "campaignId": MARKETING}, "UnknownEmailError"),
    ("/api/email/target", {"recipientUserId": "missing", "campaignId": MARKETING}, "UnknownUserIdError"),
])
def test_what_is_refused_has_a_named_code_and_no_effect(iterable, control, path, data, code):
    got = iterable("POST", path, data=data)
    assert (got.status, got.json["code"]) == (400, code)
    assert control.ledger("iterable") == []


def test_a_list_takes_a_user_once_and_unknown_ones_only_where_they_may_be_made(iterable, control):
    for only, count in ((True, 1), (False, 0), (False, 0)):
        body = {"listId": STATIC_LIST, "updateExistingUsersOnly": only, "subscribers": [ANN]}
        assert iterable("POST", "/api/lists/subscribe", data=body).json["failCount"] == count
    assert control.counts("iterable") == {"user.created": 1, "list.subscribed": 1}


@pytest.mark.parametrize(("campaign", "allow", "mails"), [
    (MARKETING, {"allowRepeatMarketingSends": False}, 1), (MARKETING, {}, 2),
    (TRANSACTIONAL, {"allowRepeatMarketingSends": False}, 2),
])
def test_only_marketing_campaigns_can_be_kept_from_going_out_twice(iterable, control, campaign, allow, mails):
    for _ in range(2):
        body = {"recipientEmail": "ann@example.com", "campaignId": campaign, **allow}
        assert iterable("POST", "/api/email/target", data=body).json["code"] == "Success"
    assert control.counts("iterable") == {"mail.sent": mails}


def test_a_journey_starts_each_time(iterable, control):
    for _ in range(2):
        iterable("POST", "/api/workflows/triggerWorkflow", data={**ANN, "workflowId": JOURNEY})
    assert control.counts("iterable") == {"journey.entered": 2}


def test_profiles_are_written_where_they_differ(iterable, control):
    for plan in ("gold", "gold", "silver"):
        iterable("POST", "/api/users/bulkUpdate", data={"users": [{**ANN, "dataFields": {"plan": plan}}]})
    assert control.counts("iterable") == {"user.created": 1, "user.updated": 1}


@pytest.mark.parametrize(("key", "method", "path", "status", "code"), [
    ("wrong", "GET", "/api/lists", 401, "BadApiKey"), (API_KEY, "GET", "/api/nothing", 404, "NotFound"),
])
def test_keys_and_paths_are_checked(caller, key, method, path, status, code):
    got = caller("iterable", Api_Key=key)(method, path)
    assert (got.status, got.json["code"]) == (status, code)


def test_a_body_that_is_no_json_object_is_refused(iterable):
    got = iterable("POST", "/api/users/update", body=b"[", Content_Type="application/json")
    assert (got.status, got.json["code"]) == (400, "BadJsonBody")
