"""Google Play: every request, every answer of the card, and purchases that are read before they are believed."""

from hashlib import sha256

import pytest
from pydantic import ValidationError

from connectors.billing.google_play import connector
from connectors.kit import Option, Repeat, Token
from connectors.kit.purchase import purchase_name
from testkit import discovery, flows
from testkit.flows import NOW, answer
from testkit.vendors import google_account

SETTINGS = {"package_name": "com.example.app", "service_account_json": google_account.key_file()}
APP = "/androidpublisher/v3/applications/com.example.app"
TOKEN = "tok-1"
NAME = purchase_name(TOKEN)
SUBSCRIPTION = f"{APP}/purchases/subscriptionsv2/tokens/{TOKEN}"
PURCHASE = f"{APP}/purchases/productsv2/tokens/{TOKEN}"
SYNCED = {"google_purchase_token": TOKEN}
REPORTED = {"purchase_token": TOKEN, "product_id": "coins"}
EXPIRY, LATER = "2027-02-01T00:00:00Z", "2027-02-08T00:00:00Z"


def act(id, answers=(), *, context=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, context=context or {}, **more)
    return flows.run(connector, id, made, answers)


def subscription(state="ACTIVE", acknowledged=True, expires=EXPIRY, etag="e1", **more):
    return answer(json={
        "kind": "androidpublisher#subscriptionPurchaseV2", "subscriptionState": f"SUBSCRIPTION_STATE_{state}",
        "acknowledgementState": f"ACKNOWLEDGEMENT_STATE_{'ACKNOWLEDGED' if acknowledged else 'PENDING'}",
        "etag": etag, "regionCode": "DE", "lineItems": [
            {"productId": "gold", "expiryTime": expires, "latestSuccessfulOrderId": "GPA.1",
             "autoRenewingPlan": {"autoRenewEnabled": True}, "offerDetails": {"basePlanId": "m", "offerId": "o"}},
            {"productId": "extra", "expiryTime": expires, "latestSuccessfulOrderId": "GPA.2"},
        ], **more})


def purchase(state="PURCHASED", acknowledged=False, consumed=False, **more):
    return answer(json={
        "purchaseStateContext": {"purchaseState": state}, "orderId": "GPA.9", "regionCode": "DE",
        "acknowledgementState": f"ACKNOWLEDGEMENT_STATE_{'ACKNOWLEDGED' if acknowledged else 'PENDING'}",
        "purchaseCompletionTime": EXPIRY, "productLineItem": [{"productId": "coins", "productOfferDetails": {
            "quantity": 2, "consumptionState": f"CONSUMPTION_STATE_{'CONSUMED' if consumed else 'YET_TO_BE_CONSUMED'}",
        }}], **more})


def refusal(status, reason="", message="why", word="INVALID_ARGUMENT"):
    errors = [{"reason": reason, "domain": "androidpublisher", "message": message}] if reason else []
    return answer(status, {"error": {"code": status, "message": message, "status": word, "errors": errors}})


EMPTY = answer(204)

# -- purchases on the device


def test_a_purchase_is_an_instruction_without_any_call():
    done = act("request_purchase", params={
        "product_id": "gold", "base_plan_id": "m", "replacement_mode": "CHARGE_PRORATED_PRICE"}, attributes=SYNCED)
    assert (done.requests, done.done.reference) == ((), "evt-1")
    assert connector.actions["request_purchase"].kind == "instruction"
    assert done.done.detail == {
        "instruction": "purchase", "instruction.store": "google_play", "instruction.product_id": "gold",
        "instruction.intent": "upgrade", "instruction.base_plan_id": "m", "instruction.old_purchase_token": TOKEN,
        "instruction.replacement_mode": "CHARGE_PRORATED_PRICE", "instruction.event_id": "evt-1",
        "instruction.obfuscated_account_id": sha256(b"u-1").hexdigest(),
    }


def test_a_new_purchase_replaces_nothing():
    done = act("request_purchase", params={"product_id": "gold", "intent": "purchase"}, attributes=SYNCED)
    assert "instruction.old_purchase_token" not in done.done.detail


# -- reading


