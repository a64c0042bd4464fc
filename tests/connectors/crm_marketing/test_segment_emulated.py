"""Segment over real HTTP: what is done again has one effect, by the ids of the messages."""

import pytest

from connectors.crm_marketing.segment import connector
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer, credentials

USER = {"attributes": {"segment_user_id": "ann", "plan": "gold"}}
CASES = [("track_prompt_event", {}, "track.taken"), ("identify_user", {"traits": ["plan"]}, "identify.taken")]
BATCHES = [("export_prompt_event", {}, "track.taken"), ("sync_user_traits", {"traits": ["plan"]}, "identify.taken")]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"write_key": credentials.SEGMENT_WRITE_KEY})


@pytest.mark.parametrize(("action", "params", "kind"), CASES)
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, action, params, kind):
    first = vendor.do(action, params=params, **USER)
    assert vendor.do(action, params=params, **USER) == first
    assert [(one.kind, one.user, one.mark) for one in vendor.effects] == [(kind, "ann", OUTCOMES.format(1))]
    assert vendor.control.counts("segment")["(replayed)"] == 1


@pytest.mark.parametrize(("export", "params", "kind"), BATCHES)
def test_a_batch_sent_again_has_no_second_effect(vendor, export, params, kind):
    for _ in range(2):
        ends = vendor.send(export, 1, 2, params=params, **USER)
    assert [one.reference for one in ends] == [OUTCOMES.format(1), OUTCOMES.format(2)]
    assert vendor.kinds == [kind] * 2


def test_a_batch_that_is_compressed_arrives_whole(vendor):
    ends = vendor.send("export_prompt_event", *range(1, 21), **USER)
    assert (len(ends), vendor.kinds) == (20, ["track.taken"] * 20)


def test_everything_is_tried():
    assert {case[0] for case in CASES} == set(connector.actions)
    assert {case[0] for case in BATCHES} == set(connector.exports)


def test_a_day_later_segment_has_forgotten_the_id_which_is_as_long_as_we_rely_on_it(vendor):
    vendor.do("track_prompt_event", **USER)
    vendor.control.advance(connector.actions["track_prompt_event"].keeps_keys - 60)
    vendor.do("track_prompt_event", **USER)
    assert vendor.kinds == ["track.taken"]
    vendor.control.advance(61)
    vendor.do("track_prompt_event", **USER)
    assert vendor.kinds == ["track.taken"] * 2


def test_a_wrong_key_looks_like_a_right_one(server):
    vendor = Emulated(server, connector, {"write_key": "wrong"})
    assert vendor.do("track_prompt_event", **USER).note == "accepted"
    assert vendor.kinds == []
