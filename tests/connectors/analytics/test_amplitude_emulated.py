"""Amplitude over real HTTP: what is sent again has one effect, and bad items fail alone."""

import pytest

from connectors.analytics.amplitude import connector
from connectors.kit import Done, Misconfigured, Unavailable
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors.amplitude_row import API_KEY, KEPT, SILENCED, SPENT

USER = {"attributes": {"amplitude_user_id": "ann", "plan": "gold"}}
EVENTS = "export_prompt_event"
CASES = [(EVENTS, {}, "event.ingested"), ("sync_user_traits", {"traits": ["plan"]}, "user.identified")]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"api_key": API_KEY})


@pytest.mark.parametrize("endpoint", ["httpapi", "batch"])
@pytest.mark.parametrize(("export", "params", "kind"), CASES)
def test_a_batch_sent_again_has_no_second_effect(server, endpoint, export, params, kind):
    vendor = Emulated(server, connector, {"api_key": API_KEY, "endpoint": endpoint})
    ends = [vendor.send(export, 1, 2, params=params, **USER) for _ in range(2)]
    assert ends[0] == ends[1] == [Done(OUTCOMES.format(1)), Done(OUTCOMES.format(2))]
    assert [(one.kind, one.user, one.mark) for one in vendor.effects] == [
        (kind, "ann", OUTCOMES.format(number)) for number in (1, 2)]
    assert vendor.control.state("amplitude")["users"]["ann"] == ({"plan": "gold"} if params else {})


def test_every_export_is_tried():
    assert {case[0] for case in CASES} == set(connector.exports)


def test_after_a_week_amplitude_has_forgotten_the_id(vendor):
    vendor.send(EVENTS, 1, **USER)
    vendor.control.advance(KEPT - 60)
    vendor.send(EVENTS, 1, **USER)
    assert vendor.kinds == ["event.ingested"]
    vendor.control.advance(61)
    vendor.send(EVENTS, 1, **USER)
    assert vendor.kinds == ["event.ingested"] * 2


def batch(vendor, *users):
    """Events of several users, sent together."""
    export = connector.exports[EVENTS]
    items = [export.item(vendor._call(EVENTS, number, {}, {"attributes": user})) for number, user in enumerate(users)]
    return vendor.drive(export.send(connector.settings.model_validate(vendor.settings), items))


def test_silenced_and_spent_users_fail_alone(vendor):
    ends = batch(vendor, {}, {"amplitude_device_id": SILENCED}, {"amplitude_user_id": SPENT}, {})
    assert [getattr(end, "code", "") for end in ends] == ["", "silenced", "daily_quota", ""]
    assert vendor.kinds == ["event.ingested"] * 2


def test_a_user_with_too_many_events_waits_and_the_others_do_not(vendor):
    with pytest.raises(Unavailable) as slow:
        batch(vendor, *[{"amplitude_user_id": "busy"}] * 31, {"amplitude_user_id": "calm"})
    assert (slow.value.throttled, slow.value.retry_after) == (True, 30.0)
    assert [one.user for one in vendor.effects] == ["calm"]


def test_the_connection_test_tells_keys_apart(server, vendor):
    assert vendor.ask(connector.check).name
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {"api_key": "wrong"}).ask(connector.check)
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {"api_key": "wrong"}).send(EVENTS, 1)