def test_a_subscription_is_read_by_the_token_that_the_app_reported():
    replaced = {"linkedPurchaseToken": "old", "testPurchase": {}}
    done = act("verify_subscription", [subscription(**replaced)], context=REPORTED, attributes={
        "google_purchase_token": "another"}, params={"expected_product_id": "gold"})
    assert done.lines == [f"GET {SUBSCRIPTION}"]
    assert done.done == ("GPA.1", "", {
        "status": "active", "product_id": "gold", "expires_at": EXPIRY, "auto_renew": "true", "base_plan_id": "m",
        "offer_id": "o", "region": "DE", "acknowledged": "true", "test": "true", "replaces": purchase_name("old"),
    })


def test_a_synced_token_will_do_and_cannot_leave_its_place_in_the_path():
    done = act("verify_subscription", [subscription()], attributes={"google_purchase_token": "a/../b:cancel"})
    assert done.lines == [f"GET {APP}/purchases/subscriptionsv2/tokens/a%2F..%2Fb%3Acancel"]


def test_an_add_on_is_found_among_the_items():
    done = act("verify_subscription", [subscription()], context=REPORTED, params={"expected_product_id": "extra"})
    assert (done.done.reference, done.done.detail["product_id"]) == ("GPA.2", "extra")


@pytest.mark.parametrize("state", ["ACTIVE", "IN_GRACE_PERIOD", "CANCELED"])
def test_states_with_access_are_good(state):
    assert act("verify_subscription", [subscription(state)], context=REPORTED).done


@pytest.mark.parametrize(("reply", "code"), [
    (subscription(state), f"subscription_{state.lower()}")
    for state in ("PENDING", "PAUSED", "ON_HOLD", "EXPIRED", "PENDING_PURCHASE_CANCELED")
] + [(answer(json=facts), "product_mismatch") for facts in ({"lineItems": [{"productId": "silver"}]}, {})])
def test_a_subscription_without_access_or_of_another_product_is_rejected(reply, code):
    done = act("verify_subscription", [reply], context=REPORTED, params={"expected_product_id": "gold"})
    assert (done.reason, done.code) == ("rejected", code)


def test_an_active_subscription_is_acknowledged_where_that_is_due():
    done = act("verify_subscription", [subscription(acknowledged=False), EMPTY], context=REPORTED,
               params={"acknowledge": True})
    assert done.lines == [f"GET {SUBSCRIPTION}",
                          f"POST {APP}/purchases/subscriptions/gold/tokens/{TOKEN}:acknowledge"]
    assert flows.json(done.requests[1]) == {}
    assert (done.done.reference, done.done.detail["acknowledged"]) == ("GPA.1", "true")


@pytest.mark.parametrize("reply", [
    subscription(acknowledged=True), subscription("IN_GRACE_PERIOD", acknowledged=False),
])
def test_nothing_is_acknowledged_where_it_is_not_due(reply):
    assert len(act("verify_subscription", [reply], context=REPORTED, params={"acknowledge": True}).requests) == 1


def test_a_one_time_purchase_is_read():
    done = act("verify_product", [purchase(testPurchaseContext={})], context=REPORTED,
               params={"expected_product_id": "coins"})
    assert done.lines == [f"GET {PURCHASE}"]
    assert done.done == ("GPA.9", "", {
        "product_id": "coins", "quantity": "2", "acknowledged": "false", "consumed": "false", "region": "DE",
        "purchased_at": EXPIRY, "test": "true",
    })


@pytest.mark.parametrize(("reply", "expected", "code"), [
    (purchase("CANCELLED"), "", "purchase_cancelled"), (purchase("PENDING"), "", "purchase_pending"),
    (answer(json={}), "", "purchase_unknown"), (purchase(), "gems", "product_mismatch"),
])
def test_a_purchase_that_is_not_paid_or_of_another_product_is_rejected(reply, expected, code):
    done = act("verify_product", [reply], context=REPORTED, params={"expected_product_id": expected})
    assert (done.reason, done.code) == ("rejected", code)


# -- acknowledging and consuming


def test_a_subscription_is_acknowledged_once():
    done = act("acknowledge_subscription", [subscription(acknowledged=False), EMPTY], context=REPORTED)
    assert done.lines == [f"GET {SUBSCRIPTION}",
                          f"POST {APP}/purchases/subscriptions/gold/tokens/{TOKEN}:acknowledge"]
    assert done.done == (NAME, "", {})
    again = act("acknowledge_subscription", [subscription()], context=REPORTED)
    assert (again.lines, again.done) == ([f"GET {SUBSCRIPTION}"], (NAME, "already_done", {}))


