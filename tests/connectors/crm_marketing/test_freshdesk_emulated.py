"""Freshdesk over real HTTP: the flows and the emulator were written apart, from the same facts."""

import pytest

from connectors.crm_marketing.freshdesk import connector
from connectors.kit import Misconfigured, Rejected, Unavailable
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, freshdesk

ANN = {"attributes": {"email_address": "ann@example.com"}}
BOTH = {
    "set_tickets_priority": ({"priority": 3}, "ticket.updated"),
    "set_tickets_responder": ({"responder_id": 8001}, "ticket.updated"),
    "set_tickets_group": ({"group_id": 8102}, "ticket.updated"),
    "set_tickets_source": ({"source": 7}, "ticket.updated"),
    "delete_tickets": ({}, "ticket.deleted"),
    "spam_tickets": ({}, "ticket.spam"),
}
ONE = {
    "create_ticket": ({"group_id": 8101, "tags": ["vip"]}, "ticket.created"),
    "set_tickets_status": ({"status": 3}, "ticket.updated"),
    "delete_contact": ({}, "contact.deleted"),
}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    settings = {"domain": "shop", "api_key": freshdesk.API_KEY, "allow_spam_endpoint": True}
    made = Emulated(server, connector, settings)
    made.control.seed("freshdesk", "spam_call", on=True)
    return made


@pytest.mark.parametrize("id", [*BOTH, *ONE])
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, id):
    params, kind = {**BOTH, **ONE}[id]
    vendor.do(id, params=params, **ANN)
    expected = [kind] * (2 if id in BOTH else 1)
    assert vendor.kinds == expected
    vendor.do(id, params=params, **ANN)
    assert vendor.kinds == expected


def test_a_deleted_contact_is_restored_once(vendor):
    vendor.do("delete_contact", **ANN)
    assert vendor.do("restore_contact", 2, **ANN).note == ""
    assert vendor.do("restore_contact", 2, **ANN).note == "already_done"
    assert vendor.kinds == ["contact.deleted", "contact.restored"]


@pytest.mark.parametrize("id", ["delete_contact", "restore_contact"])
def test_contacts_by_their_id_are_found_in_the_state_they_are_in(vendor, id):
    by_id = {"attributes": {"freshdesk_id": str(freshdesk.FIRST_CONTACT + 7)}}
    vendor.do("delete_contact", **by_id)
    for note in (["already_done"] if id == "delete_contact" else ["", "already_done"]):
        assert vendor.do(id, 2, **by_id).note == note


def test_every_action_is_tried():
    assert {*BOTH, *ONE, "restore_contact"} == set(connector.actions)


@pytest.mark.parametrize("attributes", [
    {"email_address": "ann@example.com"}, {"email_address": "missing1@example.com"}, {},
    {"freshdesk_id": str(freshdesk.FIRST_CONTACT + 7)}])
def test_a_ticket_is_made_once_for_whoever_it_is(vendor, attributes):
    first = vendor.do("create_ticket", attributes=attributes)
    assert vendor.do("create_ticket", attributes=attributes) == first
    assert vendor.kinds == ["ticket.created"]
    assert vendor.do("create_ticket", 2, attributes=attributes) != first


def test_a_slow_job_is_waited_for_and_refused_tickets_are_read(vendor):
    vendor.control.seed("freshdesk", "jobs", polls=2)
    assert vendor.do("set_tickets_priority", params={"priority": 2}, **ANN).note == ""
    vendor.control.seed("freshdesk", "jobs", polls=9)
    assert vendor.do("set_tickets_priority", params={"priority": 3}, **ANN).note == "accepted"
    vendor.control.fault("inner_error", vendor="freshdesk", path="bulk_delete")
    with pytest.raises(Rejected) as refused:
        vendor.do("delete_tickets", **ANN)
    assert refused.value.code == "tickets_refused"


@pytest.mark.parametrize(("id", "params", "attributes", "code"), [
    ("set_tickets_group", {"group_id": 404}, ANN["attributes"], "invalid_value"),
    ("delete_contact", {}, {"email_address": "missing1@example.com"}, "user_not_found"),
    ("delete_contact", {}, {"freshdesk_id": "404"}, "contact_not_found"),
])
def test_what_does_not_exist_is_refused(vendor, id, params, attributes, code):
    with pytest.raises(Rejected) as refused:
        vendor.do(id, params=params, attributes=attributes)
    assert (refused.value.code, vendor.kinds) == (code, [])


def test_an_account_without_the_undocumented_call_says_so(vendor):
    vendor.control.seed("freshdesk", "spam_call", on=False)
    with pytest.raises(Rejected) as refused:
        vendor.do("spam_tickets", **ANN)
    assert (refused.value.code, vendor.kinds) == ("unsupported_by_vendor", [])


def test_connection_and_pick_lists(server, vendor):
    assert vendor.ask(connector.check).name == "shop.freshdesk.com (as Agent One)"
    assert [one.value for one in vendor.ask(connector.options["agents"])] == ["8001", "8002"]
    assert [one.value for one in vendor.ask(connector.options["groups"])] == ["8101", "8102"]
    assert [one.title for one in vendor.ask(connector.options["statuses"])][:2] == ["Open", "Pending"]
    with pytest.raises(Misconfigured) as wrong:
        Emulated(server, connector, {"domain": "shop", "api_key": "wrong"}).ask(connector.check)
    assert wrong.value.code == "invalid_credentials"


def test_a_limit_is_read(vendor):
    vendor.control.fault("answer", vendor="freshdesk", status=429, times=1)
    with pytest.raises(Unavailable) as busy:
        vendor.do("create_ticket", **ANN)
    assert busy.value.throttled
