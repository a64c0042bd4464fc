"""Piano's flows against its emulator over HTTP: what is done twice has one effect, but for a moved date."""

import time

import pytest

from connectors.billing.piano import connector
from connectors.kit import Failure, Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.piano import AID, API_TOKEN
from testkit.vendors.server import VendorServer

SETTINGS = {"api_token": API_TOKEN, "aid": AID}
CHANGE = {"from_term_id": "TM-BASIC", "to_term_id": "TM-GOLD"}
CASES = [
    ("resubscribe", {}, ["subscription.resumed"]),
    ("upgrade_subscription", CHANGE, ["term.change_requested"]),
    ("cancel_subscription", {}, ["subscription.cancelled"]),
    ("cancel_subscription", {"refund_last_payment": True}, ["payment.refunded", "subscription.cancelled"]),
    ("move_next_bill_date", {"days": 7}, ["bill.moved"]),
]
REPEATABLE = [one for one in CASES if connector.actions[one[0]].repeat is not Repeat.NEVER]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def piano(server):
    return Emulated(server, connector, SETTINGS)


def do(vendor, id, params, number=1, uid="ann", **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"piano_uid": uid}, now=now, time=int(now * 1000), **more)


def prepare(vendor, id):
    if id == "resubscribe":
        vendor.control.seed("piano", "subscription", number="SUB-ann", uid="ann", auto_renew=False)


def test_connection_and_pick_list(piano):
    assert piano.ask(connector.check).name == f"Piano {AID}"
    assert [one.value for one in piano.ask(connector.options["terms"])] == ["TM-BASIC", "TM-GOLD", "TM-ALONE"]


@pytest.mark.parametrize(("id", "params", "kinds"), REPEATABLE)
def test_an_action_done_again_has_one_effect_and_one_reference(piano, id, params, kinds):
    prepare(piano, id)
    first = do(piano, id, params)
    assert (piano.kinds, first.note in ("", "accepted")) == (kinds, True)
    again = do(piano, id, params, doubtful=True)
    assert (piano.kinds, again.reference) == (kinds, first.reference)


@pytest.mark.parametrize(("id", "params", "kinds"), REPEATABLE)
def test_a_lost_answer_is_looked_for(piano, id, params, kinds):
    prepare(piano, id)
    piano.control.fault("half_body", vendor="piano", method="POST", path="(resume|cancel|do)$", times=1)
    with pytest.raises((Failure, OSError)):
        do(piano, id, params)
    do(piano, id, params, doubtful=True)
    assert piano.kinds == kinds


def test_a_change_of_term_is_found_before_and_after_it_is_carried_out(piano):
    assert do(piano, "upgrade_subscription", CHANGE).detail["to_term_id"] == "TM-GOLD"
    assert do(piano, "upgrade_subscription", CHANGE).note == "accepted"
    assert piano.control.command("piano", "carry_out_changes") == 1
    assert do(piano, "upgrade_subscription", CHANGE).note == "already_done"


def test_a_moved_date_moves_again_which_is_why_it_is_never_repeated(piano):
    do(piano, "move_next_bill_date", {"days": 7})
    do(piano, "move_next_bill_date", {"days": 7})
    assert piano.kinds == ["bill.moved"] * 2
    assert connector.actions["move_next_bill_date"].repeat is Repeat.NEVER


def test_refusals_of_the_vendor(piano):
    with pytest.raises(Rejected, match="piano_3101"):
        do(piano, "upgrade_subscription", {**CHANGE, "to_term_id": "TM-ALONE"})
    with pytest.raises(Rejected, match="no_subscription"):
        do(piano, "cancel_subscription", {}, uid="missing")
    assert piano.effects == []


def test_a_failure_inside_a_success_is_one(piano):
    piano.control.fault("inner_error", vendor="piano", method="POST")
    with pytest.raises(Rejected, match="piano_999"):
        do(piano, "cancel_subscription", {})


@pytest.mark.parametrize(("status", "failure"), [(429, Unavailable), (503, Unavailable), (403, Misconfigured)])
def test_scripted_trouble_is_read_by_who_must_act(piano, status, failure):
    piano.control.fault("answer", vendor="piano", method="POST", status=status)
    with pytest.raises(failure):
        do(piano, "cancel_subscription", {})


@pytest.mark.parametrize("wrong", [{"api_token": "wrong"}])
def test_a_wrong_token_is_misconfigured(server, wrong):
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {**SETTINGS, **wrong}).ask(connector.check)


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)