@pytest.mark.parametrize(("id", "method", "body"), [
    ("acknowledge_product", "acknowledge", {}), ("consume_product", "consume", None),
])
def test_a_one_time_purchase_is_confirmed_by_product_and_token(id, method, body):
    done = act(id, [EMPTY], context=REPORTED)
    assert done.lines == [f"POST {APP}/purchases/products/coins/tokens/{TOKEN}:{method}"]
    assert flows.json(done.requests[0]) == body
    assert (done.requests[0].body is None) == (body is None)
    assert done.done == (NAME, "", {})
    assert "/products/gems/" in act(id, [EMPTY], context=REPORTED, params={"product_id": "gems"}).lines[0]


LOOKS = [
    ("acknowledge_subscription", [subscription(acknowledged=False)], subscription(), subscription(acknowledged=False)),
    ("acknowledge_product", [], purchase(acknowledged=True), purchase()),
    ("consume_product", [], purchase(consumed=True), purchase()),
    ("cancel_subscription", [], subscription("CANCELED"), subscription()),
]


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize(("id", "before", "done_before", "not_done"), LOOKS)
def test_a_refusal_is_a_success_only_where_a_look_shows_that_it_was_done_before(
        id, before, done_before, not_done, status):
    replies = [*before, refusal(status, "invalidPurchaseState")]
    assert act(id, [*replies, done_before], context=REPORTED).done == (NAME, "already_done", {})
    again = act(id, [*replies, not_done], context=REPORTED)
    assert (again.reason, again.code) == ("rejected", "invalidPurchaseState")


@pytest.mark.parametrize(("id", "before", "_yes", "_no"), LOOKS)
def test_a_change_that_is_running_is_waited_for_and_not_looked_into(id, before, _yes, _no):
    done = act(id, [*before, refusal(409, "concurrentUpdate")], context=REPORTED)
    assert (done.reason, done.code) == ("unavailable", "concurrentUpdate")


# -- extending


def defer(*answers, **more):
    return act("defer_renewal", [subscription(), *answers], attributes=SYNCED, params={"days": 7}, **more)


DEFERRED = answer(json={"itemExpiryTimeDetails": [{"productId": "gold", "expiryTime": LATER}]})


def test_exactly_the_subscription_that_was_read_is_extended():
    done = defer(DEFERRED, context={"purchase_token": "another"})
    assert done.lines == [f"GET {SUBSCRIPTION}", f"POST {SUBSCRIPTION}:defer"]
    assert flows.json(done.requests[1]) == {
        "deferralContext": {"deferDuration": "604800s", "etag": "e1", "validateOnly": False}}
    assert done.done == (LATER, "", {"expires_at": LATER})
    assert connector.actions["defer_renewal"].repeat is Repeat.NEVER


STALE = [refusal(409, "conflict"), refusal(412, word="FAILED_PRECONDITION"), refusal(400, message="Etag mismatch")]


@pytest.mark.parametrize("stale", STALE)
def test_a_subscription_that_changed_is_read_again_and_extended_once(stale):
    done = defer(stale, subscription(etag="e2"), DEFERRED)
    assert [one.step for one in done.requests] == ["subscription", "defer", "look_again", "defer_again"]
    assert flows.json(done.requests[3])["deferralContext"]["etag"] == "e2"
    assert done.done.reference == LATER


@pytest.mark.parametrize("stale", STALE)
def test_an_extension_that_is_there_already_is_not_made_again(stale):
    assert defer(stale, subscription(expires=LATER, etag="e2")).done == (LATER, "already_done", {"expires_at": LATER})


@pytest.mark.parametrize("expires", ["2027-03-01T00:00:00Z", "", "soon"])
def test_a_date_that_moved_otherwise_is_for_a_person_to_look_at(expires):
    done = defer(STALE[0], subscription(expires=expires))
    assert (done.reason, done.code) == ("in_doubt", "subscription_changed")


@pytest.mark.parametrize(("answers", "reason"), [
    ([refusal(400, "subscriptionNotDeferrable")], "rejected"), ([refusal(403, "permissionDenied")], "misconfigured"),
    ([STALE[0], subscription(etag="e2"), refusal(409, "concurrentUpdate")], "unavailable"),
])
def test_an_extension_that_google_refuses_is_read_by_who_must_act(answers, reason):
    assert defer(*answers).reason == reason


@pytest.mark.parametrize("days", [0, 366])
def test_days_are_between_1_and_365(days):
    with pytest.raises(ValidationError):
        act("defer_renewal", params={"days": days})


# -- cancelling and giving money back


