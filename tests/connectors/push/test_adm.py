"""Amazon Device Messaging: every request, every answer that it is known to give."""

import pytest
from pydantic import ValidationError

from connectors.kit import Repeat
from connectors.kit.device import device_name
from connectors.push.adm import connector
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"client_id": "amzn1.application-oa2-client.1", "client_secret": "s&cret"}
PARAMS = {"title": "Stay", "body": "20 % off"}
FIRE, TABLET = "amzn1.adm-registration.v3.Y29t/1", "amzn1.adm-registration.v3.Y29t2"
PATH = "/messaging/registrations/amzn1.adm-registration.v3.Y29t%2F1/messages"


def push(answers, tokens=FIRE, **params):
    call = flows.call(connector, "send_push", settings=SETTINGS, params={**PARAMS, **params},
                      attributes={"push_endpoints_adm": tokens, "first_name": "Ann"})
    return flows.run(connector, "send_push", call, answers)


def taken(token=FIRE, request="r-1"):
    return answer(json={"registrationID": token}, headers={"X-Amzn-RequestId": request})


def refused(status, reason, **headers):
    return answer(status, {"reason": reason}, headers={"X-Amzn-RequestId": "r-9", **headers})


def test_a_message_goes_to_the_device_as_amazon_wants_it():
    ended = push([taken()])
    (request,) = ended.requests
    assert ended.lines == [f"POST {PATH}"]
    assert flows.json(request) == {
        "data": {"title": "Stay", "body": "20 % off"}, "consolidationKey": OUTCOME, "expiresAfter": 604_800,
        "priority": "normal"}
    signed = flows.sign(connector, SETTINGS, request)
    assert signed.url == f"https://api.amazon.com{PATH}"
    assert [flows.header(signed, name) for name in (
        "Content-Type", "Accept", "X-Amzn-Type-Version", "X-Amzn-Accept-Type")] == [
        "application/json", "application/json", "com.amazon.device.messaging.ADMMessage@1.0",
        "com.amazon.device.messaging.ADMSendResult@1.0"]
    assert request.effect
    assert (ended.done.reference, ended.done.note) == ("r-1", "accepted")


def test_all_that_a_message_can_hold_stands_in_the_data_that_the_app_reads():
    (request,) = push([taken()], image_url="https://img.example/1.png", deep_link="app://offer", priority="high",
                      expires_after=60, consolidation_key="offer", data={"who": "%first_name%", "x": "%y%"}).requests
    assert flows.json(request) == {
        "data": {"title": "Stay", "body": "20 % off", "image_url": "https://img.example/1.png",
                 "deep_link": "app://offer", "who": "Ann"},
        "consolidationKey": "offer", "expiresAfter": 60, "priority": "high"}


def test_each_device_gets_it_once_and_is_named_by_a_digest():
    ended = push([taken(), taken(TABLET, "r-2")], tokens=[FIRE, TABLET, FIRE])
    assert [one.step for one in ended.requests] == [f"device_{device_name(token)}" for token in (FIRE, TABLET)]
    assert ended.done.detail == {
        f"device.{device_name(FIRE)}": "sent", f"device.{device_name(FIRE)}.reference": "r-1",
        f"device.{device_name(TABLET)}": "sent", f"device.{device_name(TABLET)}.reference": "r-2"}


def test_a_repeat_is_the_same_request_so_that_amazon_can_consolidate_what_still_waits():
    assert push([taken()]).requests == push([taken()]).requests
    assert connector.actions["send_push"].repeat is Repeat.NEVER


def test_an_id_that_amazon_has_replaced_is_told_by_digests_and_never_in_clear():
    done = push([taken("new-id")]).done
    assert done.detail[f"device.{device_name(FIRE)}.replaced_by"] == device_name("new-id")
    assert "new-id" not in str(done)
    assert not [name for name in push([taken()]).done.detail if name.endswith("replaced_by")]


@pytest.mark.parametrize("reason", ["InvalidRegistrationId", "Unregistered"])
def test_an_id_that_is_gone_is_named_and_the_other_device_is_served(reason):
    ended = push([refused(400, reason), taken(TABLET)], tokens=[FIRE, TABLET])
    gone = device_name(FIRE)
    assert (ended.done.detail[f"device.{gone}"], ended.done.detail[f"device.{gone}.reason"]) == ("unregistered", reason)
    assert ended.done.detail["unregistered"] == gone


