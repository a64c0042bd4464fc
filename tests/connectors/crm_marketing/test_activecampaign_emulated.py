"""ActiveCampaign over real HTTP: the flows and the emulator were written apart, from the same facts."""

import time

import pytest

from connectors.crm_marketing.activecampaign import connector
from connectors.kit import Misconfigured, Rejected, Unavailable
from testkit.emulated import Emulated
from testkit.vendors import VendorServer
from testkit.vendors import activecampaign as emulator

ADDRESS = "ann@example.com"
CASES = {
    "add_contact": ({"field_map": {"plan": emulator.FIELD}}, ["contact.created"]),
    "add_to_list": ({"list_id": emulator.LIST}, ["contact.created", "list.subscribed"]),
    "add_to_automation": ({"automation_id": emulator.AUTOMATION}, ["contact.created", "automation.entered"]),
}


def ann(**more):
    """The emulator's clock runs, hence the interaction is of now."""
    return {"attributes": {"email_address": ADDRESS, "plan": "gold"}, "now": time.time(),
            "time": int(time.time() * 1000), **more}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"subdomain": "shop", "api_key": emulator.API_KEY})


@pytest.mark.parametrize("id", sorted(CASES))
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, id):
    params, kinds = CASES[id]
    first = vendor.do(id, params=params, **ann())
    assert vendor.kinds == kinds
    assert vendor.do(id, params=params, **ann()).reference == first.reference
    assert vendor.kinds == kinds


def test_every_action_is_tried():
    assert set(CASES) == set(connector.actions)


def test_who_unsubscribed_is_let_alone_unless_the_binding_says_otherwise(vendor):
    vendor.control.seed("activecampaign", "subscription", email=ADDRESS, status=2)
    params = {"list_id": emulator.LIST}
    assert vendor.do("add_to_list", params=params, **ann()).detail == {"skipped": "unsubscribed"}
    assert vendor.kinds == ["contact.created"]
    vendor.do("add_to_list", 2, params={**params, "resubscribe": True}, **ann())
    assert vendor.kinds == ["contact.created", "list.subscribed"]


@pytest.mark.parametrize("automation", [emulator.STOPPED, "404"])
def test_an_automation_that_cannot_be_entered_is_rejected(vendor, automation):
    with pytest.raises(Rejected) as refused:
        vendor.do("add_to_automation", params={"automation_id": automation}, **ann())
    assert refused.value.code == "cannot_enter"


def test_a_later_interaction_enters_again_where_the_automation_allows_it(vendor):
    later = {"now": time.time() + 3600, "time": int((time.time() + 3600) * 1000)}
    for automation in (emulator.AUTOMATION, emulator.ONCE):
        vendor.do("add_to_automation", 1, params={"automation_id": automation}, **ann())
    vendor.do("add_to_automation", 2, params={"automation_id": emulator.AUTOMATION}, **ann(**later))
    with pytest.raises(Rejected, match="cannot_enter"):
        vendor.do("add_to_automation", 2, params={"automation_id": emulator.ONCE}, **ann(**later))
    entered = [one.detail["automation"] for one in vendor.effects if one.kind == "automation.entered"]
    assert entered == [emulator.AUTOMATION, emulator.ONCE, emulator.AUTOMATION]


def test_connection_and_pick_lists(server, vendor):
    assert vendor.ask(connector.check).name == "shop.api-us1.com (as admin)"
    assert [one.value for one in vendor.ask(connector.options["lists"])] == [emulator.LIST]
    assert [one.value for one in vendor.ask(connector.options["automations"])] == [emulator.AUTOMATION, emulator.ONCE]
    assert [one.value for one in vendor.ask(connector.options["fields"])] == [emulator.FIELD]
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {"subdomain": "shop", "api_key": "wrong"}).ask(connector.check)


def test_scripted_trouble_is_read(vendor):
    vendor.control.fault("inner_error", vendor="activecampaign", times=1)
    with pytest.raises(Rejected):
        vendor.do("add_contact", **ann())
    vendor.control.fault("answer", vendor="activecampaign", status=429, times=1)
    with pytest.raises(Unavailable) as busy:
        vendor.do("add_contact", **ann())
    assert busy.value.throttled
