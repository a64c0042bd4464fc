"""Apple's push service: every request, every answer that it is known to give."""

from uuid import UUID, uuid5

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from connectors.kit import Repeat
from connectors.kit.device import device_name
from connectors.push.apns import connector
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer
from testkit.vendors.apns import KEY, token_key

SETTINGS = {"bundle_id": "com.example.app", "team_id": "TEAM123456", "token_key": token_key(),
            "token_key_id": "KEY1234567"}
PARAMS = {"title": "Stay", "body": "20 % off"}
PHONE, TABLET = "a1" * 32, "b2" * 32
IDS = {token: str(uuid5(UUID(OUTCOME), token)) for token in (PHONE, TABLET)}


def push(answers, tokens=PHONE, **params):
    call = flows.call(connector, "send_push", settings=SETTINGS, params={**PARAMS, **params},
                      attributes={"push_endpoints_apns": tokens, "first_name": "Ann"})
    return flows.run(connector, "send_push", call, answers)


def taken(token=PHONE):
    return answer(headers={"apns-id": IDS[token]})


def refused(status, reason, **more):
    return answer(status, {"reason": reason, **more})


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_an_alert_goes_to_the_device_with_the_headers_that_apple_wants():
    ended = push([taken()])
    (request,) = ended.requests
    assert ended.lines == [f"POST /3/device/{PHONE}"]
    assert dict(request.headers) == {
        "apns-topic": "com.example.app", "apns-push-type": "alert", "apns-priority": "10",
        "apns-expiration": str(int(NOW) + 86_400), "apns-collapse-id": OUTCOME, "apns-id": IDS[PHONE],
    }
    assert flows.json(request) == {"aps": {"alert": {"title": "Stay", "body": "20 % off"}, "sound": "default"}}
    assert (request.effect, request.kept, request.query) == (True, True, ())
    assert request.step == f"device_{device_name(PHONE)}"
    assert (ended.done.reference, ended.done.note) == (IDS[PHONE], "accepted")


def test_all_that_a_notification_can_hold_stands_where_apple_looks_for_it():
    (request,) = push([taken()], subtitle="Today", deep_link="app://offer", image_url="https://img.example/1.png",
                      sound="", badge=0, ttl_seconds=0, collapse_id="offer-1",
                      data={"who": "%first_name%", "gone": "%nothing%"}).requests
    assert flows.json(request) == {
        "aps": {"alert": {"title": "Stay", "subtitle": "Today", "body": "20 % off"}, "badge": 0, "mutable-content": 1},
        "deep_link": "app://offer", "image_url": "https://img.example/1.png", "who": "Ann",
    }
    assert (request.headers["apns-expiration"], request.headers["apns-collapse-id"]) == ("0", "offer-1")


def test_a_silent_notification_wakes_the_app_with_its_data_alone():
    (request,) = push([taken()], silent=True, data={"k": "v"}, image_url="https://img.example/1.png").requests
    assert flows.json(request) == {"aps": {"content-available": 1}, "k": "v"}
    assert (request.headers["apns-push-type"], request.headers["apns-priority"]) == ("background", "5")


def test_each_device_gets_it_once_under_an_id_of_its_own():
    ended = push([taken(), taken(TABLET)], tokens=[PHONE, TABLET, PHONE.upper()])
    assert ended.lines == [f"POST /3/device/{PHONE}", f"POST /3/device/{TABLET}"]
    assert [one.headers["apns-id"] for one in ended.requests] == [IDS[PHONE], IDS[TABLET]]
    assert len({one.body for one in ended.requests}) == 1
    assert ended.done.detail == {
        f"device.{device_name(PHONE)}": "sent", f"device.{device_name(PHONE)}.reference": IDS[PHONE],
        f"device.{device_name(TABLET)}": "sent", f"device.{device_name(TABLET)}.reference": IDS[TABLET],
    }


def test_a_repeat_is_the_same_request_so_that_it_replaces_the_first_on_the_device():
    assert push([taken()]).requests == push([taken()]).requests
    assert connector.actions["send_push"].repeat is Repeat.NEVER


@pytest.mark.parametrize(("status", "reason"), [
    (400, "BadDeviceToken"), (400, "DeviceTokenNotForTopic"), (410, "Unregistered"), (410, "ExpiredToken"),
])
def test_a_token_that_is_gone_is_named_and_the_other_device_is_served(status, reason):
    ended = push([refused(status, reason), taken(TABLET)], tokens=[PHONE, TABLET])
    gone = device_name(PHONE)
    assert (ended.done.detail[f"device.{gone}"], ended.done.detail[f"device.{gone}.reason"]) == ("unregistered", reason)
    assert (ended.done.detail["unregistered"], ended.done.reference) == (gone, IDS[TABLET])
    assert PHONE not in str(ended.done)


