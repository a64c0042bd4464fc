"""Recurly's flows against its emulator over HTTP: what is done twice has one effect."""

import time

import pytest

from connectors.billing.recurly import connector
from connectors.kit import Failure, InDoubt, Misconfigured, Rejected, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.recurly import API_KEY
from testkit.vendors.server import VendorServer

CASES = [
    ("apply_coupon", "ann", {"coupon_id": "c-SAVE20"}, "coupon.redeemed"),
    ("apply_coupon", "ann", {"coupon_id": "code-ONCE"}, "coupon.redeemed"),
    ("apply_coupon", "ann", {"coupon_id": "c-FORSUB", "scope": "subscription"}, "coupon.redeemed"),
    ("pause_subscription", "ann", {"pause_cycles": 2}, "subscription.pause_planned"),
    ("resume_subscription", "paused-ann", {}, "subscription.resumed"),
    ("switch_subscription", "ann", {"plan_code": "gold", "proration_charge": "none"}, "subscription.changed"),
    ("switch_subscription", "ann", {"plan_code": "gold", "timeframe": "term_end"}, "subscription.change_planned"),
    ("create_subscription", "free-ann", {"plan_code": "gold", "currency": "USD"}, "subscription.created"),
    ("create_subscription", "ann", {"plan_code": "gold", "currency": "USD", "if_subscribed": "add_another"},
     "subscription.created"),
    ("reactivate_subscription", "canceled-ann", {}, "subscription.reactivated"),
    ("update_subscription_price", "ann", {"unit_amount": "7.77"}, "subscription.changed"),
    ("update_subscription_price", "ann", {"unit_amount": "7.77", "timeframe": "bill_date"},
     "subscription.change_planned"),
    ("convert_trial", "trial-ann", {}, "subscription.trial_converted"),
    ("record_usage", "ann", {"add_on_code": "gb", "amount": "2.5"}, "usage.recorded"),
    ("cancel_subscription", "ann", {}, "subscription.canceled"),
    ("cancel_subscription", "ann", {"refund": "full"}, "subscription.expired_with_full_refund"),
]
CHANGE_IDS = {"switch_subscription", "update_subscription_price"}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def recurly(server):
    return Emulated(server, connector, {"api_key": API_KEY})


def do(vendor, id, code, params=None, number=1, later=0, **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"account_code": code}, now=now + later,
                     time=int(now * 1000), **more)


def test_connection_and_pick_lists(recurly):
    assert recurly.ask(connector.check) == ("emulator", "sandbox")
    found = {name: [one.value for one in recurly.ask(flow)] for name, flow in connector.options.items()}
    assert found["plans"] == ["silver", "gold", "platinum"]
    assert found["coupons"] == ["c-SAVE20", "c-TENOFF", "c-ONCE", "c-FORSUB"]
    assert found["add_ons"] == ["gb"]


@pytest.mark.parametrize(("id", "code", "params", "kind"), CASES)
def test_an_action_done_again_as_after_a_crash_has_one_effect(recurly, id, code, params, kind):
    first = do(recurly, id, code, params)
    assert recurly.kinds == [kind]
    again = do(recurly, id, code, params)
    assert recurly.kinds == [kind]
    assert first.note == ""
    assert again.reference == (first.detail["subscription"] if id in CHANGE_IDS else first.reference)


@pytest.mark.parametrize(("id", "code", "params", "kind"),
                         [one for one in CASES if one[0] != "apply_coupon"])
def test_what_looks_before_it_acts_has_one_effect_when_recurly_has_forgotten_the_key(recurly, id, code, params, kind):
    do(recurly, id, code, params)
    recurly.control.advance(2 * 3600)
    do(recurly, id, code, params, later=2 * 3600, doubtful=True)
    assert recurly.kinds == [kind]


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)


@pytest.mark.parametrize("refund", ["at_term_end", "full"])
def test_of_two_subscriptions_only_one_ends_for_one_interaction(recurly, refund):
    recurly.control.seed("recurly", "subscription", id="s-2", account="ann", plan="gold")
    for _ in range(3):
        do(recurly, "cancel_subscription", "ann", {"refund": refund})
    assert len(recurly.effects) == 1


@pytest.mark.parametrize(("id", "code", "params"), [
    ("create_subscription", "free-broke", {"plan_code": "gold", "currency": "USD"}),
    ("convert_trial", "trial-broke", {}), ("resume_subscription", "paused-broke", {}),
])
def test_a_card_that_does_not_pay_leaves_nothing_behind(recurly, id, code, params):
    with pytest.raises(Rejected, match="insufficient_funds"):
        do(recurly, id, code, params)
    assert recurly.effects == []


@pytest.mark.parametrize("id", sorted(connector.actions))
def test_an_account_that_does_not_exist_is_not_made(recurly, id):
    with pytest.raises(Rejected, match="user_not_found"):
        do(recurly, id, "missing", next(one[2] for one in CASES if one[0] == id))
    assert recurly.effects == []


def test_a_lost_answer_is_given_again_under_the_same_key(recurly):
    recurly.control.fault("half_body", vendor="recurly", method="POST", times=1)
    with pytest.raises((Failure, OSError)):
        do(recurly, "record_usage", "ann", {"add_on_code": "gb", "amount": 1})
    done = do(recurly, "record_usage", "ann", {"add_on_code": "gb", "amount": 1})
    assert (len(recurly.effects), done.reference) == (1, recurly.effects[0].detail["usage"])


@pytest.mark.parametrize(("status", "failure"), [
    (429, Unavailable), (503, Unavailable), (500, Unavailable), (409, Unavailable), (403, Misconfigured)])
def test_scripted_trouble_is_read_by_who_must_act(recurly, status, failure):
    recurly.control.fault("answer", vendor="recurly", method="PUT", status=status)
    with pytest.raises(failure):
        do(recurly, "pause_subscription", "ann", {"pause_cycles": 1})


def test_a_stored_server_error_is_in_doubt_when_it_comes_again(recurly):
    recurly.control.fault("answer", vendor="recurly", method="POST", status=500, taken=True, stored=True, times=1)
    with pytest.raises(Unavailable):
        do(recurly, "record_usage", "ann", {"add_on_code": "gb", "amount": 1})
    with pytest.raises(InDoubt):
        do(recurly, "record_usage", "ann", {"add_on_code": "gb", "amount": 1})
    assert len(recurly.effects) == 1


def test_a_wrong_key_is_misconfigured(server):
    wrong = Emulated(server, connector, {"api_key": "wrong"})
    with pytest.raises(Misconfigured):
        wrong.ask(connector.check)
