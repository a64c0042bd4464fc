"""Apple App Store: every request, every answer of the card, and signatures that must hold."""

from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from connectors.billing.apple_app_store import connector
from testkit import flows
from testkit.certificates import chain, issue
from testkit.flows import NOW, OUTCOME, answer, call, drive, run

KEY = issue("App Store Connect", now=NOW)
SIGNER = chain(now=NOW, intermediate_mark="1.2.840.113635.100.6.2.1", leaf_mark="1.2.840.113635.100.6.11.1")
SETTINGS = {"bundle_id": "com.example.app", "issuer_id": "iss-1", "key_id": "KEY1", "private_key": KEY.key_pem}
FACTS = {
    "transactionId": "200", "originalTransactionId": "100", "bundleId": "com.example.app", "productId": "gold",
    "environment": "Production", "expiresDate": int(NOW * 1000) + 86_400_000,
}
AUTO = {"environment": "Auto"}
UNKNOWN = answer(404, {"errorCode": 4040010, "errorMessage": "Transaction id not found."})


def act(id, answers=(), *, context=None, settings=None, **more):
    made = call(connector, id, settings={**SETTINGS, **(settings or {})}, context=context or {}, **more)
    return run(connector, id, made, answers)


def told(**facts):
    return answer(200, {"signedTransactionInfo": SIGNER.sign({**FACTS, **facts})})


def test_a_purchase_is_an_instruction_without_any_call():
    done = act("request_purchase", params={"product_id": "gold", "offer_id": "o-1"}, user_id="u-1")
    assert done.requests == ()
    assert done.done.reference == "evt-1"
    assert connector.actions["request_purchase"].kind == "instruction"
    fields = dict(done.done.detail)
    assert UUID(fields.pop("instruction.app_account_token")).version == 5
    assert fields == {
        "instruction": "purchase", "instruction.store": "apple_app_store", "instruction.product_id": "gold",
        "instruction.intent": "upgrade", "instruction.offer_id": "o-1", "instruction.event_id": "evt-1",
    }


def test_a_user_id_that_is_a_uuid_is_the_account_token():
    user = "6f1f6f3e-5a8e-4d4e-9a53-8c8f2d6a0b11"
    done = act("request_purchase", params={"product_id": "gold"}, user_id=user)
    assert done.done.detail["instruction.app_account_token"] == user


def test_a_reported_transaction_is_read_from_apple():
    done = act("verify_transaction", [told()], context={"transaction_id": "200"},
               params={"expected_product_id": "gold"})
    assert done.lines == ["GET /inApps/v1/transactions/200"]
    assert done.done.reference == "100"
    assert done.done.detail == {
        "product_id": "gold", "environment": "Production", "expires_at": "2027-01-16T08:00:00Z",
    }


def test_a_synced_transaction_will_do_and_ids_cannot_leave_their_place_in_the_path():
    done = act("verify_transaction", [told()], attributes={"apple_transaction_id": "../../x?y"})
    assert done.lines == ["GET /inApps/v1/transactions/..%2F..%2Fx%3Fy"]


@pytest.mark.parametrize(("facts", "code"), [
    ({"bundleId": "com.other"}, "bundle_mismatch"), ({"revocationDate": 1_700_000_000_000}, "purchase_revoked"),
    ({"expiresDate": int(NOW * 1000)}, "purchase_expired"), ({"productId": "silver"}, "product_mismatch"),
])
def test_a_transaction_that_proves_something_else_is_rejected(facts, code):
    done = act("verify_transaction", [told(**facts)], context={"transaction_id": "200"},
               params={"expected_product_id": "gold"})
    assert (done.reason, done.code) == ("rejected", code)


@pytest.mark.parametrize(("id", "names", "more"), [
    ("verify_transaction", ("context.transaction_id", "context.signed_transaction", "apple_transaction_id"), {}),
    ("get_subscription_status", ("context.transaction_id", "apple_original_transaction_id"), {}),
    ("extend_renewal_date", ("apple_original_transaction_id", "context.transaction_id"), {"params": {"days": 3}}),
    ("finish_transaction", ("context.transaction_id",), {}),
    ("set_app_account_token", ("apple_original_transaction_id", "context.transaction_id"), {}),
    ("send_consumption_info", ("context.transaction_id",), {"form": {"consent": "yes"}}),
])
def test_what_is_missing_is_named(id, names, more):
    done = act(id, **more)
    assert (done.reason, done.failure.names, done.requests) == ("missing_attributes", names, ())


TEST_ROOT = {"root_certificate": SIGNER.root.pem}


