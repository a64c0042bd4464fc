"""Adobe over real HTTP: the flows and the emulator were written apart, from the same facts."""

import pytest

from connectors.crm_marketing.adobe_experience_platform import connector
from connectors.kit import Misconfigured, Rejected, Repeat
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors import adobe_experience_platform as emulator

ANN = {"attributes": {"email_address": "ann@example.com", "plan": "gold"}, "user_id": "ann"}
EXPORT, JOURNEY, CAMPAIGN, SYNC = "export_prompt_event", "trigger_journey", "trigger_campaign", "sync_user_traits"
TRAITS = {"traits": ["plan"]}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, dict(emulator.SETTINGS))


@pytest.mark.parametrize("settings", [emulator.SETTINGS, emulator.BARE])
def test_events_sent_again_reach_a_profile_once(server, settings):
    vendor = Emulated(server, connector, dict(settings))
    first = vendor.send(EXPORT, 1, 2, **ANN)
    assert vendor.send(EXPORT, 1, 2, **ANN) == first
    assert [one.reference for one in first] == [OUTCOMES.format(1), OUTCOMES.format(2)]
    assert vendor.control.counts(connector.id) == {"event.collected": 2, "(replayed)": 2}
    assert vendor.control.state(connector.id)["copies"] == 4
    assert connector.exports[EXPORT].repeat is Repeat.HARMLESS


def test_profiles_are_synced_once(vendor):
    for _ in range(2):
        (end,) = vendor.send(SYNC, 1, params=TRAITS, **ANN)
        assert end.note == "accepted"
    assert vendor.kinds == ["profile.updated"]
    assert connector.exports[SYNC].repeat is Repeat.HARMLESS


def test_a_message_is_sent_each_time_which_is_why_it_is_never_repeated(vendor):
    for _ in range(2):
        vendor.do(CAMPAIGN, params={"campaign_id": emulator.CAMPAIGN}, **ANN)
    assert vendor.kinds == ["message.sent"] * 2
    assert connector.actions[CAMPAIGN].repeat is Repeat.NEVER


INLET = {"route": "inlet", "event_schema_id": "https://ns.adobe.com/acme/schemas/event", "event_dataset_id": "d"}


@pytest.mark.parametrize("route", [{}, INLET])
def test_a_journey_is_told_and_not_told_again_though_nothing_promises_that(vendor, route):
    for _ in range(2):
        assert vendor.do(JOURNEY, params={"journey_event_id": emulator.EVENT_ID, **route}, **ANN).note == "accepted"
    assert vendor.kinds == ["journey.entered"]
    assert connector.actions[JOURNEY].repeat is Repeat.NEVER


def test_everything_is_tried():
    assert {EXPORT, SYNC, JOURNEY, CAMPAIGN} == {*connector.actions, *connector.exports}


def test_bad_items_of_a_batch_fail_alone(vendor):
    bad = {"user_id": "missing1", "attributes": {"plan": "gold"}}
    for name, params in ((EXPORT, {}), (SYNC, TRAITS)):
        export = connector.exports[name]
        calls = [vendor._call(name, number, params, more) for number, more in enumerate((ANN, bad, ANN))]
        items = [export.item(one) for one in calls]
        ends = vendor.drive(export.send(connector.settings.model_validate(vendor.settings), items))
        assert [isinstance(end, Rejected) for end in ends] == [False, True, False]


def test_the_connection_test_tells_right_from_wrong(server, vendor):
    assert vendor.ask(connector.check).name == "ORG@AdobeOrg, sandbox prod"
    assert Emulated(server, connector, dict(emulator.BARE)).ask(connector.check).name
    for settings in ({**emulator.SETTINGS, "client_secret": "wrong"}, {**emulator.BARE, "datastream_id": "other"}):
        with pytest.raises(Misconfigured):
            Emulated(server, connector, settings).ask(connector.check)


def test_a_token_that_ended_is_said_to_be_stale(vendor):
    vendor.ask(connector.check)
    vendor.control.command(connector.id, "expire_tokens")
    with pytest.raises(Misconfigured) as refused:
        vendor.do(JOURNEY, **ANN)
    assert refused.value.stale_token


@pytest.mark.parametrize(("params", "attributes", "code"), [
    ({"campaign_id": emulator.STOPPED_CAMPAIGN}, ANN["attributes"], "MSG-000052-400"),
    ({"campaign_id": emulator.CAMPAIGN}, {"email_address": "missing@example.com"}, "MSG-000053-400")])
def test_what_is_not_live_or_has_no_profile_is_refused(vendor, params, attributes, code):
    with pytest.raises(Rejected) as refused:
        vendor.do(CAMPAIGN, params=params, attributes=attributes)
    assert (refused.value.code, vendor.kinds) == (code, [])


def test_a_user_without_consent_is_rejected(vendor):
    vendor.control.fault("inner_error", vendor=connector.id, path="collect", times=1)
    with pytest.raises(Rejected) as refused:
        vendor.do(JOURNEY, **ANN)
    assert refused.value.code == "EXEG-0301-200"