def test_since_when_a_token_is_gone_is_told_for_one_may_have_come_back_since():
    gone = push([refused(410, "Unregistered", timestamp=1_799_999_999_000), taken(TABLET)], tokens=[PHONE, TABLET])
    assert gone.done.detail[f"device.{device_name(PHONE)}.since"] == "2027-01-15T07:59:59Z"


def test_a_410_is_believed_without_a_reason():
    ended = push([answer(410)])
    assert (ended.reason, ended.code) == ("rejected", "unregistered")
    assert "http_410" in ended.failure.message


def test_where_all_tokens_are_gone_the_outcome_is_unregistered():
    ended = push([refused(410, "Unregistered"), refused(400, "BadDeviceToken")], tokens=[PHONE, TABLET])
    assert (ended.reason, ended.code) == ("rejected", "unregistered")
    assert all(device_name(token) in ended.failure.message for token in (PHONE, TABLET))


@pytest.mark.parametrize("token", ["../../etc", "a1b", "zz" * 32, "a1" * 101])
def test_what_is_no_device_token_is_reported_without_a_request(token):
    ended = push([taken()], tokens=[token, PHONE])
    assert ended.lines == [f"POST /3/device/{PHONE}"]
    assert ended.done.detail[f"device.{device_name(token)}.reason"] == "not_hexadecimal"


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (refused(400, "BadTopic"), "misconfigured", "BadTopic"),
    (refused(400, "MissingTopic"), "misconfigured", "MissingTopic"),
    (refused(400, "TopicDisallowed"), "misconfigured", "TopicDisallowed"),
    (refused(400, "BadCollapseId"), "rejected", "BadCollapseId"),
    (refused(400, "BadExpirationDate"), "rejected", "BadExpirationDate"),
    (refused(400, "BadMessageId"), "rejected", "BadMessageId"),
    (refused(400, "BadPriority"), "rejected", "BadPriority"),
    (refused(400, "InvalidPushType"), "rejected", "InvalidPushType"),
    (refused(400, "DuplicateHeaders"), "rejected", "DuplicateHeaders"),
    (refused(400, "PayloadEmpty"), "rejected", "PayloadEmpty"),
    (refused(400, "MissingDeviceToken"), "rejected", "MissingDeviceToken"),
    (refused(400, "IdleTimeout"), "unavailable", "IdleTimeout"),
    (refused(403, "InvalidProviderToken"), "misconfigured", "InvalidProviderToken"),
    (refused(403, "MissingProviderToken"), "misconfigured", "MissingProviderToken"),
    (refused(403, "Forbidden"), "misconfigured", "Forbidden"),
    (refused(403, "BadCertificateEnvironment"), "misconfigured", "BadCertificateEnvironment"),
    (refused(403, "BadEnvironmentKeyInToken"), "misconfigured", "BadEnvironmentKeyInToken"),
    (answer(403), "misconfigured", "http_403"),
    (refused(404, "BadPath"), "rejected", "BadPath"),
    (refused(405, "MethodNotAllowed"), "rejected", "MethodNotAllowed"),
    (refused(413, "PayloadTooLarge"), "rejected", "PayloadTooLarge"),
    (refused(429, "TooManyRequests"), "unavailable", "TooManyRequests"),
    (refused(429, "TooManyProviderTokenUpdates"), "unavailable", "TooManyProviderTokenUpdates"),
    (refused(500, "InternalServerError"), "unavailable", "InternalServerError"),
    (refused(503, "Shutdown"), "unavailable", "Shutdown"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    ended = push([refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_only_an_answer_that_leaves_it_open_is_of_unknown_outcome():
    unknown = {reason: push([refused(status, reason)]).failure.unknown for status, reason in [
        (500, "InternalServerError"), (503, "ServiceUnavailable"), (429, "TooManyRequests"), (400, "IdleTimeout")]}
    assert unknown == {"InternalServerError": True, "ServiceUnavailable": False, "TooManyRequests": False,
                       "IdleTimeout": False}


def test_one_busy_device_does_not_slow_down_all_calls_but_too_many_tokens_do():
    assert not push([refused(429, "TooManyRequests")]).failure.throttled
    assert push([refused(429, "TooManyProviderTokenUpdates")]).failure.throttled


def test_an_expired_provider_token_asks_for_a_new_one_and_other_403s_do_not():
    assert push([refused(403, "ExpiredProviderToken")]).failure.stale_token
    assert not push([refused(403, "InvalidProviderToken")]).failure.stale_token


def test_the_id_by_which_apple_knows_the_request_is_kept_with_a_failure():
    ended = push([answer(400, {"reason": "BadPriority"}, headers={"apns-id": "X"})])
    assert ended.failure.request_id == "X"


def test_a_user_without_a_device_is_told_before_any_request():
    for tokens in (None, "", []):
        assert push([], tokens=tokens).failure.names == ("push_endpoints_apns",)


def test_a_notification_that_is_too_large_is_sent_to_nobody_and_bytes_count_not_letters():
    fits = push([taken()], body="é" * 2015).requests[0].body
    longest = 2015 + (4096 - len(fits)) // 2
    assert len(push([taken()], body="é" * longest).requests[0].body) in (4095, 4096)
    large = push([], body="é" * (longest + 1), tokens=[PHONE, TABLET])
    assert (large.requests, large.reason, large.code) == ((), "rejected", "payload_too_large")


def test_a_notification_is_written_without_escapes():
    assert "Café ☕".encode() in push([taken()], title="Café ☕").requests[0].body


@pytest.mark.parametrize("params", [
    {"title": ""}, {"body": ""}, {"badge": -1}, {"ttl_seconds": -1}, {"collapse_id": "x" * 65}, {"collapse_id": "é"},
    {"collapse_id": "a b"}, {"data": {"aps": "x"}}, {"data": {"deep_link": "x"}}, {"sounds": "x"},
])
def test_parameters_that_apple_would_refuse_are_refused_when_they_are_entered(params):
    with pytest.raises(ValidationError):
        push([], **params)


# -- settings, signing, token, check


@pytest.mark.parametrize(("wrong", "place"), [
    ({"token_key": "MIGH..."}, "token_key"),
    ({"token_key": pem(ec.generate_private_key(ec.SECP384R1()))}, "token_key"),
    ({"token_key": pem(rsa.generate_private_key(65537, 2048))}, "token_key"),
    ({"team_id": "short"}, "team_id"), ({"token_key_id": "KEY123456"}, "token_key_id"),
    ({"bundle_id": "com.example app"}, "bundle_id"), ({"environment": "sandbox"}, "environment"),
    ({"base_url": "https://push.example.com"}, "base_url"), ({"base_url": "http://api.push.apple.com"}, "base_url"),
    ({"base_url": "http://127.0.0.1:1"}, "base_url"),
])
def test_mistakes_in_settings_are_found_where_they_are_without_repeating_the_key(wrong, place):
    with pytest.raises(ValidationError) as found:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [error["loc"][0] for error in found.value.errors()] == [place]
    assert "MIGH" not in str(found.value)


@pytest.mark.parametrize(("more", "url"), [
    ({}, "https://api.push.apple.com/3/device/x"),
    ({"environment": "development"}, "https://api.sandbox.push.apple.com/3/device/x"),
    ({"base_url": "https://api.push.apple.com:2197/"}, "https://api.push.apple.com:2197/3/device/x"),
    ({"base_url": "http://localhost:1/apns", "allow_test_hosts": True}, "http://localhost:1/apns/3/device/x"),
])
def test_the_environment_or_an_address_says_where_to(more, url):
    (request,) = push([taken()]).requests
    assert flows.sign(connector, {**SETTINGS, **more}, request._replace(path="/3/device/x")).url == url


def provider_token(now=NOW):
    settings = connector.settings.model_validate(SETTINGS)
    return flows.drive(connector.tokens[""](settings, now)).done


def test_the_provider_token_is_signed_here_and_lives_between_20_and_60_minutes():
    made = provider_token()
    assert jwt.get_unverified_header(made.value) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}
    assert jwt.decode(made.value, KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False}) == {
        "iss": "TEAM123456", "iat": int(NOW)}
    assert made.expires_at == NOW + 40 * 60


def test_requests_carry_the_token_in_lower_case_and_no_header_that_http_2_forbids():
    (request,) = push([taken()]).requests
    signed = flows.sign(connector, SETTINGS, request, token=provider_token())
    assert flows.header(signed, "authorization").startswith("bearer ey")
    names = [line.partition(":")[0] for line in signed.headers]
    assert names == [name.lower() for name in names]
    assert not {"connection", "host", "content-type", "transfer-encoding"} & set(names)


def check(answers, **more):
    settings = connector.settings.model_validate({**SETTINGS, **more})
    return flows.drive(connector.check(settings), answers, connector.read)


def test_the_connection_test_reaches_nobody_and_trusts_a_complaint_about_the_device():
    ended = check([refused(400, "BadDeviceToken")])
    assert ended.lines == ["POST /3/device/" + "0" * 64]
    assert (ended.requests[0].effect, ended.done) == (False, ("com.example.app", "live"))
    assert check([refused(400, "BadDeviceToken")], environment="development").done.mode == "sandbox"


@pytest.mark.parametrize("refusal", [refused(403, "InvalidProviderToken"), refused(400, "TopicDisallowed")])
def test_the_connection_test_tells_wrong_settings(refusal):
    ended = check([refusal])
    assert ended.reason == "misconfigured"
    assert ended.failure.message
