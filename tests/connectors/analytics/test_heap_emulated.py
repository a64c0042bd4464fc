"""Heap over real HTTP: what is sent again has one effect, and a bad item fails alone."""

import pytest

from connectors.analytics.heap import connector
from connectors.kit import Done
from testkit.emulated import OUTCOMES, Emulated
from testkit.vendors import VendorServer
from testkit.vendors.heap_row import APP_ID

USER = {"attributes": {"heap_identity": "ann", "plan": "gold"}}
CASES = [
    ("export_prompt_event", {}, ["event.tracked"] * 2),
    ("sync_user_traits", {"traits": ["plan"]}, ["user.updated"]),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, {"app_id": APP_ID})


@pytest.mark.parametrize(("export", "params", "kinds"), CASES)
def test_a_batch_sent_again_has_no_second_effect(vendor, export, params, kinds):
    ends = [vendor.send(export, 1, 2, params=params, **USER) for _ in range(2)]
    assert ends[0] == ends[1]
    assert vendor.kinds == kinds


def test_every_export_is_tried():
    assert {case[0] for case in CASES} == set(connector.exports)


def test_an_event_alone_and_in_a_batch_is_the_same_event(vendor):
    vendor.send("export_prompt_event", 1, **USER)
    vendor.send("export_prompt_event", 1, 2, **USER)
    assert [(one.user, one.mark) for one in vendor.effects] == [("ann", OUTCOMES.format(n)) for n in (1, 2)]


def test_a_bad_item_fails_alone(vendor):
    good = [connector.exports["export_prompt_event"].item(vendor._call("export_prompt_event", n, {}, USER))
            for n in (1, 2, 3)]
    bad = good[1]._replace(body=good[1].body.replace(b'"identity":"ann",', b""))
    settings = connector.settings.model_validate(vendor.settings)
    ends = vendor.drive(connector.exports["export_prompt_event"].send(settings, [good[0], bad, good[2]]))
    assert [type(end) is Done for end in ends] == [True, False, True]
    assert "identity" in ends[1].message
    assert vendor.kinds == ["event.tracked"] * 2


def test_a_wrong_app_id_looks_like_a_right_one(server):
    vendor = Emulated(server, connector, {"app_id": "1"})
    assert vendor.send("export_prompt_event", 1, **USER) == [Done(OUTCOMES.format(1))]
    assert vendor.kinds == []
