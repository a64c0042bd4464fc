"""Chargify's flows against its emulator over HTTP: what is done twice has one effect."""

import time

import pytest

from connectors.billing.chargify import connector
from connectors.kit import Failure, Misconfigured, Rejected, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.chargify import API_KEY
from testkit.vendors.server import VendorServer

CASES = [
    ("create_subscription", 71, {"product_id": "2", "coupon_codes": ["XMAS"]}, "subscription.created"),
    ("create_subscription", 11, {"product_id": "silver", "if_subscribed": "add_another"}, "subscription.created"),
    ("cancel_subscription", 11, {"product_id": "1", "reason_code": "UNUSED"}, "subscription.canceled"),
    ("cancel_subscription", 11, {"product_id": "1"}, "subscription.canceled"),
    ("cancel_subscription", 11, {"product_id": "silver", "when": "period_end"},
     "subscription.cancellation_planned"),
    ("add_coupon", 11, {"product_id": "1", "coupon_code": "save20"}, "coupon.added"),
]
TOKENED = [one for one in CASES if one[2].get("when", "period_end") == "period_end" and one[2] != {"product_id": "1"}
           and "reason_code" not in one[2]]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def chargify(server):
    return Emulated(server, connector, {"api_key": API_KEY, "domain": "emulator"})


def do(vendor, id, customer, params, number=1, later=0, **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"chargify_id": customer}, now=now + later,
                     time=int(now * 1000), **more)


def test_connection_and_pick_lists(chargify):
    assert chargify.ask(connector.check) == ("Emulator", "sandbox")
    found = {name: [one.value for one in chargify.ask(flow)] for name, flow in connector.options.items()}
    assert found == {"products": ["1", "2", "3"], "price_points": ["10", "20", "30"], "coupons": ["SAVE20", "XMAS"],
                     "reason_codes": ["TOO-EXPENSIVE", "UNUSED"]}


@pytest.mark.parametrize(("id", "customer", "params", "kind"), CASES)
@pytest.mark.parametrize("later", [0, 2 * 3600])
def test_an_action_done_again_has_one_effect_also_when_its_token_is_forgotten(
        chargify, id, customer, params, kind, later):
    first = do(chargify, id, customer, params)
    assert (chargify.kinds, first.note) == ([kind], "")
    chargify.control.advance(later)
    again = do(chargify, id, customer, params, later=later, doubtful=True)
    assert (chargify.kinds, again.reference) == ([kind], first.reference)


@pytest.mark.parametrize(("id", "customer", "params", "kind"), TOKENED)
def test_the_same_request_sent_twice_is_a_duplicate_that_is_found(chargify, id, customer, params, kind):
    """As an engine does that repeats a request: the look before it is answered from memory."""
    chargify.control.fault("answer", vendor="chargify", method="POST", status=409, taken=True, times=1)
    assert do(chargify, id, customer, params).reference
    assert chargify.kinds == [kind]


@pytest.mark.parametrize(("id", "customer", "params", "kind"), CASES)
def test_a_lost_answer_is_looked_for(chargify, id, customer, params, kind):
    for method in ("POST", "DELETE"):
        chargify.control.fault("half_body", vendor="chargify", method=method, times=1)
    with pytest.raises((Failure, OSError)):
        do(chargify, id, customer, params)
    do(chargify, id, customer, params, doubtful=True)
    assert chargify.kinds == [kind]


def test_a_request_that_was_refused_before_is_told_from_one_that_was_done(chargify):
    with pytest.raises(Rejected, match="declined"):
        do(chargify, "create_subscription", 4021, {"product_id": "2"})
    with pytest.raises(Rejected, match="refused_before"):
        do(chargify, "create_subscription", 4021, {"product_id": "2"})
    assert chargify.effects == []


def test_a_bank_that_wants_3d_secure_needs_the_customer(chargify):
    with pytest.raises(Rejected, match="needs_customer_action"):
        do(chargify, "create_subscription", 31, {"product_id": "2"})


def test_of_two_subscriptions_only_one_ends_for_one_interaction(chargify):
    chargify.control.seed("chargify", "subscription", id=5, customer=11)
    for _ in range(3):
        do(chargify, "cancel_subscription", 11, {"product_id": "1"})
    assert chargify.kinds == ["subscription.canceled"]
    with pytest.raises(Rejected, match="coupon_refused"):
        do(chargify, "add_coupon", 11, {"product_id": "1", "coupon_code": "OLD"})


def test_a_coupon_leaves_the_others_alone(chargify):
    for number, code in enumerate(["SAVE20", "XMAS"]):
        do(chargify, "add_coupon", 11, {"product_id": "1", "coupon_code": code}, number)
    assert chargify.control.state("chargify")["subscriptions"]["10011"]["coupon_codes"] == ["SAVE20", "XMAS"]


@pytest.mark.parametrize("id", sorted(connector.actions))
def test_a_customer_that_does_not_exist_is_rejected(chargify, id):
    with pytest.raises(Rejected, match="user_not_found"):
        do(chargify, id, 4041, next(one[2] for one in CASES if one[0] == id))


@pytest.mark.parametrize(("status", "failure"), [(429, Unavailable), (503, Unavailable), (500, Unavailable),
                                                 (403, Misconfigured), (422, Rejected)])
def test_scripted_trouble_is_read_by_who_must_act(chargify, status, failure):
    chargify.control.fault("answer", vendor="chargify", method="POST", status=status)
    with pytest.raises(failure):
        do(chargify, "add_coupon", 11, {"product_id": "1", "coupon_code": "XMAS"})


def test_a_wrong_key_is_misconfigured(server):
    wrong = Emulated(server, connector, {"api_key": "wrong", "domain": "emulator"})
    with pytest.raises(Misconfigured):
        wrong.ask(connector.check)


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)
