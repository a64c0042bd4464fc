"""Stripe's own mock server takes every request of ours: it holds them against Stripe's published specification."""

import os

import pytest
import requests

from connectors.billing.stripe import connector
from connectors.kit import post
from testkit import flows, stripe_mock
from testkit.flows import answer

pytestmark = pytest.mark.vendor
SETTINGS = {"api_key": "rk_test_1"}
END = 1_900_000_000
ITEM = {"id": "si_1", "price": {"id": "old"}, "quantity": 3}
SUB = {"id": "sub_1", "status": "active", "created": 1, "items": {"data": [ITEM]}, "discounts": [], "schedule": None,
       "metadata": {}}
TWO = {**SUB, "items": {"data": [ITEM, {**ITEM, "id": "si_2", "price": {"id": "other"}}]}}
PHASE = {"start_date": 1, "end_date": END, "collection_method": "charge_automatically", "default_tax_rates": ["txr_1"],
         "discounts": [{"coupon": "c0"}], "trial_end": None,
         "items": [{"price": "old", "quantity": 3, "tax_rates": ["txr_2"], "discounts": []}]}
SCHEDULE = {"id": "sub_sched_1", "current_phase": {"start_date": 1}, "phases": [PHASE]}
PRICE = {"id": "new", "recurring": {"interval": "month", "interval_count": 1}}


def page(*rows):
    return {"object": "list", "data": list(rows), "has_more": False}


RUNS = {
    "subscribe": ("subscribe_plan", {"price_id": "new", "trial_period_days": 7, "coupon_id": "c1"}, [page(), SUB]),
    "subscribe with a code": ("subscribe_plan", {
        "price_id": "new", "quantity": 2, "promotion_code_id": "promo_1", "payment_behavior": "allow_incomplete",
    }, [page(), SUB]),
    "unsubscribe": ("unsubscribe_plan", {"price_id": "old", "feedback": "too_expensive"}, [page(SUB), SUB]),
    "unsubscribe now": ("unsubscribe_plan", {
        "price_id": "old", "when": "immediately", "prorate": True, "feedback": "unused"}, [page(SUB), page(), SUB]),
    "remove one of two": ("unsubscribe_plan", {"price_id": "old", "when": "immediately"}, [page(TWO), page(), SUB]),
    "coupon": ("apply_coupon", {"coupon_id": "c1"}, [page(SUB), SUB]),
    "promotion code": ("apply_coupon", {"promotion_code_id": "promo_1"}, [page(SUB), SUB]),
    "trial": ("extend_trial", {"days": 2}, [page({**SUB, "status": "trialing", "trial_end": END}), SUB]),
    "switch": ("switch_subscription", {"price_id": "new"}, [page(SUB), SUB]),
    "switch later": ("switch_subscription", {"price_id": "new", "when": "period_end"},
                     [page(SUB), SCHEDULE, PRICE, SCHEDULE]),
    "switch later, planned already": ("switch_subscription", {"price_id": "new", "when": "period_end"},
                                      [page({**SUB, "schedule": "sub_sched_1"}), SCHEDULE, PRICE, SCHEDULE]),
    "update": ("update_subscription", {"price_id": "new", "quantity": 2}, [page(SUB), SUB]),
}


@pytest.fixture(scope="module")
def mock():
    if "TESTKIT_VENDOR_PACKAGES" not in os.environ:
        pytest.skip("run by `make test-vendors`: it may have to be built")
    try:
        with stripe_mock.running() as address:
            yield address
    except stripe_mock.NoStripeMock as why:
        pytest.skip(f"Stripe's mock server cannot be had: {why}")


def taken(mock, request):
    """What the server says to a request of ours, signed as it goes out."""
    signed = flows.sign(connector, {**SETTINGS, "base_url": mock, "allow_test_hosts": True}, request)
    headers = dict(line.split(": ", 1) for line in signed.headers)
    return requests.request(signed.method, signed.url, headers=headers, data=signed.body, timeout=10)


def run(id, params, replies, attributes=None):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes=attributes or {"stripe_id": "cus_1"})
    return flows.run(connector, id, made, [answer(json=one) for one in replies])


@pytest.mark.parametrize("name", RUNS)
def test_every_request_is_one_that_stripe_knows(mock, name):
    ended = run(*RUNS[name])
    assert ended.failure is None
    assert [taken(mock, one).status_code for one in ended.requests] == [200] * len(ended.requests)


def test_every_action_is_among_them():
    assert {one[0] for one in RUNS.values()} == set(connector.actions)


def test_look_ups_pick_lists_and_the_connection_test_are_known_too(mock):
    settings = connector.settings.model_validate(SETTINGS)
    asked = [
        *run("extend_trial", {"days": 1}, [page({"id": "cus_1"}), page()], {"email_address": "a+b@x.io"}).requests,
        *[one for name in connector.options for one in
          flows.drive(connector.options[name](settings), [answer(json=page())], connector.read).requests],
        *flows.drive(connector.check(settings), [answer(403), answer(json=page())], connector.read).requests,
    ]
    assert [taken(mock, one).status_code for one in asked] == [200] * len(asked)


@pytest.mark.parametrize("form", [{"items": "x"}, {"trial_period_days": "soon"}, {"surprise": "1"}])
def test_the_mock_does_refuse_what_stripe_does_not_know(mock, form):
    refused = taken(mock, post("/v1/subscriptions", form={"customer": "cus_1", **form}))
    assert refused.status_code == 400, "else it shows nothing"


def test_an_answer_of_the_mock_is_read_as_a_success(mock):
    got = taken(mock, run(*RUNS["subscribe"]).requests[1])
    ended = run("subscribe_plan", {"price_id": "new"}, [page(), got.json()])
    assert ended.done.reference == got.json()["id"]
