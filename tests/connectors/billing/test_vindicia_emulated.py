"""Vindicia's flows against its emulator over HTTP: what is done twice has one effect, but for moved dates."""

import time

import pytest

from connectors.billing.vindicia import connector
from connectors.kit import Failure, Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.server import VendorServer
from testkit.vendors.vindicia import PASSWORD, USERNAME

SETTINGS = {"username": USERNAME, "password": PASSWORD}
CASES = [
    ("replace_product", {"product_id": "premium", "billing_plan_id": "ANNUAL"}, "item.replaced"),
    ("replace_product", {"product_id": "premium", "replaces_product_id": "basic", "campaign_code": "WINBACK",
                         "effective_date": "nextBill"}, "item.replaced"),
    ("add_product", {"product_id": "addon"}, "item.added"),
    ("add_campaign", {"campaign_code": "ANNUAL10"}, "item.replaced"),
    ("add_campaign", {"campaign_code": "ONCE-1", "effective_date": "today"}, "item.replaced"),
    ("cancel_subscription", {}, "subscription.cancelled"),
    ("cancel_subscription", {"disentitle": True}, "subscription.cancelled"),
    ("delay_billing", {"days": 30}, "billing.delayed"),
]
REPEATABLE = [one for one in CASES if connector.actions[one[0]].repeat is not Repeat.NEVER]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vindicia(server):
    return Emulated(server, connector, SETTINGS)


def do(vendor, id, params, number=1, account="ann", **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"vindicia_account_id": account}, now=now,
                     time=int(now * 1000), **more)


def test_connection_and_pick_lists(vindicia):
    assert vindicia.ask(connector.check).name == USERNAME
    found = {name: [one.value for one in vindicia.ask(flow)] for name, flow in connector.options.items()}
    assert found == {"products": ["basic", "premium", "addon"], "campaigns": ["ANNUAL10", "WINBACK"],
                     "billing_plans": ["MONTHLY", "ANNUAL"]}


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_an_action_done_again_has_one_effect(vindicia, id, params, kind):
    first = do(vindicia, id, params)
    assert (vindicia.kinds, first.note) == ([kind], "")
    again = do(vindicia, id, params, doubtful=True)
    assert (vindicia.kinds, again.reference) == ([kind], first.reference)


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_a_lost_answer_is_looked_for(vindicia, id, params, kind):
    vindicia.control.fault("half_body", vendor="vindicia", method="POST", times=1)
    with pytest.raises((Failure, OSError)):
        do(vindicia, id, params)
    do(vindicia, id, params, doubtful=True)
    assert vindicia.kinds == [kind]


def test_a_moved_date_moves_again_which_is_why_it_is_never_repeated(vindicia):
    do(vindicia, "delay_billing", {"days": 30})
    do(vindicia, "delay_billing", {"days": 30})
    assert vindicia.kinds == ["billing.delayed"] * 2
    assert connector.actions["delay_billing"].repeat is Repeat.NEVER


def test_of_two_subscriptions_with_the_old_product_one_is_changed(vindicia):
    vindicia.control.seed("vindicia", "subscription", account="ann", id="second", products=["basic"])
    for _ in range(3):
        do(vindicia, "replace_product", {"product_id": "premium", "replaces_product_id": "basic"})
    assert vindicia.kinds == ["item.replaced"]
    with pytest.raises(Rejected, match="several_subscriptions"):
        do(vindicia, "cancel_subscription", {})


def test_a_campaign_that_is_there_is_known_though_answers_show_another_name_for_it(vindicia):
    do(vindicia, "add_campaign", {"campaign_code": "ANNUAL10"})
    assert do(vindicia, "add_campaign", {"campaign_code": "ANNUAL10"}, number=2).note == "already_done"


def test_refusals_of_the_vendor(vindicia):
    with pytest.raises(Rejected, match="payment_refused"):
        do(vindicia, "add_product", {"product_id": "addon"}, account="poor")
    with pytest.raises(Rejected, match="is not valid"):
        do(vindicia, "add_campaign", {"campaign_code": "UNKNOWN"})
    with pytest.raises(Rejected):
        do(vindicia, "add_product", {"product_id": "addon"}, account="missing")
    assert vindicia.effects == []


def test_an_error_inside_a_success_is_one(vindicia):
    vindicia.control.fault("inner_error", vendor="vindicia", method="POST")
    with pytest.raises(Rejected):
        do(vindicia, "cancel_subscription", {})


@pytest.mark.parametrize(("status", "failure"), [(429, Unavailable), (503, Unavailable), (403, Misconfigured)])
def test_scripted_trouble_is_read_by_who_must_act(vindicia, status, failure):
    vindicia.control.fault("answer", vendor="vindicia", method="POST", status=status)
    with pytest.raises(failure):
        do(vindicia, "cancel_subscription", {})


def test_a_wrong_password_is_misconfigured(server):
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {**SETTINGS, "password": "wrong"}).ask(connector.check)


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)