def test_a_signed_transaction_of_the_event_is_checked_without_a_call():
    done = act("verify_transaction", context={"signed_transaction": SIGNER.sign(FACTS)}, settings=TEST_ROOT)
    assert (done.requests, done.done.reference) == ((), "100")


def test_without_a_test_root_only_apples_own_signature_counts():
    done = act("verify_transaction", context={"signed_transaction": SIGNER.sign(FACTS)})
    assert (done.reason, done.code) == ("rejected", "untrusted_transaction")
    assert "another root" in done.failure.message


@pytest.mark.parametrize(("text", "code"), [
    ("x.y.z", "untrusted_transaction"), (SIGNER.sign({**FACTS, "environment": "Sandbox"}), "environment_mismatch"),
    (SIGNER.sign({**FACTS, "bundleId": "com.other"}), "bundle_mismatch"),
])
def test_a_signed_transaction_that_does_not_fit_is_rejected(text, code):
    done = act("verify_transaction", context={"signed_transaction": text}, settings=TEST_ROOT)
    assert (done.reason, done.code) == ("rejected", code)


def status(**more):
    def row(state, original, **facts):
        return {"status": state, "originalTransactionId": original,
                "signedTransactionInfo": SIGNER.sign({**FACTS, "originalTransactionId": original, **facts}),
                "signedRenewalInfo": SIGNER.sign({"autoRenewStatus": 0, "autoRenewProductId": "silver"})}

    groups = [{"lastTransactions": [row(5, "90", transactionId="190", productId="old")]},
              {"lastTransactions": [row(2, "95", transactionId="195"), row(4, "100")]}]
    return answer(200, {"environment": "Production", "bundleId": "com.example.app", "appAppleId": 7, "data": groups,
                        **more})


def test_the_named_subscription_is_reported_without_its_signed_text():
    done = act("get_subscription_status", [status()], context={"transaction_id": "100"}, settings={"app_apple_id": 7})
    assert done.lines == ["GET /inApps/v1/subscriptions/100"]
    assert done.done.reference == "100:grace_period"
    assert done.done.detail == {
        "status": "grace_period", "product_id": "gold", "expires_at": "2027-01-16T08:00:00Z",
        "auto_renew_status": "0", "auto_renew_product_id": "silver",
    }


@pytest.mark.parametrize(("id", "reference"), [
    ("190", "90:revoked"), ("95", "95:expired"), ("777", "100:grace_period"),
])
def test_a_subscription_is_found_by_either_of_its_ids_else_the_liveliest_counts(id, reference):
    done = act("get_subscription_status", [status()], attributes={"apple_original_transaction_id": id})
    assert done.done.reference == reference


@pytest.mark.parametrize(("reply", "code"), [
    (status(data=[]), "no_subscription"), (status(bundleId="com.other"), "bundle_mismatch"),
    (status(appAppleId=8), "app_mismatch"),
    (status(data=[{"lastTransactions": [{"status": 1, "signedTransactionInfo": "?"}]}]), "unreadable_answer"),
])
def test_a_status_that_is_about_something_else_is_rejected(reply, code):
    done = act("get_subscription_status", [reply], context={"transaction_id": "1"}, settings={"app_apple_id": 7})
    assert (done.reason, done.code) == ("rejected", code)


EXTENDED = {
    "originalTransactionId": "100", "webOrderLineItemId": "9", "success": True, "effectiveDate": 1_800_100_000_000,
}


def test_an_extension_names_itself_by_the_outcome():
    done = act("extend_renewal_date", [answer(200, EXTENDED)], params={"days": 30},
               attributes={"apple_original_transaction_id": "100"})
    (request,) = done.requests
    assert done.lines == ["PUT /inApps/v1/subscriptions/extend/100"]
    assert flows.json(request) == {"extendByDays": 30, "extendReasonCode": 1, "requestIdentifier": OUTCOME}
    assert request.effect
    assert done.done == ("100:1800100000000", "", {"effective_date": "2027-01-16T11:46:40Z"})
    assert connector.actions["extend_renewal_date"].repeat.name == "NEVER"


def test_an_extension_finds_the_original_transaction_first():
    done = act("extend_renewal_date", [told(), answer(200, EXTENDED)], params={"days": 1},
               context={"transaction_id": "200"})
    assert done.lines == ["GET /inApps/v1/transactions/200", "PUT /inApps/v1/subscriptions/extend/100"]


def test_an_answer_without_success_is_no_extension():
    done = act("extend_renewal_date", [answer(200, {"success": False})], params={"days": 1},
               attributes={"apple_original_transaction_id": "100"})
    assert (done.reason, done.code) == ("rejected", "not_extended")


