"""Roku's flows against its emulator over HTTP: what is done twice has one effect, or is never repeated."""

import pytest
import requests

from connectors.billing.roku import connector
from connectors.kit import Misconfigured, Rejected, Repeat
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors.roku import API_KEY

CONTEXT = {"transaction_id": "0a1b2c3d4e5f"}
NEVER = [
    ("refund_subscription", {"amount": "1.50"}, "subscription.refunded"),
    ("issue_service_credit", {"amount": "2"}, "service_credit.issued"),
    ("update_bill_cycle", {"days": 3}, "bill_cycle.moved"),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def roku(server):
    return Emulated(server, connector, {"api_key": API_KEY, "allow_bill_cycle": True})


def test_a_transaction_is_read(roku):
    first = roku.do("validate_transaction", context=CONTEXT)
    assert first == roku.do("validate_transaction", context=CONTEXT)
    assert (first.reference, roku.kinds) == (CONTEXT["transaction_id"], [])


def test_a_cancellation_done_again_has_one_effect_one_mail_and_one_reference(roku):
    first = roku.do("cancel_subscription", context=CONTEXT)
    again = roku.do("cancel_subscription", context=CONTEXT)
    assert (first.note, again.note, again.reference) == ("", "already_done", first.reference)
    (effect,) = roku.effects
    assert (effect.kind, effect.mark, effect.detail["mail"]) == ("subscription.cancelled", OUTCOMES.format(1), True)


def test_a_cancellation_behind_a_lost_answer_is_found(roku):
    roku.control.fault("reset", vendor="roku", path="/cancel-subscription$", times=1, taken=True)
    with pytest.raises(requests.ConnectionError):
        roku.do("cancel_subscription", context=CONTEXT)
    assert roku.do("cancel_subscription", context=CONTEXT, doubtful=True).note == "already_done"
    assert roku.kinds == ["subscription.cancelled"]


@pytest.mark.parametrize(("id", "params", "kind"), NEVER)
def test_what_would_be_given_twice_is_never_repeated(roku, id, params, kind):
    for _ in range(2):
        assert roku.do(id, params=params, context=CONTEXT).reference
    assert roku.kinds == [kind] * 2
    assert connector.actions[id].repeat is Repeat.NEVER


def test_a_refund_over_the_price_is_rejected_in_rokus_words(roku):
    with pytest.raises(Rejected, match="exceeds"):
        roku.do("refund_subscription", params={"amount": "10"}, context=CONTEXT)
    assert roku.kinds == []


def test_the_connection_test_tells_right_settings_from_wrong_ones(server, roku):
    assert roku.ask(connector.check) == ("", "live")
    wrong = Emulated(server, connector, {"api_key": "wrong"})
    with pytest.raises(Misconfigured):
        wrong.ask(connector.check)
    with pytest.raises(Misconfigured):
        wrong.do("refund_subscription", params={"amount": "1"}, context=CONTEXT)


def test_an_unknown_transaction_is_rejected(roku):
    with pytest.raises(Rejected, match="http_404"):
        roku.do("validate_transaction", context={"transaction_id": "missing-1"})


def test_every_action_is_tried():
    assert {case[0] for case in NEVER} | {"request_purchase", "validate_transaction", "cancel_subscription"} == set(
        connector.actions)
