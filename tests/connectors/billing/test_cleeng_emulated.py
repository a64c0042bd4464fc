"""Cleeng's flows against its emulator over HTTP: what is done twice has one effect, but for a moved end."""

import time

import pytest

from connectors.billing.cleeng import connector
from connectors.kit import Failure, Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.cleeng import ABROAD, BASIC, PREMIUM, TOKEN
from testkit.vendors.server import VendorServer

CUSTOMER = 700000001
NUMBER = "1000000001"
CASES = [
    ("switch_subscription", {"to_offer_id": PREMIUM, "switch_direction": "upgrade"}, "switch.requested"),
    ("switch_subscription", {"to_offer_id": PREMIUM, "switch_direction": "downgrade", "from_offer_id": BASIC},
     "switch.requested"),
    ("apply_coupon", {"coupon_code": "SAVE20"}, "coupon.applied"),
    ("reactivate_subscription", {}, "subscription.activated"),
    ("cancel_subscription", {}, "subscription.cancelled"),
    ("pause_subscription", {"resumes_after_billing_cycles": 2}, "subscription.paused"),
    ("extend_subscription", {"days": 7}, "subscription.extended"),
]
REPEATABLE = [one for one in CASES if connector.actions[one[0]].repeat is not Repeat.NEVER]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def cleeng(server):
    return Emulated(server, connector, {"api_key": TOKEN})


def do(vendor, id, params, number=1, customer=CUSTOMER, **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"cleeng_customer_id": customer}, now=now,
                     time=int(now * 1000), **more)


def prepare(vendor, id):
    if id == "reactivate_subscription":
        vendor.control.seed("cleeng", "subscription", number=int(NUMBER), customer=CUSTOMER, status="stopped")


def test_the_connection_is_tested(cleeng):
    assert cleeng.ask(connector.check).name == "Cleeng (production)"


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_an_action_done_again_has_one_effect(cleeng, id, params, kind):
    prepare(cleeng, id)
    first = do(cleeng, id, params)
    assert (cleeng.kinds, first.note in ("", "accepted")) == ([kind], True)
    again = do(cleeng, id, params, doubtful=True)
    assert cleeng.kinds == [kind]
    assert again.reference == (NUMBER if params.get("switch_direction") == "upgrade" else first.reference)


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_a_lost_answer_is_looked_for(cleeng, id, params, kind):
    prepare(cleeng, id)
    for method in ("POST", "PATCH"):
        cleeng.control.fault("half_body", vendor="cleeng", method=method, times=1)
    with pytest.raises((Failure, OSError)):
        do(cleeng, id, params)
    do(cleeng, id, params, doubtful=True)
    assert cleeng.kinds == [kind]


def test_a_switch_that_waits_is_found_before_and_after_it_is_carried_out(cleeng):
    params = {"to_offer_id": PREMIUM, "switch_direction": "downgrade"}
    first = do(cleeng, "switch_subscription", params)
    assert (first.note, do(cleeng, "switch_subscription", params)) == ("accepted", first)
    assert cleeng.control.command("cleeng", "finish_switches") == 1
    assert do(cleeng, "switch_subscription", params).note == "already_done"


def test_a_moved_end_moves_again_which_is_why_it_is_never_repeated(cleeng):
    do(cleeng, "extend_subscription", {"days": 7})
    do(cleeng, "extend_subscription", {"days": 7})
    assert cleeng.kinds == ["subscription.extended"] * 2
    assert connector.actions["extend_subscription"].repeat is Repeat.NEVER


def test_of_several_subscriptions_the_named_one_ends_and_no_other(cleeng):
    cleeng.control.seed("cleeng", "subscription", number=200000002, customer=CUSTOMER, offerId=PREMIUM)
    for _ in range(3):
        assert do(cleeng, "cancel_subscription", {"offer_id": PREMIUM}).reference == "200000002"
    assert cleeng.kinds == ["subscription.cancelled"]


def test_refusals_of_the_vendor(cleeng):
    with pytest.raises(Rejected, match="TO_OFFER_COUNTRY_NOT_ALLOWED"):
        do(cleeng, "switch_subscription", {"to_offer_id": ABROAD, "switch_direction": "upgrade"})
    with pytest.raises(Rejected, match="not valid"):
        do(cleeng, "apply_coupon", {"coupon_code": "UNKNOWN"})
    with pytest.raises(Rejected, match="Maximum limit"):
        do(cleeng, "pause_subscription", {"resumes_after_billing_cycles": 99})
    with pytest.raises(Rejected, match="no_subscription"):
        do(cleeng, "apply_coupon", {"coupon_code": "SAVE20"}, customer=404000001)
    assert cleeng.effects == []


def test_a_refusal_inside_a_success_is_one(cleeng):
    cleeng.control.fault("inner_error", vendor="cleeng", method="PATCH")
    with pytest.raises(Rejected, match="refused"):
        do(cleeng, "apply_coupon", {"coupon_code": "SAVE20"})


@pytest.mark.parametrize(("status", "failure"), [(429, Unavailable), (503, Unavailable), (401, Misconfigured)])
def test_scripted_trouble_is_read_by_who_must_act(cleeng, status, failure):
    cleeng.control.fault("answer", vendor="cleeng", method="POST", status=status)
    with pytest.raises(failure):
        do(cleeng, "cancel_subscription", {})


def test_a_wrong_token_is_misconfigured(server):
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {"api_key": "wrong"}).ask(connector.check)


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)
