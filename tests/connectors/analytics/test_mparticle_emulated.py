"""mParticle over real HTTP: a repeat counts twice, which is why the engine must not make one; attributes do not."""

import time

import pytest

from connectors.analytics.mparticle import connector
from connectors.kit import Done, Misconfigured, Repeat, Unavailable
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors.mparticle_row import OLD, SERVER_KEY, SERVER_SECRET

EVENTS, PROFILES = "export_events", "sync_user_traits"
SETTINGS = {"server_key": SERVER_KEY, "server_secret": SERVER_SECRET}
NOW = time.time()
USER = {"attributes": {"mparticle_customer_id": "ann", "plan": "gold"}, "time": int(NOW * 1000), "now": NOW}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, SETTINGS, host="base_api_endpoint")


def test_attributes_sent_again_change_nothing(vendor):
    ends = [vendor.send(PROFILES, 1, params={"traits": ["plan", "seats"]}, **USER) for _ in range(2)]
    assert ends[0] == ends[1] == [Done(OUTCOMES.format(1), "accepted")]
    assert vendor.kinds == ["user.updated"]
    assert vendor.control.state("mparticle")["users"] == {"ann": {"plan": "gold"}}
    vendor.send(PROFILES, 2, params={"traits": ["plan"]}, attributes={"mparticle_customer_id": "ann"})
    assert vendor.control.state("mparticle")["users"] == {"ann": {}}


def test_an_interaction_sent_again_counts_twice_as_its_repeat_safety_says(vendor):
    assert connector.exports[EVENTS].repeat is Repeat.NEVER
    ends = [vendor.send(EVENTS, 1, 2, **USER) for _ in range(2)]
    assert ends[0] == ends[1]
    assert [one.mark for one in vendor.effects] == [OUTCOMES.format(number) for number in (1, 2, 1, 2)]
    assert {one.kind for one in vendor.effects} == {"event.accepted"}


def test_every_export_is_tried():
    assert {EVENTS, PROFILES} == set(connector.exports)


def test_a_bad_batch_fails_alone(vendor):
    export = connector.exports[EVENTS]
    items = [export.item(vendor._call(EVENTS, number, {}, USER)) for number in range(3)]
    items[1] = items[1]._replace(body=items[1].body.replace(b"customer_id", b"customerid"))
    ends = vendor.drive(export.send(connector.settings.model_validate(vendor.settings), items))
    assert [getattr(end, "code", "") for end in ends] == ["", "BAD_REQUEST", ""]
    assert len(vendor.effects) == 2


def test_old_interactions_arrive_as_historical(vendor):
    old = {**USER, "time": USER["time"] - OLD * 1000 - 60_000}
    vendor.send(EVENTS, 1, **old)
    vendor.send(EVENTS, 2, **USER)
    assert [one.detail["historical"] for one in vendor.effects] == [True, False]


def test_the_connection_test_tells_credentials_apart(server, vendor):
    assert vendor.ask(connector.check).mode == "live"
    assert vendor.kinds == []
    wrong = Emulated(server, connector, {**SETTINGS, "server_secret": "x"}, host="base_api_endpoint")
    with pytest.raises(Misconfigured):
        wrong.ask(connector.check)


def test_a_rate_limit_names_whose_it_is(vendor):
    vendor.control.fault("answer", vendor="mparticle", status=429, times=1)
    with pytest.raises(Unavailable, match="workspace"):
        vendor.send(EVENTS, 1, **USER)
