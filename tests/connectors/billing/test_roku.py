"""Roku Pay: every request, every answer of the card, amounts with all their digits, a key that shows nowhere."""

import pytest
from pydantic import ValidationError

from connectors.billing.roku import connector
from connectors.kit import Repeat
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"api_key": 'k/"1'}
BASE = "https://apipub.roku.com/listen/transaction-service.svc"
ID = "0a1b2c3d-aa"
SYNCED = {"roku_transaction_id": ID}
LOOK = f"GET /validate-transaction/{ID}"
DAY = 86_400_000
MS = int(NOW * 1000)


def act(id, answers=(), *, context=None, settings=None, **more):
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})}, context=context or {}, **more)
    return flows.run(connector, id, made, answers)


def said(status=0, message="", **more):
    return answer(json={"status": status, "errorCode": None, "errorMessage": message, "errorDetails": None, **more})


def wcf(milliseconds):
    return f"/Date({milliseconds}+0000)/"


def transaction(**more):
    return said(**{
        "transactionId": ID, "OriginalTransactionId": "orig", "purchaseStatus": "Active", "isEntitled": True,
        "cancelled": False, "productId": "gold", "expirationDate": wcf(MS + DAY), "channelId": 70001,
        "rokuCustomerId": "cust-1", "amount": 9.99, **more})


# -- purchases on the device


@pytest.mark.parametrize(("intent", "order"), [
    ("upgrade", {"instruction.order_action": "Upgrade"}), ("downgrade", {"instruction.order_action": "Downgrade"}),
    ("purchase", {}),
])
def test_a_purchase_is_an_instruction_without_any_call(intent, order):
    done = act("request_purchase", params={"product_id": "gold", "intent": intent})
    assert (done.requests, done.done.reference) == ((), "evt-1")
    assert connector.actions["request_purchase"].kind == "instruction"
    assert done.done.detail == {
        "instruction": "purchase", "instruction.store": "roku", "instruction.product_id": "gold",
        "instruction.intent": intent, "instruction.event_id": "evt-1", **order,
    }


# -- reading


def test_a_reported_transaction_is_read_whatever_the_capitals():
    reply = transaction(purchaseType="UPGRADE", ISENTITLED=True)
    done = act("validate_transaction", [reply], context={"transaction_id": ID}, attributes={
        "roku_transaction_id": "older"}, params={"expected_product_id": "gold"})
    assert done.lines == [LOOK]
    assert not done.requests[0].effect
    assert done.done == (ID, "", {
        "product_id": "gold", "status": "Active", "entitled": "true", "cancelled": "false", "change": "UPGRADE",
        "expires_at": "2027-01-16T08:00:00Z", "original_transaction_id": "orig",
    })


def test_ids_are_passed_on_unchanged_but_stay_in_their_place():
    done = act("validate_transaction", [transaction()], attributes={"roku_transaction_id": "A-b/../c"})
    assert done.lines == ["GET /validate-transaction/A-b%2F..%2Fc"]


@pytest.mark.parametrize("id", ["x" * 1025, "ä"])
def test_ids_that_roku_would_not_take_are_not_sent(id):
    done = act("validate_transaction", attributes={"roku_transaction_id": id})
    assert (done.requests, done.code) == ((), "invalid_id")


@pytest.mark.parametrize(("facts", "code"), [
    ({"productId": "silver"}, "product_mismatch"), ({"isEntitled": False, "cancelled": True}, "purchase_cancelled"),
    ({"isEntitled": False, "expirationDate": wcf(MS)}, "purchase_expired"),
])
def test_a_transaction_without_access_or_of_another_product_is_rejected(facts, code):
    done = act("validate_transaction", [transaction(**facts)], attributes=SYNCED,
               params={"expected_product_id": "gold"})
    assert (done.reason, done.code) == ("rejected", code)


@pytest.mark.parametrize("facts", [
    {"expirationDate": wcf(MS - DAY)}, {"cancelled": True}, {"isEntitled": False}, {"expirationDate": None},
])
def test_payment_recovery_cancelled_periods_and_rentals_still_count(facts):
    assert act("validate_transaction", [transaction(**facts)], attributes=SYNCED).done


# -- cancelling


@pytest.mark.parametrize(("params", "facts", "date"), [
    ({}, {}, "2027-01-16T08:00:00"), ({"when": "now"}, {}, "2027-01-15T08:00:00"),
    ({}, {"expirationDate": wcf(MS - DAY)}, "2027-01-15T08:00:00"),
    ({}, {"expirationDate": f"/Date({MS + DAY}-0700)/"}, "2027-01-16T08:00:00"),
    ({}, {"expirationDate": f"/Date({MS + DAY})/"}, "2027-01-16T08:00:00"),
    ({"when": "now"}, {"expirationDate": None}, "2027-01-15T08:00:00"),
])
def test_a_subscription_is_cancelled_at_a_date_of_utc(params, facts, date):
    done = act("cancel_subscription", [transaction(**facts), said()], attributes=SYNCED, params=params)
    assert done.lines == [LOOK, "POST /cancel-subscription"]
    assert flows.json(done.requests[1]) == {
        "transactionId": ID, "cancellationDate": date, "dontNotifyUser": False, "partnerReferenceId": OUTCOME}
    assert done.done == (ID, "", {"ends_at": f"{date}Z"})


