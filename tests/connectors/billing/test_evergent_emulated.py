"""Evergent's flows against its emulator over HTTP: what may be done twice has one effect."""

import time

import pytest

from connectors.billing.evergent import NOBODY, connector
from connectors.kit import Failure, Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import Emulated
from testkit.vendors import evergent as emulator
from testkit.vendors.server import VendorServer

SETTINGS = {"domain": "emulated.evergent.com/x", "api_key": emulator.API_KEY, "channel_partner_id": emulator.PARTNER}
CASES = [
    ("redeem_coupon", {"coupon_code": "SAVE20"}, "coupon.redeemed"),
    ("change_service", {"to_service_id": "PREMIUM"}, "service.changed"),
    ("pause_subscription", {"days": 30}, "service.paused"),
    ("resume_subscription", {"service_id": "BASIC"}, "service.resumed"),
    ("reactivate_subscription", {}, "service.reactivated"),
    ("remove_subscription", {}, "service.removed"),
]
REPEATABLE = [one for one in CASES if connector.actions[one[0]].repeat is not Repeat.NEVER]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def evergent(server):
    return Emulated(server, connector, SETTINGS)


def do(vendor, id, params, number=1, customer="ann", **more):
    now = time.time()
    return vendor.do(id, number, params=params, attributes={"customer_id": customer}, now=now, time=int(now * 1000),
                     **more)


def prepare(vendor, id):
    members = {"resume_subscription": {"status": "Paused"}, "reactivate_subscription": {"isRenewal": False}}
    service = {"serviceID": "BASIC", **members.get(id, {})}
    vendor.control.seed("evergent", "services", customer="ann", services=[service])


def test_the_connection_is_tested_with_a_customer_that_both_sides_make_up(evergent):
    assert evergent.ask(connector.check).name == SETTINGS["domain"]
    assert NOBODY == emulator.NOBODY


@pytest.mark.parametrize(("id", "params", "kind"), CASES)
def test_each_action_has_its_effect(evergent, id, params, kind):
    prepare(evergent, id)
    assert do(evergent, id, params).note == ""
    assert evergent.kinds == [kind]


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_an_action_done_again_has_one_effect_and_one_reference(evergent, id, params, kind):
    prepare(evergent, id)
    first = do(evergent, id, params)
    again = do(evergent, id, params, doubtful=True)
    assert (evergent.kinds, again.reference, again.note) == ([kind], first.reference, "already_done")


@pytest.mark.parametrize(("id", "params", "kind"), REPEATABLE)
def test_a_lost_answer_is_looked_for_or_sent_again(evergent, id, params, kind):
    prepare(evergent, id)
    path = {one[0]: "/" + one[0].partition("_")[0] for one in CASES}[id]
    evergent.control.fault("half_body", vendor="evergent", path=path, times=1)
    with pytest.raises((Failure, OSError)):
        do(evergent, id, params)
    do(evergent, id, params, doubtful=True)
    assert evergent.kinds == [kind]


def test_a_coupon_is_redeemed_once_for_an_account_whoever_asks_again(evergent):
    do(evergent, "redeem_coupon", {"coupon_code": "SAVE20"})
    assert do(evergent, "redeem_coupon", {"coupon_code": "SAVE20"}, number=2).note == "already_done"
    assert evergent.kinds == ["coupon.redeemed"]


def test_a_pause_may_add_to_another_which_is_why_it_is_never_repeated(evergent):
    for _ in range(2):
        do(evergent, "pause_subscription", {"days": 30, "service_id": "BASIC"})
    assert evergent.kinds == ["service.paused"] * 2
    assert connector.actions["pause_subscription"].repeat is Repeat.NEVER


def test_refusals_of_the_vendor(evergent):
    with pytest.raises(Rejected, match="eV2500"):
        do(evergent, "redeem_coupon", {"coupon_code": "UNKNOWN"})
    with pytest.raises(Rejected, match="eV2401"):
        do(evergent, "change_service", {"to_service_id": "UNKNOWN"})
    with pytest.raises(Rejected, match="eV2327"):
        do(evergent, "remove_subscription", {}, customer="missing")
    assert evergent.effects == []


def test_user_and_password_are_another_way_in(server):
    named = {**SETTINGS, "api_key": "x", "api_key_placement": "none", "api_user": emulator.API_USER,
             "api_password": emulator.API_PASSWORD}
    assert Emulated(server, connector, named).ask(connector.check)


@pytest.mark.parametrize(("wrong", "failure", "code"), [
    ({"api_key": "wrong"}, Misconfigured, "eV2001"), ({"channel_partner_id": "X"}, Rejected, "eV2002"),
])
def test_wrong_credentials_are_told_in_the_vendors_words(server, wrong, failure, code):
    with pytest.raises(failure, match=code):
        Emulated(server, connector, {**SETTINGS, **wrong}).ask(connector.check)


@pytest.mark.parametrize(("status", "failure"), [(429, Unavailable), (503, Unavailable), (403, Misconfigured),
                                                 (404, Rejected)])
def test_scripted_trouble_is_read_by_who_must_act(evergent, status, failure):
    evergent.control.fault("answer", vendor="evergent", status=status)
    with pytest.raises(failure):
        do(evergent, "remove_subscription", {})


def test_a_failure_inside_a_success_is_one(evergent):
    evergent.control.fault("inner_error", vendor="evergent")
    with pytest.raises(Rejected, match="eV9999"):
        do(evergent, "redeem_coupon", {"coupon_code": "SAVE20"})


def test_every_action_is_tried():
    assert {one[0] for one in CASES} == set(connector.actions)
