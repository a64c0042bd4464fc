"""Apple's own Python library sends what we send, and reads what our tests answer."""

import time

import jwt
import orjson
import pytest

from connectors.billing.apple_app_store import connector
from connectors.kit import SignContext
from testkit import flows
from testkit.certificates import chain, issue
from testkit.flows import NOW, OUTCOME, answer

pytestmark = pytest.mark.vendor
KEY = issue("App Store Connect", now=NOW)
SIGNER = chain(now=NOW, intermediate_mark="1.2.840.113635.100.6.2.1", leaf_mark="1.2.840.113635.100.6.11.1")
SETTINGS = {"bundle_id": "com.example.app", "issuer_id": "iss-1", "key_id": "KEY1", "private_key": KEY.key_pem}
USER = "6f1f6f3e-5a8e-4d4e-9a53-8c8f2d6a0b11"
FACTS = {"transactionId": "200", "originalTransactionId": "100", "bundleId": "com.example.app", "productId": "gold",
         "environment": "Production", "expiresDate": int(NOW * 1000) + 86_400_000}
SIGNED = SIGNER.sign(FACTS)
TOLD = {"signedTransactionInfo": SIGNED}
STATUS = {"environment": "Production", "bundleId": "com.example.app", "appAppleId": 7, "data": [
    {"subscriptionGroupIdentifier": "g", "lastTransactions": [
        {"status": 1, "originalTransactionId": "100", "signedTransactionInfo": SIGNED,
         "signedRenewalInfo": SIGNER.sign({"autoRenewStatus": 1, "autoRenewProductId": "gold"})}]}]}
EXTENDED = {"originalTransactionId": "100", "webOrderLineItemId": "1", "success": True,
            "effectiveDate": 1_900_000_000_000}


@pytest.fixture
def library():
    return pytest.importorskip("appstoreserverlibrary", reason="app-store-server-library is not installed")


@pytest.fixture
def client(library, keeper):
    from appstoreserverlibrary.api_client import AppStoreServerAPIClient
    from appstoreserverlibrary.models.Environment import Environment

    made = AppStoreServerAPIClient(KEY.key_pem.encode(), "KEY1", "iss-1", "com.example.app", Environment.PRODUCTION)
    keeper.host, made._base_url = made._base_url, keeper.url
    return made


def extend(client):
    from appstoreserverlibrary.models.ExtendReasonCode import ExtendReasonCode
    from appstoreserverlibrary.models.ExtendRenewalDateRequest import ExtendRenewalDateRequest

    client.get_transaction_info("200")
    return client.extend_subscription_renewal_date("100", ExtendRenewalDateRequest(
        extendByDays=3, extendReasonCode=ExtendReasonCode.CUSTOMER_SATISFACTION, requestIdentifier=OUTCOME))


def account_token(client):
    from appstoreserverlibrary.models.UpdateAppAccountTokenRequest import UpdateAppAccountTokenRequest

    client.get_transaction_info("200")
    return client.set_app_account_token("100", UpdateAppAccountTokenRequest(appAccountToken=USER))


def consumption(client, **more):
    from appstoreserverlibrary.models.ConsumptionRequest import ConsumptionRequest
    from appstoreserverlibrary.models.DeliveryStatus import DeliveryStatus

    return client.send_consumption_information("200", ConsumptionRequest(
        customerConsented=True, sampleContentProvided=False, deliveryStatus=DeliveryStatus.DELIVERED, **more))


def consumption_with_preference(client):
    from appstoreserverlibrary.models.RefundPreference import RefundPreference

    return consumption(client, consumptionPercentage=25_000, refundPreference=RefundPreference.GRANT_PRORATED)


CASES = [
    ("verify_transaction", {}, {}, [TOLD], lambda one: one.get_transaction_info("200")),
    ("get_subscription_status", {}, {}, [STATUS], lambda one: one.get_all_subscription_statuses("200")),
    ("extend_renewal_date", {"days": 3}, {}, [TOLD, EXTENDED], extend),
    ("finish_transaction", {}, {}, [{}], lambda one: one.finish_transaction("200")),
    ("set_app_account_token", {}, {}, [TOLD, {}], account_token),
    ("send_consumption_info", {}, {"consent": "yes"}, [{}], consumption),
    ("send_consumption_info", {"refund_preference": "GRANT_PRORATED", "consumption_percentage": 25_000},
     {"consent": "yes"}, [{}], consumption_with_preference),
]


def token(now):
    flow = connector.tokens[""](connector.settings.model_validate(SETTINGS), now)
    return flows.drive(flow).done


def ours(id, params, form, replies):
    made = flows.call(connector, id, settings=SETTINGS, params=params, form=form, user_id=USER,
                      context={"transaction_id": "200"})
    requests = flows.run(connector, id, made, [answer(json=one) for one in replies]).requests
    sign = connector.signer(connector.settings.model_validate(SETTINGS))
    return [sign(one, SignContext(NOW, token(NOW), "n")) for one in requests]


@pytest.mark.parametrize(("id", "params", "form", "replies", "do"), CASES)
def test_what_we_send_is_what_the_vendors_library_sends(client, keeper, id, params, form, replies, do):
    keeper.replies += replies
    do(client)
    for signed, asked in zip(ours(id, params, form, replies), keeper.kept, strict=True):
        assert (signed.method, signed.url) == (asked.method, keeper.host + asked.path)
        assert orjson.loads(signed.body or b"null") == orjson.loads(asked.body or b"null")
        assert flows.header(signed, "accept") == asked.headers["accept"]
        assert flows.header(signed, "content-type") == asked.headers.get("content-type")


def test_our_token_is_the_vendors_librarys(client, keeper):
    now = time.time()
    client.finish_transaction("200")
    kind, _, theirs = keeper.kept[0].headers["authorization"].partition(" ")
    made = token(now).value
    assert kind == "Bearer"
    assert jwt.get_unverified_header(made) == jwt.get_unverified_header(theirs)
    mine, others = (jwt.decode(one, KEY.certificate.public_key(), ["ES256"], audience="appstoreconnect-v1")
                    for one in (made, theirs))
    assert mine.pop("iat") == int(now)  # the library leaves it out
    assert abs(mine.pop("exp") - others.pop("exp")) <= 2
    assert mine == others


def test_the_vendors_library_reads_what_our_tests_answer(client, keeper):
    keeper.replies += [STATUS, TOLD, EXTENDED]
    found = client.get_all_subscription_statuses("200")
    (row,) = found.data[0].lastTransactions
    assert (found.bundleId, row.originalTransactionId, row.rawStatus) == ("com.example.app", "100", 1)
    assert extend(client).success is True
