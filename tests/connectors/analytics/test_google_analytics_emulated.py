"""Google Analytics over real HTTP: nothing is told, a repeat counts twice, and properties stay as they are."""

import pytest

from connectors.analytics.google_analytics import connector
from connectors.kit import Repeat
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors.google_analytics_row import API_SECRET, FIREBASE_APP_ID, MEASUREMENT_ID

EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
WEB = {"measurement_id": MEASUREMENT_ID, "api_secret": API_SECRET}
APP = {"stream_type": "app", "firebase_app_id": FIREBASE_APP_ID, "api_secret": API_SECRET}
USER = {"attributes": {"ga_client_id": "11.22", "ga_app_instance_id": "f" * 32, "plan": "gold"}}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.mark.parametrize(("settings", "user"), [(WEB, "11.22"), (APP, "f" * 32)])
def test_an_interaction_sent_again_counts_twice_as_its_repeat_safety_says(server, settings, user):
    assert connector.exports[EVENTS].repeat is Repeat.NEVER
    vendor = Emulated(server, connector, settings)
    ends = [vendor.send(EVENTS, 1, 2, **USER) for _ in range(2)]
    assert ends[0] == ends[1]
    assert [one.reference for one in ends[0]] == [OUTCOMES.format(1), OUTCOMES.format(2)]
    assert [(one.kind, one.user) for one in vendor.effects] == [("event.collected", user)] * 4


def test_properties_sent_again_stay_as_they_are(server):
    vendor = Emulated(server, connector, WEB)
    for _ in range(2):
        vendor.send(PROFILES, 1, params={"traits": ["plan"]}, **USER)
    assert vendor.kinds.count("user.updated") == 1
    assert vendor.control.state("google_analytics")["users"] == {"11.22": {"plan": "gold"}}


def test_every_export_is_tried():
    assert {EVENTS, PROFILES} == set(connector.exports)


def test_a_wrong_secret_looks_like_a_right_one(server):
    vendor = Emulated(server, connector, {**WEB, "api_secret": "wrong"})
    assert vendor.send(EVENTS, 1, **USER)[0].note == "accepted"
    assert vendor.ask(connector.check).name
    assert vendor.kinds == []


def test_a_dry_run_counts_nothing_and_finds_what_google_would_drop(server):
    vendor = Emulated(server, connector, {**WEB, "validate_only": True})
    export = connector.exports[EVENTS]
    good, bad = (export.item(vendor._call(EVENTS, number, {}, USER)) for number in (1, 2))
    bad = bad._replace(body=bad.body.replace(b"recurly_engage_prompt_click", b"not a name"))
    ends = vendor.drive(export.send(connector.settings.model_validate(vendor.settings), [good, bad]))
    assert [getattr(end, "code", "") for end in ends] == ["", "name_invalid"]
    assert vendor.kinds == []