def test_what_was_cancelled_is_not_cancelled_again():
    done = act("cancel_subscription", [transaction(cancelled=True)], attributes=SYNCED)
    assert (done.lines, done.done.note) == ([LOOK], "already_done")
    assert connector.actions["cancel_subscription"].repeat is Repeat.LOOK_BEFORE


def test_without_an_end_nothing_can_end_with_the_period():
    done = act("cancel_subscription", [transaction(expirationDate=None)], attributes=SYNCED)
    assert done.code == "no_expiration_date"


# -- money


@pytest.mark.parametrize(("amount", "digits"), [("4.99", b'"amount":4.99,'), ("10", b'"amount":10,'),
                                                ("0.10", b'"amount":0.10,')])
def test_a_refund_keeps_all_its_digits(amount, digits):
    done = act("refund_subscription", [said(RefundId="r-1")], attributes=SYNCED,
               params={"amount": amount, "comments": "sorry"})
    assert done.lines == ["POST /refund-subscription"]
    assert digits in done.requests[0].body
    assert flows.json(done.requests[0]) == {"transactionId": ID, "amount": float(amount), "comments": "sorry",
                                            "partnerReferenceId": OUTCOME}
    assert done.done == ("r-1", "", {})


@pytest.mark.parametrize("id", ["refund_subscription", "issue_service_credit", "update_bill_cycle"])
def test_what_gives_money_or_time_is_never_repeated(id):
    assert connector.actions[id].repeat is Repeat.NEVER


@pytest.mark.parametrize("amount", ["0", "-1", "1.234", "NaN"])
def test_amounts_are_money(amount):
    with pytest.raises(ValidationError):
        act("refund_subscription", params={"amount": amount})


def credit(answers, settings=None, context=None, **attributes):
    return act("issue_service_credit", answers, settings=settings, context=context, attributes=attributes,
               params={"amount": "2.00"})


GIVEN = said(ReferenceId="12345")


def test_a_credit_needs_no_look_where_all_is_known():
    done = act("issue_service_credit", [GIVEN], settings={"channel_id": "7"}, attributes={
        "roku_customer_id": "cust-9", **SYNCED}, params={"amount": "2.00", "product_id": "gold", "comments": "hi"})
    assert done.lines == ["POST /issue-service-credit"]
    assert flows.json(done.requests[0]) == {
        "amount": 2.0, "rokuCustomerId": "cust-9", "channelId": "7", "productId": "gold", "comments": "hi",
        "partnerReferenceId": OUTCOME}
    assert done.done == ("12345", "", {})


def test_what_is_not_known_of_a_customer_is_taken_from_the_transaction_the_channel_as_text():
    done = credit([transaction(), GIVEN], context={"transaction_id": ID})
    assert done.lines == [LOOK, "POST /issue-service-credit"]
    assert flows.json(done.requests[1]) == {"amount": 2.0, "rokuCustomerId": "cust-1", "channelId": "70001",
                                            "productId": "gold", "partnerReferenceId": OUTCOME}


def test_a_known_customer_goes_before_that_of_the_transaction():
    done = credit([transaction(), GIVEN], settings={"channel_id": "7"}, roku_customer_id="cust-9", **SYNCED)
    assert flows.json(done.requests[1]).items() >= {"rokuCustomerId": "cust-9", "channelId": "7",
                                                    "productId": "gold"}.items()


def test_without_product_and_transaction_a_credit_is_for_the_whole_app():
    done = credit([GIVEN], settings={"channel_id": "7"}, context={"roku_customer_id": "cust-9"})
    assert "productId" not in flows.json(done.requests[0])


def test_a_credit_without_channel_says_where_one_would_come_from():
    done = credit([], roku_customer_id="cust-9")
    assert done.failure.names == ("roku_transaction_id", "context.transaction_id")
    assert "settings" in done.failure.message


# -- billing dates


def test_moving_a_billing_date_is_off_until_the_settings_allow_it():
    done = act("update_bill_cycle", attributes=SYNCED, params={"days": 3})
    assert (done.requests, done.reason, done.code) == ((), "rejected", "switched_off")


def test_the_billing_date_is_moved_from_the_end_of_what_is_paid():
    done = act("update_bill_cycle", [transaction(), said()], settings={"allow_bill_cycle": True}, attributes=SYNCED,
               params={"days": 3})
    assert done.lines == [LOOK, "POST /update-bill-cycle"]
    assert flows.json(done.requests[1]) == {"transactionId": ID, "newBillCycleDate": "2027-01-19T08:00:00Z"}
    assert done.done == (f"{ID}:2027-01-19T08:00:00Z", "", {"bills_at": "2027-01-19T08:00:00Z"})


