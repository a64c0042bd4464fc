"""The emulated push service of Apple behaves as its card says: tokens, headers, sizes, collapse ids."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from testkit.vendors.apns import BUNDLE_ID, KEY_ID, TEAM_ID, token_key

PHONE = "a1" * 32
HEADERS = {"apns_topic": BUNDLE_ID, "apns_push_type": "alert", "apns_priority": "10"}
BODY = {"aps": {"alert": {"title": "t"}}}


def token(*, age=0, key=None, kid=KEY_ID, iss=TEAM_ID):
    claims = {"iss": iss, "iat": int(time.time()) - age}
    return jwt.encode(claims, key or token_key(), algorithm="ES256", headers={"kid": kid})


@pytest.fixture
def push(caller):
    call = caller("apns", authorization=f"bearer {token()}")

    def send(device=PHONE, data=BODY, **headers):
        given = {name: value for name, value in {**HEADERS, **headers}.items() if value is not None}
        return call("POST", f"/3/device/{device}", data=data, **given)

    return send


def test_a_notification_is_taken_and_its_id_echoed(push, control):
    own = "0a1b2c3d-0000-4000-8000-000000000001"
    got = push(apns_id=own)
    assert (got.status, got.headers["apns-id"], got.body) == (200, own, b"")
    assert control.counts("apns") == {"notification.sent": 1}


def test_the_same_collapse_id_replaces_and_none_adds(push, control):
    for collapse in ("x", "x", None, None):
        push(apns_collapse_id=collapse)
    assert control.counts("apns") == {"notification.sent": 3, "notification.replaced": 1}
    assert len(control.state("apns")["devices"][PHONE]) == 3


@pytest.mark.parametrize(("headers", "reason"), [
    ({"apns_topic": None}, "MissingTopic"), ({"apns_topic": "com.other"}, "TopicDisallowed"),
    ({"apns_push_type": "loud"}, "InvalidPushType"), ({"apns_priority": "7"}, "BadPriority"),
    ({"apns_push_type": "background"}, "BadPriority"), ({"apns_expiration": "soon"}, "BadExpirationDate"),
    ({"apns_collapse_id": "x" * 65}, "BadCollapseId"), ({"apns_id": "1"}, "BadMessageId"),
    ({"data": {}}, "PayloadEmpty"), ({"device": "dead" * 16}, "Unregistered"), ({"device": "xyz"}, "BadDeviceToken"),
    ({"data": {"aps": {"alert": "x" * 4096}}}, "PayloadTooLarge"),
])
def test_what_apple_refuses_is_refused_with_its_reason(push, control, headers, reason):
    assert push(**headers).json["reason"] == reason
    assert control.ledger("apns") == []


def test_a_device_that_is_gone_says_since_when(push, control):
    control.seed("apns", "gone", token=PHONE)
    got = push()
    assert (got.status, got.json["reason"]) == (410, "Unregistered")
    assert got.json["timestamp"] < time.time() * 1000


@pytest.mark.parametrize(("more", "reason"), [
    ({"age": 3700}, "ExpiredProviderToken"), ({"kid": "OTHER"}, "InvalidProviderToken"),
    ({"iss": "OTHER"}, "InvalidProviderToken"),
    ({"key": ec.generate_private_key(ec.SECP256R1())}, "InvalidProviderToken"),
])
def test_a_provider_token_that_is_wrong_is_refused(caller, more, reason):
    got = caller("apns", authorization=f"bearer {token(**more)}")("POST", f"/3/device/{PHONE}", data=BODY)
    assert (got.status, got.json["reason"]) == (403, reason)


def test_unknown_paths_and_methods_have_reasons_of_their_own(caller):
    call = caller("apns", authorization=f"bearer {token()}")
    assert call("GET", f"/3/device/{PHONE}").json["reason"] == "MethodNotAllowed"
    assert call("POST", "/2/device").json["reason"] == "BadPath"
    assert caller("apns")("POST", "/3/device/a1").json["reason"] == "MissingProviderToken"
