"""The emulated App Store behaves as its card says: ES256 tokens, signed payloads, limits of extensions."""

from __future__ import annotations

import time
from base64 import b64decode
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from testkit.vendors import credentials

ID = "100000010"
PURCHASE = "100000013"


def token(*, key: Any = None, kid: str = credentials.APPLE_KEY_ID, **more: Any) -> str:
    now = int(time.time())
    claims = {"iss": credentials.APPLE_ISSUER_ID, "iat": now, "exp": now + 300, "aud": "appstoreconnect-v1",
              "bid": credentials.APPLE_BUNDLE_ID, **more}
    return jwt.encode(claims, key or credentials.apple_private_key(), algorithm="ES256", headers={"kid": kid})


@pytest.fixture
def store(caller):
    return caller("apple_app_store", Authorization=f"Bearer {token()}")


def payload(signed: str) -> dict[str, Any]:
    """The payload of a JWS, verified by its own chain."""
    leaf, intermediate, root = (x509.load_der_x509_certificate(b64decode(one))
                                for one in jwt.get_unverified_header(signed)["x5c"])
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    return jwt.decode(signed, leaf.public_key(), algorithms=["ES256"])


def extension(**more: Any) -> dict[str, Any]:
    return {"extendByDays": 30, "extendReasonCode": 1, "requestIdentifier": "outcome-1", **more}


@pytest.mark.parametrize("bad", [
    {"kid": "OTHER"}, {"iss": "x"}, {"bid": "x"}, {"aud": "x"}, {"exp": 1}, {"exp": int(time.time()) + 90_000},
    {"key": ec.generate_private_key(ec.SECP256R1())},
])
def test_a_token_that_is_wrong_gets_401_and_no_word(caller, bad):
    got = caller("apple_app_store", Authorization=f"Bearer {token(**bad)}")("GET", f"/inApps/v1/transactions/{ID}")
    assert (got.status, got.body) == (401, b"")


def test_a_transaction_is_signed_with_a_chain_that_holds(store):
    found = payload(store("GET", f"/inApps/v1/transactions/{PURCHASE}").json["signedTransactionInfo"])
    assert (found["transactionId"], found["originalTransactionId"]) == (PURCHASE, ID)
    assert (found["bundleId"], found["environment"]) == (credentials.APPLE_BUNDLE_ID, "Production")


def test_the_certificates_carry_the_markers_and_the_root_is_published(store, control):
    signed = store("GET", f"/inApps/v1/transactions/{ID}").json["signedTransactionInfo"]
    chain = jwt.get_unverified_header(signed)["x5c"]
    markers = ["1.2.840.113635.100.6.11.1", "1.2.840.113635.100.6.2.1"]
    for der, marker in zip(chain[:2], markers, strict=True):
        certificate = x509.load_der_x509_certificate(b64decode(der))
        assert certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(marker))
    state = control.state("apple_app_store")
    assert state["root_certificate"] == chain[2]
    assert state["private_key"] == credentials.apple_private_key()


@pytest.mark.parametrize(("id", "status", "code"), [("abc", 400, 4000006), ("404123", 404, 4040010),
                                                    ("2000000100", 404, 4040010)])
def test_ids_that_are_malformed_or_unknown_have_their_codes(store, id, status, code):
    got = store("GET", f"/inApps/v1/transactions/{id}")
    assert (got.status, got.json["errorCode"]) == (status, code)


def test_sandbox_transactions_are_found_in_the_sandbox_only(caller):
    sandbox = caller("apple_app_store_sandbox", Authorization=f"Bearer {token()}")
    found = payload(sandbox("GET", "/inApps/v1/transactions/2000000100").json["signedTransactionInfo"])
    assert found["environment"] == "Sandbox"
    assert sandbox("GET", f"/inApps/v1/transactions/{ID}").status == 404


def test_the_status_of_a_subscription_is_told_and_filtered(store, control):
    control.seed("apple_app_store", "status", originalTransactionId=ID, status=3)
    (group,) = store("GET", f"/inApps/v1/subscriptions/{PURCHASE}").json["data"]
    (last,) = group["lastTransactions"]
    assert (last["status"], last["originalTransactionId"]) == (3, ID)
    assert payload(last["signedRenewalInfo"])["autoRenewStatus"] == 1
    assert store("GET", f"/inApps/v1/subscriptions/{PURCHASE}?status=1&status=4").json["data"] == []


def test_an_extension_moves_the_renewal_and_asking_again_moves_it_again(store, control):
    first = store("PUT", f"/inApps/v1/subscriptions/extend/{ID}", data=extension()).json
    second = store("PUT", f"/inApps/v1/subscriptions/extend/{ID}", data=extension()).json
    assert (first["success"], second["effectiveDate"] - first["effectiveDate"]) == (True, 30 * 86_400_000)
    assert [one.mark for one in control.ledger("apple_app_store")] == ["outcome-1", "outcome-1"]
    third = store("PUT", f"/inApps/v1/subscriptions/extend/{ID}", data=extension())
    assert (third.status, third.json["errorCode"]) == (403, 4030005)


@pytest.mark.parametrize(("more", "code"), [({"extendByDays": 91}, 4000009), ({"extendReasonCode": 9}, 4000010),
                                            ({"requestIdentifier": "x" * 129}, 4000011)])
def test_an_extension_that_is_wrong_has_its_code(store, control, more, code):
    got = store("PUT", f"/inApps/v1/subscriptions/extend/{ID}", data=extension(**more))
    assert (got.status, got.json["errorCode"]) == (400, code)
    assert control.ledger("apple_app_store") == []


def test_only_active_originals_that_are_not_shared_are_extended(store, control):
    def code(id: str) -> int:
        return store("PUT", f"/inApps/v1/subscriptions/extend/{id}", data=extension()).json["errorCode"]

    assert code(PURCHASE) == 4000187
    control.seed("apple_app_store", "status", originalTransactionId=ID, status=2)
    assert code(ID) == 4030004
    control.seed("apple_app_store", "transaction", transactionId="100000020", inAppOwnershipType="FAMILY_SHARED")
    assert code("100000020") == 4030007


def test_finishing_is_an_effect_once(store, control):
    for _ in range(2):
        got = store("POST", f"/inApps/v1/transactions/{PURCHASE}/finish")
        assert (got.status, got.body) == (200, b"")
    assert control.counts("apple_app_store") == {"transaction.finished": 1}


def test_an_account_token_is_a_uuid_on_an_original(store):
    path = f"/inApps/v1/transactions/{ID}/appAccountToken"
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert store("PUT", path, data={"appAccountToken": "x"}).json["errorCode"] == 4000183
    assert store("PUT", path, data={"appAccountToken": uuid}).status == 200
    found = payload(store("GET", f"/inApps/v1/transactions/{ID}").json["signedTransactionInfo"])
    assert found["appAccountToken"] == uuid


def test_consumption_needs_consent(store, control):
    path = f"/inApps/v2/transactions/consumption/{PURCHASE}"
    good = {"customerConsented": True, "sampleContentProvided": False, "deliveryStatus": "DELIVERED"}
    assert store("PUT", path, data={**good, "customerConsented": False}).json["errorCode"] == 4000035
    assert store("PUT", path, data={**good, "deliveryStatus": "x"}).json["errorCode"] == 4000036
    assert store("PUT", path, data=good).status == 202
    assert control.counts("apple_app_store") == {"transaction.consumption_sent": 1}


def test_any_payload_can_be_signed_as_the_app_would_report_it(control):
    assert payload(control.command("apple_app_store", "sign", transactionId="1")) == {"transactionId": "1"}