@pytest.mark.parametrize("days", [0, 91])
def test_days_are_between_1_and_90(days):
    with pytest.raises(ValidationError):
        act("extend_renewal_date", params={"days": days})


def test_finishing_sends_no_body():
    done = act("finish_transaction", [answer(200)], context={"transaction_id": "200"})
    (request,) = done.requests
    assert done.lines == ["POST /inApps/v1/transactions/200/finish"]
    assert (request.body, dict(request.headers), done.done.reference) == (None, {}, "200")


def test_the_account_token_is_set_on_the_original_transaction():
    done = act("set_app_account_token", [told(), answer(200)], context={"transaction_id": "200"})
    assert done.lines == ["GET /inApps/v1/transactions/200", "PUT /inApps/v1/transactions/100/appAccountToken"]
    assert flows.json(done.requests[1]) == {"appAccountToken": done.done.reference}
    assert UUID(done.done.reference)


def test_consumption_is_told_with_consent():
    params = {"refund_preference": "GRANT_PRORATED", "consumption_percentage": 50_000}
    done = act("send_consumption_info", [answer(202)], context={"transaction_id": "200"}, params=params,
               form={"consent": "Yes"})
    assert done.lines == ["PUT /inApps/v2/transactions/consumption/200"]
    assert flows.json(done.requests[0]) == {
        "customerConsented": True, "sampleContentProvided": False, "deliveryStatus": "DELIVERED",
        "consumptionPercentage": 50_000, "refundPreference": "GRANT_PRORATED",
    }
    assert done.done.reference == "200"


def test_what_was_not_chosen_is_not_told():
    done = act("send_consumption_info", [answer(200)], context={"transaction_id": "200"}, form={"consent": "true"})
    assert set(flows.json(done.requests[0])) == {"customerConsented", "sampleContentProvided", "deliveryStatus"}


@pytest.mark.parametrize(("form", "reason"), [({}, "missing_attributes"), ({"consent": "no"}, "rejected")])
def test_without_consent_nothing_is_told(form, reason):
    done = act("send_consumption_info", context={"transaction_id": "200"}, form=form)
    assert (done.reason, done.requests) == (reason, ())


@pytest.mark.parametrize(("http", "number", "reason"), [
    (400, 4000006, "rejected"), (400, 4000048, "rejected"), (400, 4000187, "rejected"), (400, 4000183, "rejected"),
    *((400, number, "rejected") for number in (4000008, 4000009, 4000010, 4000011, 4000035, 4000036, 4000041,
                                               4000043, 4000047, 4000185)), (404, 4040010, "rejected"),
    (404, 4040001, "rejected"), (404, 4040003, "rejected"), (404, 4040005, "rejected"),
    (404, 4040002, "unavailable"), (404, 4040004, "unavailable"), (404, 4040006, "unavailable"),
    (403, 4030004, "rejected"), (403, 4030005, "rejected"), (403, 4030007, "rejected"),
    (500, 5000000, "unavailable"), (500, 5000001, "unavailable"),
])
@pytest.mark.parametrize("environment", ["Production", "Auto"])
def test_apples_codes_say_who_must_act(http, number, reason, environment):
    replies = [answer(http, {"errorCode": number, "errorMessage": "why"})]
    if number == 4040010 and environment == "Auto":
        replies *= 2
    done = act("finish_transaction", replies, context={"transaction_id": "1"}, settings={"environment": environment})
    assert (done.reason, done.code, done.failure.message) == (reason, str(number), "why")
    assert getattr(done.failure, "unknown", False) == (http == 500)


@pytest.mark.parametrize(("http", "reason"), [(401, "misconfigured"), (403, "misconfigured"), (503, "unavailable")])
def test_answers_without_a_code_are_read_by_their_status(http, reason):
    done = act("finish_transaction", [answer(http)], context={"transaction_id": "1"})
    assert (done.reason, done.code) == (reason, f"http_{http}")


def test_retry_after_is_a_moment_in_milliseconds():
    headers = {"Retry-After": "1800000007500", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    reply = answer(429, {"errorCode": 4290000, "errorMessage": "Rate limit exceeded."}, headers=headers)
    done = act("finish_transaction", [reply], context={"transaction_id": "1"})
    assert (done.code, done.failure.throttled, done.failure.retry_after) == ("4290000", True, 7.5)


def test_a_wait_with_a_503_is_a_moment_too_or_seconds_where_it_is_small():
    for given, seconds in (("1800000007500", 7.5), ("30", 30.0)):
        headers = {"Retry-After": given, "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
        done = act("finish_transaction", [answer(503, headers=headers)], context={"transaction_id": "1"})
        assert (done.reason, done.failure.retry_after) == ("unavailable", seconds)


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "1800000007500"}])
def test_a_wait_that_cannot_be_computed_is_left_to_the_engine(headers):
    done = act("finish_transaction", [answer(429, headers=headers)], context={"transaction_id": "1"})
    assert (done.failure.throttled, done.failure.retry_after) == (True, None)