def test_where_all_ids_are_gone_the_outcome_is_unregistered():
    ended = push([refused(400, "Unregistered")])
    assert (ended.reason, ended.code) == ("rejected", "unregistered")
    assert device_name(FIRE) in ended.failure.message


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (refused(400, "InvalidData"), "rejected", "InvalidData"),
    (refused(400, "InvalidConsolidationKey"), "rejected", "InvalidConsolidationKey"),
    (refused(400, "InvalidExpiration"), "rejected", "InvalidExpiration"),
    (refused(400, "InvalidChecksum"), "rejected", "InvalidChecksum"),
    (refused(400, "InvalidType"), "rejected", "InvalidType"),
    (refused(401, "AccessTokenExpired"), "misconfigured", "AccessTokenExpired"),
    (answer(401), "misconfigured", "http_401"),
    (refused(413, "MessageTooLarge"), "rejected", "MessageTooLarge"),
    (refused(429, "MaxRateExceeded"), "unavailable", "MaxRateExceeded"),
    (refused(500, "InternalServerError"), "unavailable", "InternalServerError"),
    (refused(503, "ServiceUnavailable"), "unavailable", "ServiceUnavailable"),
    (answer(502), "unavailable", "http_502"), (answer(504), "unavailable", "http_504"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    ended = push([refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_the_request_id_that_amazons_support_asks_for_is_kept_with_a_failure():
    assert push([refused(400, "InvalidData")]).failure.request_id == "r-9"


@pytest.mark.parametrize(("status", "unknown", "throttled"), [
    (429, False, True), (500, True, False), (503, False, False),
])
def test_amazon_is_given_the_time_that_it_asks_for(status, unknown, throttled):
    failure = push([refused(status, "X", **{"Retry-After": "7"})]).failure
    assert (failure.retry_after, failure.unknown, failure.throttled) == (7.0, unknown, throttled)
    dated = {"Retry-After": "Fri, 15 Jan 2027 08:00:07 GMT", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    assert push([refused(status, "X", **dated)]).failure.retry_after == 7.0


def test_a_user_without_a_device_is_told_before_any_request():
    for tokens in (None, "", []):
        assert push([], tokens=tokens).failure.names == ("push_endpoints_adm",)


def test_a_message_that_is_too_large_is_sent_to_nobody_and_bytes_count_not_letters():
    longest = (6144 - len('{"title":"Stay","body":""}')) // 2
    assert push([taken()], body="é" * longest).done
    large = push([], body="é" * (longest + 1), tokens=[FIRE, TABLET])
    assert (large.requests, large.reason, large.code) == ((), "rejected", "payload_too_large")


@pytest.mark.parametrize("params", [
    {"title": ""}, {"body": ""}, {"expires_after": 59}, {"expires_after": 2_678_401}, {"priority": "HIGH"},
    {"consolidation_key": "x" * 65}, {"data": {"title": "x"}}, {"md5": "x"},
])
def test_parameters_that_amazon_would_refuse_are_refused_when_they_are_entered(params):
    with pytest.raises(ValidationError):
        push([], **params)


# -- settings, token, check


@pytest.mark.parametrize(("wrong", "place"), [
    ({"client_id": ""}, "client_id"), ({"client_secret": ""}, "client_secret"),
    ({"base_url": "https://api.example.com"}, "base_url"), ({"base_url": "http://api.amazon.com"}, "base_url"),
    ({"base_url": "http://127.0.0.1:1"}, "base_url"),
])
def test_mistakes_in_settings_are_found_where_they_are(wrong, place):
    with pytest.raises(ValidationError) as found:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [error["loc"][0] for error in found.value.errors()] == [place]


def token(answers):
    settings = connector.settings.model_validate(SETTINGS)
    return flows.drive(connector.tokens[""](settings, NOW), answers, connector.read)


def test_the_token_is_asked_for_as_amazon_wants_it_and_goes_into_the_header():
    run = token([answer(json={"access_token": "T", "expires_in": 3600, "token_type": "bearer"})])
    (request,) = run.requests
    assert run.lines == ["POST https://api.amazon.com/auth/O2/token"]
    assert flows.form(request) == [
        ("grant_type", "client_credentials"), ("client_id", SETTINGS["client_id"]), ("client_secret", "s&cret"),
        ("scope", "messaging:push")]
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert (run.done.value, run.done.expires_at) == ("T", NOW + 3300)
    signed = flows.sign(connector, SETTINGS, push([taken()]).requests[0], token=run.done)
    assert flows.header(signed, "Authorization") == "Bearer T"


def test_a_refused_token_request_says_why():
    run = token([answer(400, {"error": "invalid_client", "error_description": "Client authentication failed"})])
    assert (run.code, run.failure.message) == ("invalid_client", "Client authentication failed")


def check(answers):
    return flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), answers, connector.read)


def test_the_connection_test_reaches_nobody_and_trusts_a_complaint_about_the_device():
    ended = check([refused(400, "InvalidRegistrationId")])
    assert ended.lines == ["POST /messaging/registrations/prompt-actions-connection-test/messages"]
    assert (ended.requests[0].effect, ended.done.name) == (False, SETTINGS["client_id"])
    assert check([refused(401, "InvalidAccessToken")]).reason == "misconfigured"