@pytest.mark.parametrize("kind", ["USER_REQUESTED_STOP_RENEWALS", "DEVELOPER_REQUESTED_STOP_PAYMENTS"])
def test_a_subscription_is_cancelled_by_whoever_wanted_it(kind):
    done = act("cancel_subscription", [answer(json={})], attributes=SYNCED, params={"cancellation_type": kind})
    assert done.lines == [f"POST {SUBSCRIPTION}:cancel"]
    assert flows.json(done.requests[0]) == {"cancellationContext": {"cancellationType": kind}}
    assert done.done == (NAME, "", {})


REVOKED = {"canceledStateContext": {"developerInitiatedCancellation": {}}}


@pytest.mark.parametrize(("params", "context"), [
    ({}, {"proratedRefund": {}}), ({"refund": "full"}, {"fullRefund": {}}),
    ({"refund": "item", "product_id": "extra"}, {"itemBasedRefund": {"productId": "extra"}}),
])
def test_a_subscription_is_revoked_with_the_refund_that_was_chosen(params, context):
    done = act("revoke_subscription", [subscription(), answer(json={})], attributes=SYNCED, params=params)
    assert done.lines == [f"GET {SUBSCRIPTION}", f"POST {SUBSCRIPTION}:revoke"]
    assert flows.json(done.requests[1]) == {"revocationContext": context}
    assert done.done == (NAME, "", {})


def test_a_lost_answer_about_a_single_item_is_never_repeated():
    action = connector.actions["revoke_subscription"]
    safety = [action.safety(action.params(**params), None)
              for params in ({}, {"refund": "full"}, {"refund": "item", "product_id": "extra"})]
    assert safety == [Repeat.LOOK_BEFORE, Repeat.LOOK_BEFORE, Repeat.NEVER]


@pytest.mark.parametrize(("reply", "doubtful", "ended"), [
    (subscription("EXPIRED", **REVOKED), False, "already_done"), (subscription("EXPIRED"), True, "already_done"),
    (subscription("EXPIRED"), False, "subscription_expired"),
])
def test_what_has_ended_is_not_revoked_again(reply, doubtful, ended):
    done = act("revoke_subscription", [reply], attributes=SYNCED, doubtful=doubtful)
    assert done.lines == [f"GET {SUBSCRIPTION}"]
    assert (done.done.note if done.done else done.code) == ended


@pytest.mark.parametrize("params", [{"refund": "item"}, {"refund": "full", "product_id": "gold"}])
def test_an_item_goes_with_the_refund_of_an_item_only(params):
    with pytest.raises(ValidationError, match="goes with the refund 'item'"):
        act("revoke_subscription", params=params)


@pytest.mark.parametrize("revoke", [True, False])
def test_an_order_is_refunded(revoke):
    done = act("refund_order", [answer(json={"orderId": "GPA.1", "state": "PROCESSED"}), EMPTY],
               context={"order_id": "GPA.1"}, params={"revoke": revoke})
    assert done.lines == [f"GET {APP}/orders/GPA.1", f"POST {APP}/orders/GPA.1:refund"]
    assert flows.query(done.requests[1]) == [("revoke", "true" if revoke else "false")]
    assert (done.requests[1].body, done.done) == (None, ("GPA.1", "", {}))


@pytest.mark.parametrize("order", [
    {"state": "REFUNDED"}, {"state": "PENDING_REFUND"}, {"orderHistory": {"refundEvent": {"eventTime": EXPIRY}}},
])
def test_an_order_that_was_refunded_is_not_refunded_again(order):
    done = act("refund_order", [answer(json=order)], attributes={"google_order_id": "GPA.1"})
    assert (done.lines, done.done.note) == ([f"GET {APP}/orders/GPA.1"], "already_done")


# -- what is missing, what is refused


@pytest.mark.parametrize(("id", "names", "more"), [
    ("verify_subscription", ("context.purchase_token", "google_purchase_token"), {}),
    ("verify_product", ("context.purchase_token",), {"attributes": SYNCED}),
    ("acknowledge_subscription", ("context.purchase_token",), {}),
    ("acknowledge_product", ("context.purchase_token",), {}),
    ("acknowledge_product", ("context.product_id",), {"context": {"purchase_token": TOKEN}}),
    ("consume_product", ("context.product_id",), {"context": {"purchase_token": TOKEN}}),
    ("consume_product", ("context.purchase_token",), {"context": {"product_id": "coins"}}),
    ("defer_renewal", ("google_purchase_token", "context.purchase_token"), {"params": {"days": 1}}),
    ("cancel_subscription", ("google_purchase_token", "context.purchase_token"), {}),
    ("revoke_subscription", ("google_purchase_token", "context.purchase_token"), {}),
    ("refund_order", ("context.order_id", "google_order_id"), {}),
])
def test_what_is_missing_is_named_before_any_request(id, names, more):
    done = act(id, **more)
    assert (done.reason, done.failure.names, done.requests) == ("missing_attributes", names, ())


