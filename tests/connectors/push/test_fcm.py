"""Firebase Cloud Messaging: every request, every answer that it is known to give."""

import pytest
from pydantic import ValidationError

from connectors.kit import Repeat
from connectors.kit.device import device_name
from connectors.push.fcm import connector
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer
from testkit.vendors import google_account
from testkit.vendors.fcm import BAD_REQUEST, FCM_ERROR

SETTINGS = {"service_account_json": google_account.key_file()}
PARAMS = {"title": "Stay", "body": "20 % off"}
PHONE, TABLET = "cX1:APA91b-phone_1", "dY2:APA91b-tablet_2"
TAKEN = "projects/emulated-shop/messages/0:1"


def push(answers, tokens=PHONE, name="push_endpoints_fcm", **params):
    call = flows.call(connector, "send_push", settings=SETTINGS, params={**PARAMS, **params},
                      attributes={name: tokens, "first_name": "Ann", "age": 30})
    return flows.run(connector, "send_push", call, answers)


def taken(name=TAKEN):
    return answer(json={"name": name})


def refused(status, word, code="", *, field="", message="why", headers=None):
    details = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    if field:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": "bad"}]})
    return answer(status, {"error": {"code": status, "message": message, "status": word, "details": details}},
                  headers=headers)


GONE = refused(404, "NOT_FOUND", "UNREGISTERED")


def test_a_notification_goes_to_the_device_as_firebase_wants_it():
    ended = push([taken()])
    (request,) = ended.requests
    assert ended.lines == ["POST /messages:send"]
    assert flows.json(request) == {"message": {
        "token": PHONE, "notification": {"title": "Stay", "body": "20 % off"}, "data": {"promo_id": "p-1"},
        "android": {"priority": "HIGH", "ttl": "86400s", "notification": {"tag": OUTCOME}},
        "apns": {"headers": {"apns-collapse-id": OUTCOME}, "payload": {"aps": {"sound": "default"}}},
    }}
    assert dict(request.headers) == {"Content-Type": "application/json"}
    assert (request.effect, request.kept) == (True, True)
    assert (ended.done.reference, ended.done.note) == (TAKEN, "accepted")


def test_all_that_a_message_can_hold_stands_where_firebase_looks_for_it():
    (request,) = push([taken()], image_url="https://img.example/1.png", deep_link="app://offer", priority="NORMAL",
                      ttl_seconds=0, collapse_key="offer", channel_id="offers",
                      data={"who": "%first_name%", "age": "%age%", "gone": "%nothing%"}).requests
    assert flows.json(request)["message"] == {
        "token": PHONE, "notification": {"title": "Stay", "body": "20 % off", "image": "https://img.example/1.png"},
        "data": {"deep_link": "app://offer", "promo_id": "p-1", "who": "Ann", "age": "30"},
        "android": {"priority": "NORMAL", "ttl": "0s", "collapseKey": "offer",
                    "notification": {"channelId": "offers", "tag": OUTCOME}},
        "apns": {"headers": {"apns-collapse-id": "offer"}, "payload": {"aps": {"sound": "default"}}},
    }


def test_a_data_message_shows_nothing():
    (request,) = push([taken()], silent=True, deep_link="app://offer").requests
    assert flows.json(request) == {"message": {
        "token": PHONE, "data": {"deep_link": "app://offer", "promo_id": "p-1"},
        "android": {"priority": "NORMAL", "ttl": "86400s"}}}


@pytest.mark.parametrize("params", [{}, {"silent": True}, {
    "image_url": "https://img.example/1.png", "deep_link": "x", "collapse_key": "k", "channel_id": "c",
    "data": {"a": "b"}}])
def test_requests_are_what_the_vendors_description_asks_for(params):
    found = specs.load_discovery("fcm")
    if found is None:
        pytest.skip("no specifications beside the project")
    assert found.problems("SendMessageRequest", flows.json(push([taken()], **params).requests[0])) == []
    assert found.problems("SendMessageRequest", flows.json(check([taken()]).requests[0])) == []


