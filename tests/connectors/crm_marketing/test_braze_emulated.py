"""Braze over real HTTP: the flows and the emulator were written apart, from the same facts."""

import pytest

from connectors.crm_marketing.braze import connector
from connectors.kit import Misconfigured, Rejected, Repeat
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, braze

ADDRESS = "ann@example.com"
USERS = {"attributes": {"email_address": ADDRESS, "plan": "gold"}, "form": {"email": ADDRESS}}
CASES = [
    ("add_user_with_email", {"alias_label": "engage_user", "email_subscribe": "opted_in"},
     ["profile.created", "profile.updated"]),
    ("add_user_with_email", {}, ["profile.created"]),
    ("upsert_user_by_email", {"trait_map": {"plan_name": "plan"}}, ["profile.created", "profile.updated"]),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"api_key": braze.API_KEY})


@pytest.mark.parametrize(("action", "params", "kinds"), CASES)
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, action, params, kinds):
    first = vendor.do(action, params=params, **USERS)
    assert vendor.kinds == kinds
    assert vendor.do(action, params=params, **USERS) == first
    assert vendor.kinds == kinds


def test_an_event_done_again_is_a_second_event_which_is_why_it_is_never_repeated(vendor):
    for _ in range(2):
        vendor.do("track_prompt_event", **USERS)
    assert vendor.kinds == ["profile.created", "event.recorded", "event.recorded"]
    assert len({one.mark for one in vendor.effects if one.kind == "event.recorded"}) == 1
    assert connector.actions["track_prompt_event"].repeat is Repeat.NEVER


def test_every_action_is_tried():
    assert {case[0] for case in CASES} | {"track_prompt_event"} == set(connector.actions)


def test_a_known_profile_gets_address_and_alias_once(vendor):
    vendor.control.seed("braze", "profile", external_id="b-7")
    known = {**USERS, "attributes": {"braze_external_id": "b-7"}}
    for _ in range(2):
        vendor.do("add_user_with_email", params={"alias_label": "engage_user"}, **known)
    assert vendor.kinds == ["profile.created", "profile.updated", "alias.created"]
    (profile,) = vendor.control.state("braze")["profiles"]
    assert (profile["aliases"], profile["attributes"]) == ({"engage_user": "u-1"}, {"email": ADDRESS})


def test_an_address_that_braze_does_not_know_is_passed_over_where_nothing_may_be_made(vendor):
    vendor.do("upsert_user_by_email", params={"update_existing_only": True}, **USERS)
    assert vendor.kinds == []


def test_events_by_alias_need_the_profile_that_the_first_action_made(vendor):
    track = {"params": {"alias_label": "engage_user"}, **USERS}
    vendor.do("track_prompt_event", **track)
    assert vendor.kinds == []
    vendor.do("add_user_with_email", params={"alias_label": "engage_user"}, **USERS)
    vendor.do("track_prompt_event", 2, **track)
    assert vendor.kinds == ["profile.created", "event.recorded"]


def test_the_connection_test_tells_a_right_key_from_a_wrong_one(server, vendor):
    assert vendor.ask(connector.check).name == "127.0.0.1"
    assert vendor.kinds == []
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {"api_key": "wrong"}).ask(connector.check)


def test_a_key_without_the_permission_for_aliases_is_misconfigured(server):
    vendor = Emulated(server, connector, {"api_key": braze.TRACK_ONLY_KEY})
    with pytest.raises(Misconfigured):
        vendor.do("add_user_with_email", params={"alias_label": "x"}, form={"email": ADDRESS},
                  attributes={"braze_external_id": "b-7"})


def test_a_blocked_user_and_an_inner_refusal_are_read(vendor):
    with pytest.raises(Rejected) as blocked:
        vendor.do("track_prompt_event", attributes={"braze_external_id": "blocked-1"})
    assert blocked.value.code == "user_blocked"
    vendor.control.fault("inner_error", vendor="braze")
    with pytest.raises(Rejected) as refused:
        vendor.do("track_prompt_event", **USERS)
    assert refused.value.code == "object_refused"
