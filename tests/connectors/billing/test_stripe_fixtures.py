"""Stripe's own example objects: every action gets on with them, and the emulator's objects have no member more."""

import copy

import orjson
import pytest

from connectors.billing.stripe import connector
from testkit import flows, specs
from testkit.flows import answer
from testkit.vendors import stripe_state

SETTINGS = {"api_key": "rk_test_1"}
END = 1_900_000_000
NOT_IN_THE_EXAMPLES = {"has_more", "url"}
"""Of lists inside: the examples are cut."""


@pytest.fixture(scope="module")
def examples():
    place = specs.folder()
    file = place / "stripe" / "fixtures.cut.json" if place else None
    if file is None or not file.is_file():
        pytest.skip("Stripe's example objects are not here; TESTKIT_VENDOR_SPECS names their folder")
    return orjson.loads(file.read_bytes())["resources"]


def page(*rows):
    return answer(json={"object": "list", "data": list(rows), "has_more": False})


def run(id, seen, **params):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes={"stripe_id": "cus_1"})
    return flows.run(connector, id, made, seen)


@pytest.fixture
def subscription(examples):
    """The example subscription as one that runs: the example has ended."""
    one = copy.deepcopy(examples["subscription"])
    return {**one, "status": "active", "ended_at": None, "cancel_at": None, "canceled_at": None, "schedule": None,
            "cancel_at_period_end": False}


@pytest.fixture
def price(subscription):
    return subscription["items"]["data"][0]["price"]["id"]


@pytest.mark.parametrize(("id", "params"), [
    ("subscribe_plan", {"price_id": "new"}), ("unsubscribe_plan", {}), ("apply_coupon", {"coupon_id": "c1"}),
    ("extend_trial", {"days": 3}), ("switch_subscription", {"price_id": "new"}),
    ("update_subscription", {"price_id": "new"}),
])
def test_every_action_gets_on_with_stripes_own_objects(subscription, price, id, params):
    if id == "extend_trial":
        subscription |= {"status": "trialing", "trial_end": END}
    found = page() if id == "subscribe_plan" else page(subscription)
    ended = run(id, [found, answer(json=subscription)], **(params or {"price_id": price}))
    assert ended.failure is None
    assert ended.done.reference.startswith(subscription["id"])


def test_a_change_at_the_periods_end_gets_on_with_stripes_own_schedule(examples, subscription):
    plan = copy.deepcopy(examples["subscription_schedule"])
    plan["current_phase"] = {"start_date": plan["phases"][0]["start_date"], "end_date": plan["phases"][0]["end_date"]}
    ended = run("switch_subscription", [page(subscription), answer(json=plan), answer(json=examples["price"]),
                                        answer(json=plan)], price_id="new", when="period_end")
    assert ended.failure is None
    assert ended.done.reference.startswith(plan["id"])


@pytest.mark.parametrize(("name", "object"), [
    ("prices", "price"), ("coupons", "coupon"), ("promotion_codes", "promotion_code")])
def test_pick_lists_get_on_with_stripes_own_objects(examples, name, object):
    settings = connector.settings.model_validate(SETTINGS)
    listed = flows.drive(connector.options[name](settings), [page(examples[object])], connector.read)
    assert [one.value for one in listed.done] == [examples[object]["id"]]


def test_the_emulators_objects_have_no_member_that_stripes_lack(examples):
    now = END
    price = stripe_state.price("price_1", now)
    made = {
        "subscription": stripe_state.subscription("sub_1", "cus_1", now, now), "price": price,
        "subscription_item": stripe_state.item("si_1", "sub_1", price, 1, now),
    }
    for name, one in made.items():
        assert set(one) - NOT_IN_THE_EXAMPLES <= set(examples[name]), name
