"""Amazon Appstore: every request, every answer of the card, and a secret that shows nowhere."""

import pytest
from pydantic import ValidationError

from connectors.billing.amazon_appstore import connector
from testkit import flows
from testkit.flows import NOW, answer

SECRET = "2:abc/d:e=="
SETTINGS = {"shared_secret": SECRET}
CONTEXT = {"amazon_user_id": "l3HL:7==", "amazon_receipt_id": "q1YqVbJSy:2="}
LINE = "GET /user/l3HL:7==/receiptId/q1YqVbJSy:2="
DAY = 86_400_000
MS = int(NOW * 1000)


def act(id, answers=(), *, context=CONTEXT, **more):
    made = flows.call(connector, id, settings=SETTINGS, context=context, **more)
    return flows.run(connector, id, made, answers)


def receipt(**more):
    return answer(json={
        "receiptId": "q1YqVbJSy:2=", "productId": "gold", "productType": "SUBSCRIPTION", "termSku": "gold.monthly",
        "purchaseDate": MS - DAY, "cancelDate": None, "cancelReason": None, "renewalDate": MS + DAY,
        "autoRenewing": True, "gracePeriodEndDate": None, "testTransaction": False, **more})


def test_a_purchase_is_an_instruction_without_any_call():
    done = act("request_purchase", params={"product_id": "gold.monthly", "intent": "downgrade"}, context={})
    assert (done.requests, done.done.reference) == ((), "evt-1")
    assert connector.actions["request_purchase"].kind == "instruction"
    assert done.done.detail == {
        "instruction": "purchase", "instruction.store": "amazon_appstore", "instruction.product_id": "gold.monthly",
        "instruction.intent": "downgrade", "instruction.event_id": "evt-1",
    }


@pytest.mark.parametrize("more", [
    {}, {"context": {}, "attributes": CONTEXT},
    {"context": {"amazon_receipt_id": CONTEXT["amazon_receipt_id"]}, "attributes": {
        "amazon_user_id": CONTEXT["amazon_user_id"], "amazon_receipt_id": "older"}},
])
def test_a_receipt_of_the_event_or_of_the_user_is_read_with_its_ids_as_they_are(more):
    done = act("verify_receipt", [receipt()], params={"expected_product_id": "gold"}, **more)
    assert done.lines == [LINE]
    assert not done.requests[0].effect
    assert done.done == ("q1YqVbJSy:2=", "", {
        "product_id": "gold", "product_type": "SUBSCRIPTION", "term_sku": "gold.monthly", "auto_renew": "true",
        "renews_at": "2027-01-16T08:00:00Z",
    })


def test_ids_cannot_leave_their_place_in_the_path():
    done = act("verify_receipt", [receipt()], context={"amazon_user_id": "..", "amazon_receipt_id": "a/../b?c"})
    assert done.lines == ["GET /user/%2E%2E/receiptId/a%2F..%2Fb%3Fc"]


@pytest.mark.parametrize("expected", ["", "gold", "gold.monthly"])
def test_the_expected_product_is_that_of_the_item_or_of_the_term(expected):
    assert act("verify_receipt", [receipt()], params={"expected_product_id": expected}).done


@pytest.mark.parametrize("mark", ["testTransaction", "betaProduct"])
def test_what_is_no_revenue_is_marked(mark):
    assert act("verify_receipt", [receipt(**{mark: True})]).done.detail["test"] == "true"


@pytest.mark.parametrize(("facts", "code"), [
    ({"cancelDate": MS - 1000, "cancelReason": 1}, "receipt_cancelled"), ({"productId": "silver"}, "product_mismatch"),
])
def test_a_receipt_that_ended_or_is_of_another_product_is_rejected(facts, code):
    done = act("verify_receipt", [receipt(**facts, termSku=None)], params={"expected_product_id": "gold"})
    assert (done.reason, done.code) == ("rejected", code)