def test_a_billing_date_that_is_not_there_cannot_be_moved():
    done = act("update_bill_cycle", [transaction(expirationDate="soon")], settings={"allow_bill_cycle": True},
               attributes=SYNCED, params={"days": 3})
    assert done.code == "no_expiration_date"


# -- what is missing, what is refused


@pytest.mark.parametrize(("id", "names", "more"), [
    ("validate_transaction", ("context.transaction_id", "roku_transaction_id"), {}),
    ("cancel_subscription", ("roku_transaction_id", "context.transaction_id"), {}),
    ("refund_subscription", ("roku_transaction_id", "context.transaction_id"), {"params": {"amount": "1"}}),
    ("issue_service_credit", ("roku_customer_id", "roku_transaction_id", "context.transaction_id"),
     {"params": {"amount": "1"}}),
    ("update_bill_cycle", ("roku_transaction_id", "context.transaction_id"),
     {"params": {"days": 1}, "settings": {"allow_bill_cycle": True}}),
])
def test_what_is_missing_is_named_before_any_request(id, names, more):
    done = act(id, **more)
    assert (done.reason, done.failure.names, done.requests) == ("missing_attributes", names, ())


@pytest.mark.parametrize(("reply", "reason", "code"), [
    (said(1, "UNAUTHORIZED"), "misconfigured", "UNAUTHORIZED"),
    (said(1, "No", errorDetails="UNAUTHORIZED"), "misconfigured", "No"),
    (said(1, "Transaction not found"), "rejected", "Transaction not found"),
    (said(2, "Bad", errorCode="E7"), "rejected", "E7"), (said(3), "rejected", "status_3"),
    (answer(400, body=b"Invalid URI format."), "rejected", "invalid_id"), (answer(404), "rejected", "http_404"),
    (answer(401), "misconfigured", "http_401"), (answer(403), "misconfigured", "http_403"),
    (answer(429), "unavailable", "http_429"), (answer(500), "unavailable", "http_500"),
    (answer(200, body=b"<html>"), "unavailable", "unreadable_answer"),
])
def test_each_answer_is_read_by_who_must_act(reply, reason, code):
    done = act("validate_transaction", [reply], attributes=SYNCED)
    assert (done.reason, done.code) == (reason, code)


def test_of_a_refund_an_answer_that_cannot_be_read_leaves_a_doubt():
    done = act("refund_subscription", [answer(body=b"<html>")], attributes=SYNCED, params={"amount": "1"})
    assert done.failure.unknown
    assert not act("validate_transaction", [answer(body=b"<html>")], attributes=SYNCED).failure.unknown


def test_words_of_other_answers_are_not_repeated_since_they_could_hold_the_key():
    done = act("validate_transaction", [answer(400, body=b"Bad path /validate-transaction/KEY")], attributes=SYNCED)
    assert "KEY" not in str(done.failure)


# -- settings, signing, connection


def test_the_key_is_put_into_the_path_of_reads_and_into_the_body_of_changes_and_shows_nowhere_else():
    read, change = act("cancel_subscription", [transaction(), said()], attributes=SYNCED).requests
    assert "k/" not in str((read, change))
    signed = flows.sign(connector, SETTINGS, read)
    assert signed.url == f"{BASE}/validate-transaction/k%2F%221/{ID}"
    assert list(signed.headers) == ["Accept: application/json"]
    sent = flows.sign(connector, SETTINGS, change)
    assert sent.url == f"{BASE}/cancel-subscription"
    assert list(sent.headers) == ["Content-Type: application/json", "Accept: application/json"]
    assert flows.json(change._replace(body=sent.body)) == {"partnerAPIKey": 'k/"1', **flows.json(change)}


@pytest.mark.parametrize(("wrong", "place"), [
    ({"base_url": "https://evil.example"}, "base_url"), ({"base_url": "https://apipub.roku.com/other"}, "base_url"),
    ({"api_key": " "}, "api_key"),
])
def test_settings_that_cannot_work_are_refused_at_their_place(wrong, place):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [one["loc"] for one in error.value.errors()] == [(place,)]


@pytest.mark.parametrize(("reply", "reason"), [
    (said(1, "Transaction not found"), ""), (answer(404), ""), (answer(400, body=b"Invalid URI format."), ""),
    (said(1, "UNAUTHORIZED"), "misconfigured"), (answer(200, body=b"<html>"), "unavailable"),
    (answer(500), "unavailable"),
])
def test_the_connection_test_gets_as_far_as_an_unknown_transaction(reply, reason):
    made = connector.settings.model_validate(SETTINGS)
    done = flows.drive(connector.check(made), [reply], connector.read)
    assert done.lines == [f"GET /validate-transaction/{'0' * 32}"]
    assert done.reason == reason
    assert reason or done.done == ("", "live")


def test_products_to_pick_come_from_the_settings():
    made = connector.settings.model_validate({**SETTINGS, "products": ["gold"]})
    assert flows.drive(connector.options["products"](made)).done == [("gold", "gold")]
