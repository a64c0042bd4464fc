"""Braintree's flows against its emulator over HTTP: what is done twice has one effect."""

import pytest
import requests

from connectors.billing.braintree import connector
from connectors.kit import Misconfigured, Rejected
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors.braintree import MERCHANT_ID, PRIVATE_KEY, PUBLIC_KEY
from testkit.vendors.server import VendorServer

SETTINGS = {"merchant_id": MERCHANT_ID, "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY}
BY_EMAIL = {"email_address": "ann@example.com"}
CASES = [
    ("subscribe_plan", {"plan_id": "premium"}),
    ("subscribe_plan", {"plan_id": "basic", "trial_days": 7, "discount_id": "SAVE5", "if_subscribed": "add_another"}),
    ("add_discount", {"discount_id": "SAVE5", "amount": "2.50", "number_of_billing_cycles": 3}),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def braintree(server):
    return Emulated(server, connector, SETTINGS)


def test_connection_and_pick_lists(braintree):
    assert braintree.ask(connector.check) == (MERCHANT_ID, "sandbox")
    assert braintree.ask(connector.options["plans"])[0] == ("basic", "Basic: 9.99 USD every 1 month(s)")
    assert braintree.ask(connector.options["discounts"])[0] == ("SAVE5", "Save5: 5.00 off, for ever")


@pytest.mark.parametrize(("id", "params"), CASES)
def test_an_action_done_again_has_one_effect_and_one_reference(braintree, id, params):
    first = braintree.do(id, params=params, attributes=BY_EMAIL)
    again = braintree.do(id, params=params, attributes=BY_EMAIL)
    assert len(braintree.effects) == 1
    assert (first.note, again.reference) == ("", first.reference)


def test_the_chosen_id_is_the_reference_and_another_outcome_is_another_subscription(braintree):
    params = CASES[1][1]
    assert [braintree.do("subscribe_plan", number, params=params, attributes=BY_EMAIL).reference
            for number in (1, 2, 1)] == [OUTCOMES.format(number) for number in (1, 2, 1)]
    assert [effect.mark for effect in braintree.effects] == [OUTCOMES.format(1), OUTCOMES.format(2)]
    assert braintree.control.state("braintree")["subscriptions"][OUTCOMES.format(1)]["discounts"] == ["SAVE5"]


def test_an_answer_that_was_lost_is_found_by_the_id(braintree):
    braintree.control.fault("reset", vendor="braintree", path="/subscriptions$", times=1, taken=True)
    with pytest.raises(requests.ConnectionError):
        braintree.do("subscribe_plan", params=CASES[0][1], attributes=BY_EMAIL)
    assert braintree.do("subscribe_plan", params=CASES[0][1], attributes=BY_EMAIL).reference == OUTCOMES.format(1)
    assert braintree.kinds == ["subscription.created"]


@pytest.mark.parametrize(("id", "params", "code"), [
    ("subscribe_plan", {"plan_id": "gone"}, "91904"), ("subscribe_plan", {"plan_id": "declined"}, "processor_declined"),
    ("add_discount", {"discount_id": "gone"}, "92013"),
])
def test_refusals_come_with_the_vendors_code_and_do_nothing(braintree, id, params, code):
    with pytest.raises(Rejected) as refused:
        braintree.do(id, params=params, attributes=BY_EMAIL)
    assert (refused.value.code, braintree.kinds) == (code, [])


def test_wrong_keys_and_unknown_users(server, braintree):
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {**SETTINGS, "private_key": "wrong"}).ask(connector.check)
    with pytest.raises(Rejected, match="user_not_found"):
        braintree.do("add_discount", params=CASES[2][1], attributes={"braintree_id": "missing-1"})


def test_of_several_customers_the_newest_with_a_payment_method_is_subscribed(braintree):
    for name, token, made in (("a", "tok_a", "2026-01-01T00:00:00Z"), ("b", "tok_b", "2026-02-01T00:00:00Z"),
                              ("c", "", "2026-03-01T00:00:00Z")):
        braintree.control.seed("braintree", "customer", **{"id": name, "token": token, "created-at": made})
    braintree.control.seed("braintree", "email", email="ann@example.com", customers=["a", "b", "c"])
    done = braintree.do("subscribe_plan", params=CASES[0][1], attributes=BY_EMAIL)
    assert (done.detail["customer_choice"], braintree.effects[0].user) == ("newest_of_several", "b")


def test_every_action_is_tried():
    assert {case[0] for case in CASES} == set(connector.actions)
