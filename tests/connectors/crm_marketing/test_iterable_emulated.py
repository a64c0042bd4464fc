"""Iterable over real HTTP: the flows and the emulator were written apart, from the same facts."""

import pytest

from connectors.crm_marketing.iterable import connector
from connectors.kit import Misconfigured, Rejected, Repeat, Unavailable
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors import iterable as emulator

ADDRESS = "ann@example.com"
USER = {"attributes": {"email_address": ADDRESS, "plan": "gold"}, "form": {"email": ADDRESS}}
MAIL = {"campaign_id": emulator.TRANSACTIONAL}
SAFE = [
    ("track_event", {}, ["event.tracked"]),
    ("add_user_to_list", {"list_id": emulator.STATIC_LIST}, ["user.created", "list.subscribed"]),
]
UNSAFE = [
    ("trigger_journey", {"workflow_id": emulator.JOURNEY}, "journey.entered"),
    ("send_campaign_email", MAIL, "mail.sent"),
    ("send_campaign_email_to_input", MAIL, "mail.sent"),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture(params=["hybrid", "user_id", "email"])
def each_project(server, request):
    return Emulated(server, connector, {"api_key": emulator.API_KEY, "identify_by": request.param})


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"api_key": emulator.API_KEY})


@pytest.mark.parametrize(("action", "params", "kinds"), SAFE)
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(each_project, action, params, kinds):
    first = each_project.do(action, params=params, **USER)
    assert each_project.kinds == kinds
    assert each_project.do(action, params=params, **USER) == first
    assert each_project.kinds == kinds
    assert connector.actions[action].repeat is Repeat.HARMLESS


@pytest.mark.parametrize(("action", "params", "kind"), UNSAFE)
def test_what_reaches_people_happens_each_time_which_is_why_it_is_never_repeated(each_project, action, params, kind):
    for _ in range(2):
        each_project.do(action, params=params, **USER)
    assert each_project.kinds == [kind, kind]
    assert connector.actions[action].repeat is Repeat.NEVER


def test_every_action_is_tried():
    assert {case[0] for case in SAFE + UNSAFE} == set(connector.actions)


def test_iterable_itself_sends_a_marketing_campaign_once_unless_repeats_are_allowed(vendor):
    for allow, mails in ((False, 1), (False, 1), (True, 2)):
        vendor.do("send_campaign_email", params={"campaign_id": emulator.MARKETING, "allow_repeat": allow}, **USER)
        assert vendor.kinds == ["mail.sent"] * mails


def test_a_typed_address_that_the_project_does_not_know_is_added_and_gets_its_mail(vendor):
    vendor.do("send_campaign_email_to_input", params=MAIL, form={"email": "missing1@example.com"})
    assert vendor.kinds == ["user.created", "mail.sent"]


def test_a_batch_of_events_sent_again_updates_them_and_bad_users_fail_alone(vendor):
    ends = vendor.send("export_prompt_event", 1, 2, **USER)
    assert [one.reference for one in ends] == [OUTCOMES.format(1), OUTCOMES.format(2)]
    vendor.send("export_prompt_event", 1, 2, **USER)
    assert vendor.control.counts("iterable") == {"event.tracked": 2, "(replayed)": 2}
    vendor.control.seed("iterable", "forgotten", email=ADDRESS)
    assert [one.code for one in vendor.send("export_prompt_event", 3, **USER)] == ["forgottenEmails"]


def test_profiles_are_synced_once(vendor):
    for _ in range(2):
        (end,) = vendor.send("sync_user_traits", 1, params={"traits": ["plan"]}, **USER)
        assert end.note == "accepted"
    assert vendor.control.state("iterable")["users"] == {ADDRESS: {"plan": "gold"}}
    assert vendor.kinds == ["user.created"]


def test_connection_and_pick_lists(server, vendor):
    assert vendor.ask(connector.check).name
    assert [one.value for one in vendor.ask(connector.options["lists"])] == ["501"]
    assert [one.value for one in vendor.ask(connector.options["journeys"])] == ["601"]
    assert [one.value for one in vendor.ask(connector.options["campaigns"])] == ["701", "702"]
    with pytest.raises(Misconfigured) as refused:
        Emulated(server, connector, {"api_key": "wrong"}).ask(connector.check)
    assert refused.value.code == "BadApiKey"


@pytest.mark.parametrize(("action", "params"), [
    ("add_user_to_list", {"list_id": emulator.DYNAMIC_LIST}),
    ("trigger_journey", {"workflow_id": emulator.DISABLED_JOURNEY}),
    ("send_campaign_email", {"campaign_id": emulator.BLAST}),
])
def test_what_does_not_exist_or_cannot_be_used_is_refused(vendor, action, params):
    with pytest.raises(Rejected) as refused:
        vendor.do(action, params=params, **USER)
    assert (refused.value.code, vendor.kinds) == ("BadParams", [])


def test_scripted_trouble_is_read(vendor):
    vendor.control.fault("inner_error", vendor="iterable", times=1)
    with pytest.raises(Rejected):
        vendor.do("track_event", **USER)
    vendor.control.fault("answer", vendor="iterable", status=429, times=1)
    with pytest.raises(Unavailable) as busy:
        vendor.do("track_event", **USER)
    assert busy.value.throttled
