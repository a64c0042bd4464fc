"""The emulated Firebase behaves as its card says: assertions, strict messages, tags that replace, tokens by rule."""

import time

import jwt
import pytest

from testkit.vendors import google_account
from testkit.vendors.fcm import SCOPE

SEND = f"/v1/projects/{google_account.PROJECT}/messages:send"
SHOWN = {"notification": {"title": "t"}, "android": {"notification": {"tag": "x"}}}


def assertion(**more):
    now = int(time.time())
    claims = {"iss": google_account.EMAIL, "scope": SCOPE, "aud": google_account.TOKEN_URI, "iat": now,
              "exp": now + 3600, **more}
    return {"grant_type": google_account.GRANT, "assertion": jwt.encode(claims, google_account.key(), "RS256")}


@pytest.fixture
def fcm(caller):
    got = caller("fcm")("POST", "/token", form=assertion())
    return caller("fcm", Authorization=f"Bearer {got.json['access_token']}")


def send(fcm, **message):
    return fcm("POST", SEND, data={"message": {"token": "phone", **message}})


@pytest.mark.parametrize(("form", "error"), [
    (assertion(iss="x"), "invalid_grant"), (assertion(aud="x"), "invalid_grant"), (assertion(exp=1), "invalid_grant"),
    (assertion(exp=int(time.time()) + 7300), "invalid_grant"), (assertion(scope="x"), "invalid_scope"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
])
def test_a_token_is_given_for_a_good_assertion_only(caller, form, error):
    got = caller("fcm")("POST", "/token", form=form)
    assert (got.status, got.json["error"]) == (400, error)


def test_a_tag_replaces_what_is_shown_and_data_reaches_the_app_each_time(fcm, control):
    for message in (SHOWN, SHOWN, {"data": {"a": "b"}}, {"data": {"a": "b"}}):
        assert send(fcm, **message).status == 200
    assert control.counts("fcm") == {"notification.sent": 1, "notification.replaced": 1, "data.sent": 2}


def test_what_is_only_judged_reaches_nobody(fcm, control):
    got = fcm("POST", SEND, data={"validateOnly": True, "message": {"topic": "t"}})
    assert got.json["name"].endswith("/fake_message_id")
    assert control.ledger("fcm") == []


@pytest.mark.parametrize(("message", "status", "code"), [
    ({"token": "gone-1"}, 404, "UNREGISTERED"), ({"token": "other-1"}, 403, "SENDER_ID_MISMATCH"),
    ({"token": "nokey-1"}, 401, "THIRD_PARTY_AUTH_ERROR"), ({"token": "invalid"}, 400, "INVALID_ARGUMENT"),
    ({"topic": "t"}, 400, "INVALID_ARGUMENT"), ({"data": {"a": 1}}, 400, "INVALID_ARGUMENT"),
    ({"data": {"google.a": "x"}}, 400, "INVALID_ARGUMENT"), ({"titel": "x"}, 400, "INVALID_ARGUMENT"),
    ({"data": {"a": "x" * 4096}}, 400, "INVALID_ARGUMENT"),
])
def test_what_google_refuses_is_refused_with_fcms_code(fcm, control, message, status, code):
    got = send(fcm, **message)
    assert (got.status, got.json["error"]["details"][0]["errorCode"]) == (status, code)
    assert control.ledger("fcm") == []


def test_another_project_and_an_ended_token_are_refused(fcm, caller, control):
    assert fcm("POST", "/v1/projects/another/messages:send", data={}).status == 403
    assert caller("fcm", Authorization="Bearer x")("POST", SEND, data={}).status == 401
    control.advance(3601)
    assert send(fcm).status == 401