@pytest.mark.parametrize(("facts", "status", "more"), [
    ({}, "active", {}), ({"autoRenewing": False}, "will_not_renew", {"auto_renew": "false"}),
    ({"gracePeriodEndDate": MS + DAY, "renewalDate": MS - DAY}, "grace_period",
     {"grace_period_ends_at": "2027-01-16T08:00:00Z"}),
    ({"gracePeriodEndDate": MS - DAY, "renewalDate": MS - DAY}, "expired", {}),
    ({"renewalDate": None}, "expired", {}),
    ({"cancelDate": MS, "cancelReason": 0}, "ended", {"ended_by": "payment_or_approval_pending"}),
    ({"cancelDate": MS, "cancelReason": 1}, "ended", {"ended_by": "customer", "ended_at": "2027-01-15T08:00:00Z"}),
    ({"cancelDate": MS, "cancelReason": 2}, "ended", {"ended_by": "amazon"}),
    ({"cancelDate": MS, "cancelReason": 4}, "ended", {"ended_by": "replaced"}),
    ({"cancelDate": MS, "cancelReason": 9}, "ended", {"ended_by": "9"}),
    ({"deferredSku": "silver", "deferredDate": MS + DAY}, "active",
     {"deferred_sku": "silver", "deferred_to": "2027-01-16T08:00:00Z"}),
])
def test_what_the_receipt_says_becomes_a_status(facts, status, more):
    done = act("get_subscription_status", [receipt(**facts)])
    assert done.lines == [LINE]
    assert done.done.reference == f"q1YqVbJSy:2=:{status}"
    assert done.done.detail.items() >= {"status": status, **more}.items()


@pytest.mark.parametrize("kind", ["CONSUMABLE", "ENTITLED"])
def test_a_one_time_purchase_has_no_subscription_status(kind):
    assert act("get_subscription_status", [receipt(productType=kind)]).code == "no_subscription"


@pytest.mark.parametrize("id", ["verify_receipt", "get_subscription_status"])
@pytest.mark.parametrize("name", ["amazon_user_id", "amazon_receipt_id"])
def test_what_is_missing_is_named_before_any_request(id, name):
    done = act(id, context={key: value for key, value in CONTEXT.items() if key != name})
    assert (done.reason, done.failure.names, done.requests) == ("missing_attributes", (f"context.{name}", name), ())


@pytest.mark.parametrize(("status", "reason", "code"), [
    (400, "rejected", "invalid_receipt"), (404, "rejected", "http_404"), (410, "rejected", "receipt_no_longer_valid"),
    (429, "unavailable", "http_429"), (496, "misconfigured", "invalid_shared_secret"),
    (497, "rejected", "invalid_user_id"), (500, "unavailable", "http_500"), (503, "unavailable", "http_503"),
])
def test_each_status_is_read_by_who_must_act_and_nothing_of_the_body_is_repeated(status, reason, code):
    done = act("verify_receipt", [answer(status, {"message": f"bad {SECRET}"})])
    assert (done.reason, done.code) == (reason, code)
    assert SECRET not in str(done.failure)
    assert getattr(done.failure, "throttled", False) == (status == 429)


def test_a_success_that_cannot_be_read_is_tried_again():
    assert act("verify_receipt", [answer(body=b"<html>")]).reason == "unavailable"


@pytest.mark.parametrize(("more", "url"), [
    ({}, "https://appstore-sdk.amazon.com/version"), ({"environment": "sandbox"},
                                                      "https://appstore-sdk.amazon.com/sandbox/version"),
])
def test_the_secret_is_put_into_the_path_when_the_request_is_signed_and_nowhere_else(more, url):
    (request,) = act("verify_receipt", [receipt()]).requests
    signed = flows.sign(connector, {**SETTINGS, **more}, request)
    assert signed.url == (f"{url}/1.0/verifyReceiptId/developer/2:abc%2Fd:e==/user/l3HL:7==/receiptId/q1YqVbJSy:2=")
    assert list(signed.headers) == ["Accept: application/json"]
    assert "abc" not in str(request)


@pytest.mark.parametrize(("wrong", "place"), [
    ({"base_url": "https://evil.example"}, "base_url"), ({"environment": "live"}, "environment"),
    ({"shared_secret": " "}, "shared_secret"),
])
def test_settings_that_cannot_work_are_refused_at_their_place(wrong, place):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [one["loc"] for one in error.value.errors()] == [(place,)]


@pytest.mark.parametrize(("status", "reason"), [
    (400, ""), (410, ""), (497, ""), (496, "misconfigured"), (404, "rejected"),
])
def test_the_connection_test_gets_as_far_as_an_unknown_receipt(status, reason):
    made = connector.settings.model_validate({**SETTINGS, "environment": "sandbox"})
    done = flows.drive(connector.check(made), [answer(status)], connector.read)
    assert done.lines == ["GET /user/connection-test/receiptId/connection-test"]
    assert done.reason == reason
    assert reason or done.done == ("", "sandbox")


def test_products_to_pick_come_from_the_settings():
    made = connector.settings.model_validate({**SETTINGS, "products": ["gold.monthly"]})
    assert flows.drive(connector.options["products"](made)).done == [("gold.monthly", "gold.monthly")]