@pytest.mark.parametrize(("reply", "reason", "code"), [
    (refusal(400, "invalid"), "rejected", "invalid"),
    (refusal(401, "authError"), "misconfigured", "authError"),
    (refusal(403, "userInsufficientPermission"), "misconfigured", "userInsufficientPermission"),
    (refusal(403, word="PERMISSION_DENIED"), "misconfigured", "PERMISSION_DENIED"),
    (refusal(404, "notFound"), "rejected", "notFound"),
    (refusal(409, "concurrentUpdate"), "unavailable", "concurrentUpdate"),
    (refusal(410, "purchaseTokenNoLongerValid"), "rejected", "purchaseTokenNoLongerValid"),
    (refusal(410, "subscriptionNoLongerAvailable"), "rejected", "subscriptionNoLongerAvailable"),
    (answer(503, body=b"<html>"), "unavailable", "http_503"),
])
def test_googles_refusals_are_read_by_who_must_act(reply, reason, code):
    done = act("verify_product", [reply], context=REPORTED)
    assert (done.reason, done.code) == (reason, code)


@pytest.mark.parametrize(("status", "reason"), [
    (429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (403, "quotaExceeded"),
])
def test_quotas_cost_no_attempt(status, reason):
    failure = act("verify_product", [refusal(status, reason)], context=REPORTED).failure
    assert (failure.reason, failure.throttled) == ("unavailable", True)


def test_a_401_asks_for_a_new_token():
    assert act("verify_product", [refusal(401)], context=REPORTED).failure.stale_token


# -- settings, signing, connection


def test_requests_are_signed_with_the_token_at_googles_host():
    (request,) = act("verify_product", [purchase()], context=REPORTED).requests
    signed = flows.sign(connector, SETTINGS, request, token=Token("t", NOW + 9))
    assert signed.url == f"https://androidpublisher.googleapis.com{PURCHASE}"
    assert flows.header(signed, "Authorization") == "Bearer t"
    assert flows.header(signed, "Accept") == "application/json"


def test_the_token_opens_this_api_only():
    made = flows.drive(connector.tokens[""](connector.settings.model_validate(SETTINGS), NOW),
                       [answer(json={"access_token": "t", "expires_in": 3600})])
    form = dict(flows.form(made.requests[0]))
    assert made.lines == ["POST https://oauth2.googleapis.com/token"]
    assert google_account.assertion_problem(form, "https://www.googleapis.com/auth/androidpublisher", NOW) == ""
    assert made.done == ("t", NOW + 3300, "")


def test_a_refused_assertion_is_told_in_googles_words():
    reply = answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    made = flows.drive(connector.tokens[""](connector.settings.model_validate(SETTINGS), NOW), [reply], connector.read)
    assert (made.code, made.failure.message) == ("invalid_grant", "Invalid JWT Signature.")


@pytest.mark.parametrize(("wrong", "place"), [
    ({"package_name": "no package"}, "package_name"), ({"package_name": "single"}, "package_name"),
    ({"service_account_json": "{}"}, "service_account_json"), ({"base_url": "https://evil.example"}, "base_url"),
    ({"token_url": "https://evil.example/token"}, "token_url"),
])
def test_settings_that_cannot_work_are_refused_at_their_place(wrong, place):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate({**SETTINGS, **wrong})
    assert [one["loc"] for one in error.value.errors()] == [(place,)]
    assert "PRIVATE KEY" not in str(error.value)


@pytest.mark.parametrize(("reply", "reason"), [
    (answer(json={}), ""), (refusal(401), "misconfigured"), (refusal(404), "rejected"),
])
def test_the_connection_test_looks_at_the_latest_voided_purchase(reply, reason):
    done = flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), [reply], connector.read)
    assert done.lines == [f"GET {APP}/purchases/voidedpurchases"]
    assert flows.query(done.requests[0]) == [("maxResults", "1")]
    assert done.reason == reason
    assert reason or done.done == ("com.example.app", "live")


