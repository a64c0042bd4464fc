"""Zuora's flows against its emulator over HTTP: what is done twice has one effect."""

import pytest
import requests

from connectors.billing.zuora import connector
from connectors.kit import InDoubt, Misconfigured, Rejected, Repeat
from testkit.emulated import OUTCOMES, Emulated
from testkit.flows import NOW
from testkit.vendors.server import VendorServer
from testkit.vendors.zuora import CLIENT_ID, CLIENT_SECRET

ACCOUNT = "A-ann"
SETTINGS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
CASES = [
    ("add_plan", {"product_rate_plan_id": "prp_premium"}),
    ("remove_plan", {"product_rate_plan_id": "prp_basic"}),
    ("cancel_subscription", {"cancellation_policy": "EndOfCurrentTerm"}),
    ("suspend_subscription", {"suspend_policy": "Today"}),
    ("resume_subscription", {"resume_policy": "Today"}),
    ("change_auto_renewal", {"auto_renew": False}),
    ("create_subscription", {"product_rate_plan_id": "prp_annual", "term_type": "TERMED"}),
    ("create_subscription", {"product_rate_plan_id": "prp_basic", "term_type": "EVERGREEN",
                             "if_subscribed": "add_another"}),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def zuora(server):
    return emulated(server)


def emulated(server, **settings):
    return Emulated(server, connector, {**SETTINGS, **settings}, host="api_url")


def do(vendor, id, params, number=1, **more):
    return vendor.do(id, number, params=params, attributes={"account_number": ACCOUNT}, **more)


def prepare(vendor, id):
    if id == "resume_subscription":
        vendor.control.seed("zuora", "subscription", account=ACCOUNT, number="S-2", status="Suspended")


def test_connection_and_pick_list(zuora):
    assert zuora.ask(connector.check).mode == "live"
    assert [one.value for one in zuora.ask(connector.options["rate_plans"])] == ["prp_basic", "prp_premium",
                                                                                "prp_annual"]


@pytest.mark.parametrize(("id", "params"), CASES)
def test_an_action_done_again_has_one_effect_and_one_reference(zuora, id, params):
    prepare(zuora, id)
    first = do(zuora, id, params)
    again = do(zuora, id, params)
    assert len(zuora.effects) == 1
    assert (first.note, again.reference) == ("", first.reference)


@pytest.mark.parametrize(("id", "params"), CASES)
def test_an_order_is_found_when_its_key_is_forgotten(zuora, id, params):
    """Two active subscriptions: without the look the second one would be changed."""
    prepare(zuora, id)
    first = do(zuora, id, params)
    zuora.control.advance(2 * 86_400)
    zuora.control.command("zuora", "expire_tokens")
    zuora = again_signed_in(zuora)
    zuora.control.seed("zuora", "subscription", account=ACCOUNT, number="S-9", status="Active")
    again = do(zuora, id, params, doubtful=True, now=NOW + 2 * 86_400)
    assert len(zuora.effects) == 1
    assert again.reference == first.reference


def again_signed_in(vendor):
    vendor._tokens.clear()
    return vendor


@pytest.mark.parametrize(("id", "params"), CASES)
def test_the_older_calls_have_one_effect_or_say_that_nothing_protects_them(server, id, params):
    zuora = emulated(server, transaction_api="subscribe_amend")
    prepare(zuora, id)
    first = do(zuora, id, params)
    again = do(zuora, id, params)
    assert len(zuora.effects) == 1
    assert first.reference
    action = connector.actions[id]
    made = action.params.model_validate(params)
    safety = action.safety(made, connector.settings.model_validate(zuora.settings))
    assert safety is {"change_auto_renewal": Repeat.HARMLESS, "create_subscription": Repeat.KEY}.get(id, Repeat.NEVER)
    if safety is Repeat.KEY:
        assert again.reference == first.reference


def test_a_lock_is_waited_for_with_a_new_key(zuora):
    zuora.control.fault("inner_error", vendor="zuora", path="/v1/orders", times=1)
    assert do(zuora, *CASES[0]).reference == f"PA-{OUTCOMES.format(1)}"
    keys = [one.headers["idempotency-key"] for one in zuora.control.requests("zuora") if one.path == "/v1/orders"]
    assert keys == [f"{OUTCOMES.format(1)}:order", f"{OUTCOMES.format(1)}:order:2"]
    assert len(zuora.effects) == 1


def test_an_answer_that_was_lost_is_given_again(zuora):
    """The first request did its work; only its answer is missing, and the account looks as before to nobody."""
    zuora.control.fault("reset", vendor="zuora", path="/v1/orders", times=1, taken=True)
    with pytest.raises(requests.ConnectionError):
        do(zuora, *CASES[0])
    assert len(zuora.effects) == 1
    assert do(zuora, *CASES[0], doubtful=True).reference == f"PA-{OUTCOMES.format(1)}"
    assert len(zuora.effects) == 1


def test_a_key_with_another_request_is_in_doubt(zuora):
    do(zuora, "create_subscription", CASES[7][1])
    other = {**CASES[7][1], "term_type": "TERMED"}
    zuora.control.seed("zuora", "subscription", account="A-bob", number="S-b")
    with pytest.raises(InDoubt):
        zuora.do("create_subscription", 1, params=other, attributes={"account_number": "A-bob"})
    assert len(zuora.effects) == 1


def test_wrong_credentials_and_unknown_accounts(server):
    with pytest.raises(Misconfigured):
        emulated(server, client_secret="wrong").ask(connector.check)
    with pytest.raises(Rejected, match="50600040"):
        emulated(server).do("add_plan", params=CASES[0][1], attributes={"account_number": "A-missing"})


def test_every_action_is_tried():
    assert {case[0] for case in CASES} == set(connector.actions)
