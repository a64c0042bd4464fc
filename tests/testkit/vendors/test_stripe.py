"""The emulated Stripe behaves as its card says: forms, strictness, keys, discounts, trials, schedules."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest

from testkit.vendors.credentials import STRIPE_API_KEY, STRIPE_READ_ONLY_KEY
from testkit.vendors.stripe_form import nested

DAY = 86400


@pytest.fixture
def stripe(caller):
    return caller("stripe", Authorization=f"Bearer {STRIPE_API_KEY}", Stripe_Version="2026-10-28.endive")


def kinds(control) -> list[str]:
    return [one.kind for one in control.ledger("stripe")]


# --- credentials, encoding, strictness


def test_a_key_is_asked_for_as_bearer_or_basic(caller):
    assert caller("stripe")("GET", "/v1/balance").status == 401
    assert caller("stripe", Authorization="Bearer wrong")("GET", "/v1/balance").status == 401
    basic = b64encode(f"{STRIPE_API_KEY}:".encode()).decode()
    got = caller("stripe", Authorization=f"Basic {basic}")("GET", "/v1/balance")
    assert (got.status, got.json["object"]) == (200, "balance")
    assert got.headers["request-id"].startswith("req_")


def test_a_key_without_the_permission_gets_403(caller):
    reads = caller("stripe", Authorization=f"Bearer {STRIPE_READ_ONLY_KEY}")
    assert reads("GET", "/v1/account").status == 200
    assert reads("POST", "/v1/subscriptions/sub_ann", form={"description": "x"}).status == 403


def test_an_account_that_the_key_cannot_reach_gets_403(stripe):
    assert stripe("GET", "/v1/balance", Stripe_Account="acct_shop").status == 200
    assert stripe("GET", "/v1/balance", Stripe_Account="acct_missing").status == 403


def test_brackets_become_lists_and_hashes():
    pairs = [("items[0][price]", "p"), ("items[1][price]", "q"), ("expand[]", "a"), ("expand[]", "b"), ("m[x]", "1"),
             ("discounts", "")]
    assert nested(pairs) == {"items": [{"price": "p"}, {"price": "q"}], "expand": ["a", "b"], "m": {"x": "1"},
                             "discounts": ""}


@pytest.mark.parametrize(("form", "param"), [
    ({"coupon": "SAVE20"}, "coupon"),
    ({"promotion_code": "promo_FALL20"}, "promotion_code"),
    ({"items[0][plan]": "x"}, "items[0][plan]"),
    ({"cancel_at_period_end": "yes"}, "cancel_at_period_end"),
    ({"payment_behavior": "hope"}, "payment_behavior"),
    ({"cancellation_details[feedback]": "boring"}, "cancellation_details[feedback]"),
    ({"billing_cycle_anchor": "now"}, "billing_cycle_anchor"),
])
def test_what_stripe_does_not_know_is_refused_by_name(stripe, control, form, param):
    got = stripe("POST", "/v1/subscriptions/sub_ann", form=form)
    assert (got.status, got.json["error"]["param"]) == (400, param)
    assert control.ledger("stripe") == []


def test_a_json_body_is_refused(stripe):
    got = stripe("POST", "/v1/subscriptions/sub_ann", data={"description": "x"})
    assert (got.status, got.json["error"]["type"]) == (400, "invalid_request_error")


# --- look-ups


def test_an_address_leads_to_its_customer_exactly_or_not_at_all(stripe):
    def found(address: str) -> list[str]:
        return [one["id"] for one in stripe("GET", f"/v1/customers?email={address}&limit=2").json["data"]]

    assert found("ann%40example.com") == ["cus_ann"]
    assert found("Ann%40example.com") == []
    assert found("missing-ann%40example.com") == []
    assert found("twins%40example.com") == ["cus_twins-newer", "cus_twins"]


def test_unknown_ids_are_not_found_in_the_path_and_refused_in_a_parameter(stripe):
    got = stripe("GET", "/v1/customers/cus_missing")
    assert (got.status, got.json["error"]["code"]) == (404, "resource_missing")
    got = stripe("GET", "/v1/subscriptions?customer=cus_missing")
    assert (got.status, got.json["error"]["param"]) == (400, "customer")


def test_the_card_s_lists_can_be_read(stripe):
    prices = stripe("GET", "/v1/prices?active=true&type=recurring&limit=100&expand[]=data.product").json["data"]
    assert {one["id"]: one["product"]["name"] for one in prices}["price_basic"] == "Basic"
    coupons = {one["id"]: one["valid"] for one in stripe("GET", "/v1/coupons?limit=100").json["data"]}
    assert (coupons["SAVE20"], coupons["EXPIRED"]) == (True, False)
    codes = stripe("GET", "/v1/promotion_codes?active=true&code=fall20").json["data"]
    assert [one["id"] for one in codes] == ["promo_FALL20"]


def test_lists_are_paged_by_the_last_id(stripe):
    first = stripe("GET", "/v1/coupons?limit=3").json
    assert first["has_more"]
    rest = stripe("GET", f"/v1/coupons?limit=3&starting_after={first['data'][-1]['id']}").json
    assert not rest["has_more"]
    assert not {one["id"] for one in first["data"]} & {one["id"] for one in rest["data"]}


def test_subscriptions_are_found_by_customer_price_and_status(stripe):
    def found(query: str) -> list[str]:
        return [one["id"] for one in stripe("GET", f"/v1/subscriptions?{query}").json["data"]]

    assert found("customer=cus_ann") == ["sub_ann"]
    assert found("customer=cus_ann&price=price_premium") == []
    assert found("customer=cus_ann&status=trialing") == []
    assert found("customer=cus_trial-ann&status=trialing") == ["sub_trial-ann"]
    assert found("customer=cus_free-ann") == []


# --- discounts


def test_a_coupon_becomes_a_discount_that_the_next_read_shows(stripe, control):
    got = stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "SAVE20"}, Idempotency_Key="k1")
    read = stripe("GET", "/v1/subscriptions?customer=cus_ann&expand[]=data.discounts").json["data"][0]
    (discount,) = read["discounts"]
    assert [discount["id"]] == got.json["discounts"]
    assert discount["source"] == {"coupon": "SAVE20", "type": "coupon"}
    (effect,) = control.ledger("stripe")
    assert (effect.kind, effect.user, effect.key) == ("subscription.discount_added", "ann", "k1")
    assert effect.detail["coupon"] == "SAVE20"


def test_a_list_of_discounts_replaces_what_is_there(stripe, control):
    first = stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "SAVE20"}).json["discounts"][0]
    both = stripe("POST", "/v1/subscriptions/sub_ann",
                  form={"discounts[0][discount]": first, "discounts[1][coupon]": "XMAS"}).json["discounts"]
    assert both[0] == first
    assert stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts": ""}).json["discounts"] == []
    assert kinds(control) == ["subscription.discount_added"] * 2 + ["subscription.discount_removed"] * 2


def test_a_deleted_coupon_cannot_be_given_until_somebody_makes_it_again(stripe, control):
    give = {"form": {"discounts[0][coupon]": "SAVE20"}}
    stripe("POST", "/v1/subscriptions/sub_ann", **give)
    assert control.command("stripe", "delete_coupon", id="SAVE20")
    assert stripe("POST", "/v1/subscriptions/sub_bob", **give).json["error"]["code"] == "resource_missing"
    assert stripe("GET", "/v1/coupons/SAVE20").status == 404
    control.seed("stripe", "coupon", id="SAVE20")
    stripe("POST", "/v1/subscriptions/sub_bob", **give)
    assert [one.user for one in control.ledger("stripe")] == ["ann", "bob"]


@pytest.mark.parametrize(("form", "code"), [
    ({"discounts[0][coupon]": "missing"}, "resource_missing"),
    ({"discounts[0][coupon]": "EXPIRED"}, "coupon_expired"),
    ({"discounts[0][promotion_code]": "promo_missing"}, "resource_missing"),
    ({"discounts[0][promotion_code]": "promo_used-up"}, None),
    ({"discounts[0][discount]": "di_of_nobody"}, "resource_missing"),
])
def test_discounts_that_cannot_be_given_are_refused(stripe, control, form, code):
    error = stripe("POST", "/v1/subscriptions/sub_ann", form=form).json["error"]
    assert error.get("code") == code
    assert error["param"].startswith("discounts[0]")
    assert control.ledger("stripe") == []


# --- idempotency


def test_a_repeat_with_its_key_is_replayed_and_happens_once(stripe, control):
    form = {"discounts[0][coupon]": "SAVE20"}
    first = stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    again = stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(control.ledger("stripe")) == 1
    assert [one.key for one in control.replays("stripe")] == ["k"]


def test_a_repeat_without_a_key_happens_twice(stripe, control):
    for _ in range(2):
        stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "SAVE20"})
    assert kinds(control).count("subscription.discount_added") == 2


def test_a_key_with_other_parameters_is_an_idempotency_error(stripe):
    stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "SAVE20"}, Idempotency_Key="k")
    got = stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "XMAS"}, Idempotency_Key="k")
    assert (got.status, got.json["error"]["type"]) == (400, "idempotency_error")


def test_a_refusal_by_validation_is_not_kept_under_the_key(stripe):
    assert stripe("POST", "/v1/subscriptions/sub_ann", form={"x": "1"}, Idempotency_Key="k").status == 400
    got = stripe("POST", "/v1/subscriptions/sub_ann", form={"description": "x"}, Idempotency_Key="k")
    assert got.status == 200


def test_a_refusal_by_the_work_is_kept_under_the_key(stripe, control):
    form = {"discounts[0][coupon]": "LATER"}
    control.seed("stripe", "coupon", id="LATER", valid=False)
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k").status == 400
    control.seed("stripe", "coupon", id="LATER", valid=True)
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k").status == 400
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k2").status == 200


def test_a_key_is_forgotten_after_a_day(stripe, control):
    form = {"discounts[0][coupon]": "SAVE20"}
    stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    control.advance(DAY + 1)
    stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    assert kinds(control).count("subscription.discount_added") == 2


def test_a_stored_500_is_replayed_and_says_not_to_retry(stripe, control):
    form = {"discounts[0][coupon]": "SAVE20"}
    control.fault(vendor="stripe", status=500, taken=True, stored=True, times=1)
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k").status == 500
    again = stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    assert (again.status, again.headers["stripe-should-retry"]) == (500, "false")
    assert len(control.ledger("stripe")) == 1


def test_a_key_whose_request_still_runs_gets_409(stripe, control):
    form = {"discounts[0][coupon]": "SAVE20"}
    control.fault("delay", vendor="stripe", delay=30, times=1)
    with pytest.raises(TimeoutError):
        stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k", timeout=0.2)
    got = stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k")
    assert (got.status, got.json["error"]["code"]) == (409, "idempotency_key_in_use")
    control.advance(31)
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form, Idempotency_Key="k").status == 200


def test_409_on_demand_is_a_lock_timeout(stripe, control):
    control.fault(vendor="stripe", status=409)
    assert stripe("GET", "/v1/balance").json["error"]["code"] == "lock_timeout"


def test_a_key_that_is_too_long_is_refused(stripe):
    got = stripe("POST", "/v1/subscriptions/sub_ann", form={"description": "x"}, Idempotency_Key="k" * 256)
    assert got.status == 400


# --- subscriptions


NEW = {"customer": "cus_free-ann", "items[0][price]": "price_premium", "items[0][quantity]": "2",
       "payment_behavior": "error_if_incomplete", "off_session": "true", "metadata[engage_event_id]": "event-1"}


def test_a_subscription_is_created_and_then_found(stripe, control):
    made = stripe("POST", "/v1/subscriptions", form={**NEW, "discounts[0][coupon]": "SAVE20"}).json
    assert (made["status"], made["items"]["data"][0]["quantity"], len(made["discounts"])) == ("active", 2, 1)
    found = stripe("GET", "/v1/subscriptions?customer=cus_free-ann&price=price_premium").json["data"]
    assert [one["id"] for one in found] == [made["id"]]
    assert kinds(control) == ["subscription.created", "subscription.discount_added"]
    assert control.ledger("stripe")[0].mark == "event-1"


def test_a_subscription_can_begin_with_a_trial(stripe):
    made = stripe("POST", "/v1/subscriptions", form={**NEW, "trial_period_days": "14"}).json
    assert made["status"] == "trialing"
    assert abs(made["trial_end"] - time.time() - 14 * DAY) < 60


def test_a_declined_card_creates_nothing(stripe, control):
    control.seed("stripe", "customer", id="cus_broke")
    got = stripe("POST", "/v1/subscriptions", form={**NEW, "customer": "cus_broke"})
    assert (got.status, got.json["error"]["decline_code"]) == (402, "insufficient_funds")
    assert stripe("GET", "/v1/subscriptions?customer=cus_broke").json["data"] == []
    got = stripe("POST", "/v1/subscriptions", form={**NEW, "customer": "cus_broke",
                                                    "payment_behavior": "allow_incomplete"})
    assert got.json["status"] == "incomplete"


def test_an_unknown_price_is_named(stripe):
    error = stripe("POST", "/v1/subscriptions", form={**NEW, "items[0][price]": "price_missing"}).json["error"]
    assert (error["code"], error["param"]) == ("resource_missing", "items[0][price]")


def test_an_end_at_the_period_s_end_is_noted_once(stripe, control):
    for _ in range(2):
        got = stripe("POST", "/v1/subscriptions/sub_ann",
                     form={"cancel_at_period_end": "true", "cancellation_details[feedback]": "too_expensive"}).json
    assert (got["status"], got["cancel_at_period_end"]) == ("active", True)
    assert got["cancel_at"] == got["items"]["data"][0]["current_period_end"]
    assert kinds(control) == ["subscription.cancel_scheduled"]


def test_a_canceled_subscription_cannot_be_canceled_again(stripe, control):
    got = stripe("DELETE", "/v1/subscriptions/sub_ann?prorate=true&invoice_now=false")
    assert got.json["status"] == "canceled"
    assert stripe("DELETE", "/v1/subscriptions/sub_ann").status == 404
    assert stripe("GET", "/v1/subscriptions?customer=cus_ann").json["data"] == []
    assert len(stripe("GET", "/v1/subscriptions?customer=cus_ann&status=canceled").json["data"]) == 1
    assert kinds(control) == ["subscription.canceled"]


def test_a_trial_is_moved_by_an_absolute_time(stripe, control):
    trial = stripe("GET", "/v1/subscriptions/sub_trial-ann").json
    end = str(trial["trial_end"] + 7 * DAY)
    for _ in range(2):
        got = stripe("POST", "/v1/subscriptions/sub_trial-ann", form={"trial_end": end, "proration_behavior": "none"})
        assert got.json["trial_end"] == int(end)
    assert kinds(control) == ["subscription.trial_moved"]


@pytest.mark.parametrize("ahead", [-DAY, 800 * DAY])
def test_a_trial_end_in_the_past_or_too_far_ahead_is_refused(stripe, ahead):
    got = stripe("POST", "/v1/subscriptions/sub_trial-ann", form={"trial_end": str(int(time.time()) + ahead)})
    assert (got.status, got.json["error"]["param"]) == (400, "trial_end")


def test_a_changed_price_keeps_the_quantity_only_if_it_is_sent(stripe, control):
    form = {"items[0][id]": "si_ann", "items[0][quantity]": "3"}
    stripe("POST", "/v1/subscriptions/sub_ann", form=form)
    form = {"items[0][id]": "si_ann", "items[0][price]": "price_premium"}
    got = stripe("POST", "/v1/subscriptions/sub_ann", form=form)
    line = got.json["items"]["data"][0]
    assert (line["price"]["id"], line["quantity"]) == ("price_premium", 1)
    assert kinds(control) == ["subscription.items_changed"] * 2


def test_a_declined_upgrade_changes_nothing_or_waits(stripe, control):
    form = {"items[0][id]": "si_broke", "items[0][price]": "price_premium", "items[0][quantity]": "1"}
    got = stripe("POST", "/v1/subscriptions/sub_broke", form={**form, "payment_behavior": "error_if_incomplete"})
    assert got.status == 402
    assert stripe("GET", "/v1/subscriptions/sub_broke").json["items"]["data"][0]["price"]["id"] == "price_basic"
    got = stripe("POST", "/v1/subscriptions/sub_broke", form={**form, "payment_behavior": "pending_if_incomplete"})
    assert got.json["pending_update"] is not None
    assert got.json["items"]["data"][0]["price"]["id"] == "price_basic"
    assert kinds(control) == ["subscription.update_pending"]


def test_an_item_is_removed_but_never_the_last(stripe):
    got = stripe("POST", "/v1/subscriptions/sub_ann", form={"items[0][price]": "price_premium"}).json
    assert len(got["items"]["data"]) == 2
    gone = {"items[0][id]": "si_ann", "items[0][deleted]": "true", "proration_behavior": "none"}
    got = stripe("POST", "/v1/subscriptions/sub_ann", form=gone).json
    assert [one["price"]["id"] for one in got["items"]["data"]] == ["price_premium"]
    last = {"items[0][id]": got["items"]["data"][0]["id"], "items[0][deleted]": "true"}
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=last).status == 400


# --- schedules


def phases(schedule) -> dict[str, str]:
    current = schedule["current_phase"]
    return {
        "end_behavior": "release", "proration_behavior": "none",
        "phases[0][start_date]": str(current["start_date"]), "phases[0][end_date]": str(current["end_date"]),
        "phases[0][items][0][price]": "price_basic", "phases[0][items][0][quantity]": "1",
        "phases[1][items][0][price]": "price_premium", "phases[1][items][0][quantity]": "1",
        "phases[1][duration][interval]": "month", "phases[1][duration][interval_count]": "1",
    }


def test_a_schedule_takes_a_subscription_over_and_gets_a_second_phase(stripe, control):
    made = stripe("POST", "/v1/subscription_schedules", form={"from_subscription": "sub_ann"}).json
    assert stripe("GET", "/v1/subscriptions/sub_ann").json["schedule"] == made["id"]
    got = stripe("POST", f"/v1/subscription_schedules/{made['id']}", form=phases(made)).json
    assert [one["items"][0]["price"] for one in got["phases"]] == ["price_basic", "price_premium"]
    assert stripe("GET", f"/v1/subscription_schedules/{made['id']}").json["phases"] == got["phases"]
    assert kinds(control) == ["subscription_schedule.created", "subscription_schedule.updated"]


def test_a_scheduled_subscription_is_not_canceled_nor_scheduled_again(stripe):
    made = stripe("POST", "/v1/subscription_schedules", form={"from_subscription": "sub_ann"}).json
    assert stripe("POST", "/v1/subscription_schedules", form={"from_subscription": "sub_ann"}).status == 400
    cancel = {"cancel_at_period_end": "true"}
    error = stripe("POST", "/v1/subscriptions/sub_ann", form=cancel).json["error"]
    assert "managed by the subscription schedule" in error["message"]
    assert stripe("POST", f"/v1/subscription_schedules/{made['id']}/release", form={}).status == 200
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=cancel).status == 200


def test_iterations_are_gone_from_phases(stripe):
    made = stripe("POST", "/v1/subscription_schedules", form={"from_subscription": "sub_ann"}).json
    form = {**phases(made), "phases[1][iterations]": "1"}
    error = stripe("POST", f"/v1/subscription_schedules/{made['id']}", form=form).json["error"]
    assert (error["code"], error["param"]) == ("parameter_unknown", "phases[1][iterations]")


def test_a_coupon_that_is_deleted_is_gone_until_it_is_seeded(stripe, control):
    form = {"discounts[0][coupon]": "SAVE20"}
    assert control.command("stripe", "delete_coupon", id="SAVE20") is True
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form).json["error"]["code"] == "resource_missing"
    control.seed("stripe", "coupon", id="SAVE20")
    assert stripe("POST", "/v1/subscriptions/sub_ann", form=form).status == 200