def picked(name, *answers, **more):
    made = connector.settings.model_validate({**SETTINGS, **more})
    return flows.drive(connector.options[name](made), answers, connector.read)


def test_products_to_pick_come_from_the_settings():
    assert [one.value for one in picked("products", products=["gold", "silver"]).done] == ["gold", "silver"]


GOLD = {"productId": "gold", "listings": [{"languageCode": "en", "title": "Gold"}], "basePlans": [
    {"basePlanId": "monthly", "state": "ACTIVE"}, {"basePlanId": "old", "state": "INACTIVE"}]}
SILVER = {"productId": "silver", "basePlans": [{"basePlanId": "monthly", "state": "ACTIVE"}]}


def test_where_the_settings_name_no_products_google_is_asked_for_all():
    run = picked("products", answer(json={"subscriptions": [GOLD], "nextPageToken": "t"}),
                 answer(json={"subscriptions": [SILVER]}), answer(json={"oneTimeProducts": [{"productId": "coins"}]}))
    assert run.lines == [f"GET {APP}/subscriptions"] * 2 + [f"GET {APP}/oneTimeProducts"]
    assert [flows.query(one) for one in run.requests] == [
        [("pageSize", "1000")], [("pageSize", "1000"), ("pageToken", "t")], [("pageSize", "1000")]]
    assert run.done == [Option("gold", "Gold (gold)"), Option("silver", "silver (silver)"),
                        Option("coins", "coins (coins)")]


def test_base_plans_that_can_be_bought_are_listed_once_with_their_subscriptions():
    run = picked("base_plans", answer(json={"subscriptions": [GOLD, SILVER]}), products=["gold"])
    assert run.done == [Option("monthly", "Gold; silver (monthly)")]


def test_offers_that_can_be_taken_are_listed_with_their_base_plans():
    row = {"productId": "gold", "basePlanId": "monthly", "offerId": "winback", "state": "ACTIVE"}
    run = picked("offers", answer(json={"subscriptionOffers": [row, {**row, "offerId": "x", "state": "DRAFT"}]}))
    assert run.lines == [f"GET {APP}/subscriptions/-/basePlans/-/offers"]
    assert run.done == [Option("winback", "gold, monthly (winback)")]


# -- the vendor's description

EVERY = [
    ("verify_subscription", [subscription(acknowledged=False), EMPTY], {"acknowledge": True}),
    ("verify_product", [purchase()], {}),
    ("acknowledge_product", [EMPTY], {}), ("consume_product", [EMPTY], {}),
    ("defer_renewal", [subscription(), DEFERRED], {"days": 30}),
    ("cancel_subscription", [answer(json={})], {}),
    ("revoke_subscription", [subscription(), answer(json={})], {}),
    ("revoke_subscription", [subscription(), answer(json={})], {"refund": "full"}),
    ("revoke_subscription", [subscription(), answer(json={})], {"refund": "item", "product_id": "extra"}),
    ("refund_order", [answer(json={"state": "PROCESSED", "orderHistory": {}}), EMPTY], {"revoke": True}),
]


@pytest.mark.parametrize(("id", "answers", "params"), EVERY)
def test_requests_and_answers_are_what_googles_description_says(id, answers, params):
    found = discovery.load_methods("google_play")
    if found is None:
        pytest.skip("no specifications beside the project")
    done = act(id, answers, params=params, context={**REPORTED, "order_id": "GPA.1"})
    check = flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), [answer(json={})])
    assert [found.problems(one) for one in (*done.requests, *check.requests)] == [[]] * (len(done.requests) + 1)
    told = [(request, reply) for request, reply in zip(done.requests, answers, strict=True) if reply.body]
    assert [found.answer_problems(request, reply.json) for request, reply in told] == [[]] * len(told)


def test_the_description_can_find_fault():
    found = discovery.load_methods("google_play")
    if found is None:
        pytest.skip("no specifications beside the project")
    (request,) = act("cancel_subscription", [answer(json={})], context=REPORTED).requests
    assert found.problems(request._replace(path=f"{SUBSCRIPTION}:stop"))
    assert found.problems(request._replace(query=(("now", "1"),)))
    assert found.problems(request._replace(body=b'{"cancellationContext": {"cancellationType": "X"}}'))
    assert found.problems(request._replace(path=f"{APP}/purchases/products/a/tokens/b:consume"))
    assert found.answer_problems(request._replace(method="GET", path=SUBSCRIPTION), {"etag": 7})
