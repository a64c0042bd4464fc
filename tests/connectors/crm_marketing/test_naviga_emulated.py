"""Naviga over real HTTP: the flows and the emulator were written apart, from the same facts."""

import pytest

from connectors.crm_marketing.naviga import connector
from connectors.kit import Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import Emulated
from testkit.vendors import VendorServer
from testkit.vendors import naviga as emulator

ANN = {"attributes": {"email_address": "ann@example.com", "naviga_customer_registration_id": "reg-ann"}}
BY_ADDRESS = {"attributes": {"email_address": "ann@example.com"}}
OFFER = {"offer_id": emulator.OFFER, "offer_group_id": emulator.GROUP}
SAFE = {
    "check_subscription": ({}, "L", []),
    "create_subscription": (OFFER, "S", ["subscription.created"]),
    "start_subscription": ({}, "S", ["subscription.started"]),
    "end_subscription": ({"reason": "price"}, "L", ["subscription.ended"]),
}
UNSAFE = {"upgrade_subscription": "subscription.upgraded", "downgrade_subscription": "subscription.downgraded"}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, dict(emulator.SETTINGS))


@pytest.mark.parametrize("id", sorted(SAFE))
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, id):
    params, status, kinds = SAFE[id]
    vendor.control.seed("naviga", "subscription", user="ann", status=status)
    first = vendor.do(id, params=params, **ANN)
    assert vendor.kinds == kinds
    assert vendor.do(id, params=params, **ANN).reference == first.reference
    assert vendor.kinds == kinds


@pytest.mark.parametrize("id", sorted(UNSAFE))
def test_what_nothing_protects_happens_each_time_which_is_why_it_is_never_repeated(vendor, id):
    vendor.control.seed("naviga", "subscription", user="ann")
    for _ in range(2):
        vendor.do(id, params={"offer_id": "offer-2"}, **ANN)
    assert vendor.kinds == [UNSAFE[id]] * 2
    assert connector.actions[id].repeat is Repeat.NEVER


def test_every_action_is_tried():
    assert {*SAFE, *UNSAFE} == set(connector.actions)


def test_a_user_is_known_by_the_address_alone(vendor):
    vendor.do("create_subscription", params=OFFER, **BY_ADDRESS)
    assert vendor.do("check_subscription", **BY_ADDRESS).detail["active"] == "true"
    with pytest.raises(Rejected) as unknown:
        vendor.do("check_subscription", attributes={"email_address": "missing1@example.com"})
    assert unknown.value.code == "user_not_found"


def test_a_payment_in_the_browser_and_a_receipt_of_a_store(vendor):
    redirect = vendor.do("create_subscription", params={**OFFER, "offer_id": emulator.BROWSER_OFFER}, **ANN)
    assert redirect.detail["instruction"] == "redirect"
    other = {"attributes": {"naviga_customer_registration_id": "reg-bob"}, "context": {"receipt": "MII="}}
    assert vendor.do("create_subscription", 2, params={**OFFER, "start_type": "InApp"}, **other).reference


def test_connection_and_refusals(server, vendor):
    assert vendor.ask(connector.check).name == "ACME, paper NEWS"
    for name in ("token", "source_system"):
        with pytest.raises(Misconfigured):
            Emulated(server, connector, {**emulator.SETTINGS, name: "wrong"}).ask(connector.check)
    with pytest.raises(Rejected) as refused:
        vendor.do("create_subscription", params={**OFFER, "offer_id": "none"}, **ANN)
    assert (refused.value.code, vendor.kinds) == ("OFFER", [])


def test_scripted_trouble_is_read(vendor):
    vendor.control.fault("inner_error", vendor="naviga", times=1)
    with pytest.raises(Rejected) as refused:
        vendor.do("check_subscription", **ANN)
    assert refused.value.code == "SCRIPT"
    vendor.control.fault("answer", vendor="naviga", status=500, times=1)
    with pytest.raises(Unavailable):
        vendor.do("check_subscription", **ANN)