def test_auto_asks_the_sandbox_where_production_knows_no_such_transaction():
    done = act("finish_transaction", [UNKNOWN, answer(200)], context={"transaction_id": "1"}, settings=AUTO)
    assert [(one.realm, one.step) for one in done.requests] == [("", "finish"), ("sandbox", "finish_sandbox")]
    urls = [flows.sign(connector, {**SETTINGS, **AUTO}, one).url for one in done.requests]
    assert urls == ["https://api.storekit.apple.com/inApps/v1/transactions/1/finish",
                    "https://api.storekit-sandbox.apple.com/inApps/v1/transactions/1/finish"]


def test_the_sandbox_is_asked_once_and_a_found_environment_is_kept():
    answers = [UNKNOWN, told(environment="Sandbox"), answer(200, EXTENDED)]
    done = act("extend_renewal_date", answers, params={"days": 1}, context={"transaction_id": "1"}, settings=AUTO)
    assert [one.realm for one in done.requests] == ["", "sandbox", "sandbox"]


def test_without_auto_production_has_the_last_word():
    done = act("finish_transaction", [UNKNOWN], context={"transaction_id": "1"})
    assert (done.reason, done.code) == ("rejected", "4040010")


def test_the_token_is_what_apple_wants_and_made_without_a_call():
    made = drive(connector.tokens[""](connector.settings.model_validate(SETTINGS), NOW))
    assert made.requests == ()
    assert made.done.expires_at == NOW + 240
    key = KEY.key.public_key()
    claims = jwt.decode(made.done.value, key, algorithms=["ES256"], audience="appstoreconnect-v1",
                        options={"verify_exp": False, "verify_iat": False})
    assert claims == {"iss": "iss-1", "iat": NOW, "exp": NOW + 300, "aud": "appstoreconnect-v1",
                      "bid": "com.example.app"}
    assert jwt.get_unverified_header(made.done.value) == {"alg": "ES256", "kid": "KEY1", "typ": "JWT"}


PUBLIC = KEY.key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("other", [PUBLIC, "nonsense", ""])
def test_a_key_that_cannot_sign_is_refused_where_it_is_entered_and_never_shown(other):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate({**SETTINGS, "private_key": other})
    assert [one["loc"] for one in error.value.errors()] == [("private_key",)]
    assert "nonsense" not in str(error.value)
    assert "BEGIN PUBLIC KEY" not in str(error.value)


def test_both_environments_have_a_token():
    assert set(connector.tokens) == {"", "sandbox"}


@pytest.mark.parametrize(("settings", "host"), [
    ({}, "https://api.storekit.apple.com"), ({"environment": "Sandbox"}, "https://api.storekit-sandbox.apple.com"),
    ({"base_url": "http://127.0.0.1:9/", "allow_test_hosts": True}, "http://127.0.0.1:9"),
])
def test_requests_are_signed_for_their_environment(settings, host):
    from connectors.kit import Token, get

    token = Token("jwt", NOW + 1)
    signed = flows.sign(connector, {**SETTINGS, **settings}, get("/x"), token=token)
    assert signed.url == f"{host}/x"
    assert flows.header(signed, "Authorization") == "Bearer jwt"


@pytest.mark.parametrize(("settings", "place"), [
    ({"base_url": "https://storekit.example"}, "base_url"), ({"root_certificate": "nonsense"}, "root_certificate"),
])
def test_settings_that_cannot_work_are_refused_at_their_place(settings, place):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [one["loc"] for one in error.value.errors()] == [(place,)]


@pytest.mark.parametrize(("reply", "reason"), [
    (answer(400, {"errorCode": 4000006}), ""), (UNKNOWN, ""), (answer(401), "misconfigured"),
    (answer(404, body=b"<html>"), "rejected"),
])
def test_the_connection_test_gets_as_far_as_an_unknown_transaction(reply, reason):
    made = connector.settings.model_validate({**SETTINGS, "environment": "Sandbox"})
    done = drive(connector.check(made), [reply], connector.read)
    assert done.lines == ["GET /inApps/v1/transactions/0"]
    assert done.reason == reason
    assert reason or done.done == ("com.example.app", "sandbox")


def test_products_to_pick_come_from_the_settings():
    made = connector.settings.model_validate({**SETTINGS, "products": ["gold", "silver"]})
    assert [one.value for one in drive(connector.options["products"](made)).done] == ["gold", "silver"]