def test_each_device_gets_it_once_and_old_names_of_the_attribute_count():
    ended = push([taken("m1"), taken("m2")], tokens=[PHONE, TABLET, PHONE], name="push_endpoints_gcm")
    assert [flows.json(one)["message"]["token"] for one in ended.requests] == [PHONE, TABLET]
    assert [one.step for one in ended.requests] == [f"device_{device_name(token)}" for token in (PHONE, TABLET)]
    assert ended.done.detail[f"device.{device_name(TABLET)}.reference"] == "m2"
    assert PHONE not in str(ended.done)


def test_a_repeat_is_the_same_request_so_that_it_replaces_the_first_on_the_device():
    assert push([taken()]).requests == push([taken()]).requests
    assert connector.actions["send_push"].repeat is Repeat.NEVER


@pytest.mark.parametrize(("refusal", "reason"), [
    (GONE, "UNREGISTERED"), (refused(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "SENDER_ID_MISMATCH"),
    (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.token"), "INVALID_ARGUMENT"),
    (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT",
             message="The registration token is not a valid FCM registration token"), "INVALID_ARGUMENT"),
])
def test_a_token_that_is_gone_is_named_and_the_other_device_is_served(refusal, reason):
    ended = push([refusal, taken()], tokens=[PHONE, TABLET])
    gone = device_name(PHONE)
    assert (ended.done.detail[f"device.{gone}"], ended.done.detail[f"device.{gone}.reason"]) == ("unregistered", reason)
    assert (ended.done.detail["unregistered"], ended.done.reference) == (gone, TAKEN)


def test_where_all_tokens_are_gone_the_outcome_is_unregistered():
    ended = push([GONE, GONE], tokens=[PHONE, TABLET])
    assert (ended.reason, ended.code) == ("rejected", "unregistered")
    assert all(device_name(token) in ended.failure.message for token in (PHONE, TABLET))


def test_a_wrong_apple_key_of_the_project_spoils_apple_devices_only_and_no_token_is_dropped_for_it():
    wrong_key = refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")
    mixed = push([wrong_key, taken()], tokens=[PHONE, TABLET]).done
    assert (mixed.detail[f"device.{device_name(PHONE)}"], "unregistered" in mixed.detail) == ("refused", False)
    alone = push([wrong_key])
    assert (alone.reason, alone.code) == ("rejected", "THIRD_PARTY_AUTH_ERROR")


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), "rejected", "INVALID_ARGUMENT"),
    (refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.data"), "rejected", "INVALID_ARGUMENT"),
    (refused(401, "UNAUTHENTICATED"), "misconfigured", "UNAUTHENTICATED"),
    (refused(403, "PERMISSION_DENIED"), "misconfigured", "PERMISSION_DENIED"),
    (refused(404, "NOT_FOUND"), "rejected", "NOT_FOUND"),
    (refused(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "unavailable", "QUOTA_EXCEEDED"),
    (refused(500, "INTERNAL", "INTERNAL"), "unavailable", "INTERNAL"),
    (refused(503, "UNAVAILABLE", "UNAVAILABLE"), "unavailable", "UNAVAILABLE"),
    (answer(502, body=b"<html>"), "unavailable", "http_502"), (answer(504), "unavailable", "http_504"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    ended = push([refusal])
    assert (ended.reason, ended.code) == (reason, code)


@pytest.mark.parametrize(("status", "header", "wait"), [
    (429, None, 60.0), (429, "7", 7.0), (500, None, 10.0), (503, None, 10.0), (503, "0", 0.0),
])
def test_google_is_given_the_time_that_it_asks_for(status, header, wait):
    failure = push([refused(status, "X", headers={"Retry-After": header} if header else None)]).failure
    assert (failure.retry_after, failure.throttled, failure.unknown) == (wait, status == 429, status == 500)


def test_a_user_without_a_device_is_told_before_any_request():
    assert push([], tokens=None).failure.names == ("push_endpoints_fcm", "push_endpoints_gcm")
    assert push([], tokens=[]).failure.names == ("push_endpoints_fcm", "push_endpoints_gcm")


def test_a_message_that_is_too_large_is_sent_to_nobody_and_bytes_count_not_letters():
    other = len("title" "Stay" "body" "promo_id" "p-1")
    longest = (4096 - other) // 2
    assert push([taken()], body="é" * longest).done
    large = push([], body="é" * (longest + 1), tokens=[PHONE, TABLET])
    assert (large.requests, large.reason, large.code) == ((), "rejected", "payload_too_large")


@pytest.mark.parametrize("params", [
    {"title": ""}, {"body": ""}, {"ttl_seconds": 2_419_201}, {"priority": "low"}, {"collapse_key": "a b"},
    {"data": {"from": "x"}}, {"data": {"google.x": "x"}}, {"data": {"gcm.x": "x"}}, {"data": {"deep_link": "x"}},
    {"data": {"message_type": "x"}}, {"data": {"gcm": "x"}}, {"data": {"promo_id": "x"}},
])
def test_parameters_that_google_would_refuse_are_refused_when_they_are_entered(params):
    with pytest.raises(ValidationError):
        push([], **params)


# -- settings, signing, token, check


@pytest.mark.parametrize(("wrong", "place"), [
    ({"service_account_json": "AIzaSecret"}, "service_account_json"),
    ({"service_account_json": google_account.key_file(private_key="AIzaSecret")}, "service_account_json"),
    ({"service_account_json": google_account.key_file(type="authorized_user")}, "service_account_json"),
    ({"base_url": "https://fcm.example.com"}, "base_url"), ({"base_url": "http://fcm.googleapis.com"}, "base_url"),
    ({"token_url": "https://oauth2.example.com/token"}, "token_url"),
    ({"token_url": "https://oauth2.googleapis.com/other"}, "token_url"),
    ({"token_url": "http://127.0.0.1:1/token"}, "token_url"),
])
def test_mistakes_in_settings_are_found_where_they_are_without_repeating_the_key(wrong, place):
    with pytest.raises(ValidationError) as found:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [error["loc"][0] for error in found.value.errors()] == [place]
    assert "AIza" not in str(found.value)


@pytest.mark.parametrize(("more", "url"), [
    ({}, "https://fcm.googleapis.com/v1/projects/emulated-shop/messages:send"),
    ({"base_url": "http://localhost:1/fcm/", "allow_test_hosts": True},
     "http://localhost:1/fcm/v1/projects/emulated-shop/messages:send"),
])
def test_the_project_of_the_key_file_says_where_to(more, url):
    (request,) = push([taken()]).requests
    assert flows.sign(connector, {**SETTINGS, **more}, request).url == url


def test_the_token_is_asked_for_once_with_the_least_right_and_goes_into_the_header():
    settings = connector.settings.model_validate(SETTINGS)
    run = flows.drive(connector.tokens[""](settings, NOW), [answer(json={"access_token": "T", "expires_in": 3600})])
    assert run.lines == ["POST https://oauth2.googleapis.com/token"]
    assert (run.done.value, run.done.expires_at) == ("T", NOW + 3300)
    signed = flows.sign(connector, SETTINGS, push([taken()]).requests[0], token=run.done)
    assert flows.header(signed, "Authorization") == "Bearer T"


def test_a_refused_token_request_says_why():
    read = connector.read(None, answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT"}))
    assert (read.code, read.message) == ("invalid_grant", "Invalid JWT")


def check(answers):
    return flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), answers, connector.read)


def test_the_connection_test_has_a_message_judged_that_reaches_nobody():
    ended = check([taken("projects/emulated-shop/messages/fake_message_id")])
    body = flows.json(ended.requests[0])
    assert (ended.lines, body["validateOnly"]) == (["POST /messages:send"], True)
    assert "token" not in body["message"]
    assert (ended.requests[0].effect, ended.done) == (False, ("emulated-shop", "live"))
    assert check([refused(403, "PERMISSION_DENIED")]).reason == "misconfigured"
