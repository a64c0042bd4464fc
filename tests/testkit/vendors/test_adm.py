"""The emulated Amazon Device Messaging behaves as its card says: tokens, versions, sizes, consolidation."""

import pytest

from testkit.vendors.adm import ACCEPTED, CLIENT_ID, CLIENT_SECRET, VERSION

GRANT = {"grant_type": "client_credentials", "scope": "messaging:push", "client_id": CLIENT_ID,
         "client_secret": CLIENT_SECRET}


@pytest.fixture
def adm(caller):
    got = caller("adm")("POST", "/auth/O2/token", form=GRANT)
    call = caller("adm", Authorization=f"Bearer {got.json['access_token']}", X_Amzn_Type_Version=VERSION,
                  X_Amzn_Accept_Type=ACCEPTED)

    def send(device="fire-1", headers=None, **body):
        given = {"data": {"a": "b"}, **body}
        return call("POST", f"/messaging/registrations/{device}/messages", data=given, **(headers or {}))

    return send


@pytest.mark.parametrize(("more", "error"), [
    ({"client_secret": "x"}, "invalid_client"), ({"scope": "x"}, "invalid_scope"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
])
def test_a_token_is_given_for_good_credentials_only(caller, more, error):
    got = caller("adm")("POST", "/auth/O2/token", form={**GRANT, **more})
    assert (got.status, got.json["error"]) == (400, error)


def test_a_message_is_taken_and_its_request_named(adm, control):
    got = adm()
    assert (got.status, got.json) == (200, {"registrationID": "fire-1"})
    assert got.headers["x-amzn-requestid"]
    assert adm("old-1").json == {"registrationID": "new-1"}
    assert control.counts("adm") == {"message.sent": 2}


def test_only_what_still_waits_for_the_device_is_consolidated(adm, control):
    for device in ("fire-1", "fire-1", "away-1", "away-1"):
        adm(device, consolidationKey="k")
    assert control.counts("adm") == {"message.sent": 3, "message.consolidated": 1}


@pytest.mark.parametrize(("body", "status", "reason"), [
    ({"device": "gone-1"}, 400, "Unregistered"), ({"device": "invalid-1"}, 400, "InvalidRegistrationId"),
    ({"data": {"a": 1}}, 400, "InvalidData"), ({"priority": "loud"}, 400, "InvalidData"),
    ({"consolidationKey": "x" * 65}, 400, "InvalidConsolidationKey"), ({"expiresAfter": 59}, 400, "InvalidExpiration"),
    ({"data": {"a": "x" * 6144}}, 413, "MessageTooLarge"),
    ({"headers": {"X_Amzn_Type_Version": "x"}}, 400, "InvalidType"),
])
def test_what_amazon_refuses_is_refused_with_its_reason(adm, control, body, status, reason):
    got = adm(**body)
    assert (got.status, got.json["reason"]) == (status, reason)
    assert control.ledger("adm") == []


def test_an_unknown_and_an_ended_token_are_refused(adm, caller, control):
    got = caller("adm", Authorization="Bearer x")("POST", "/messaging/registrations/a/messages", data={})
    assert (got.status, got.json["reason"]) == (401, "InvalidAccessToken")
    control.advance(3601)
    assert adm().json["reason"] == "AccessTokenExpired"
