"""The walk's last word: it must be able to say no."""

from collections import Counter
from types import SimpleNamespace

import pytest

from testkit.incident.scene import FEW, Effects, share
from testkit.incident.walk import Walk, _holds, _sent

SHARE = share(50)


@pytest.fixture
def walk(tmp_path):
    return Walk(SimpleNamespace(share=SHARE, site=SimpleNamespace(folder=tmp_path), environment=dict))


def effects():
    paths = [*(f"/take/stay/{n}" for n in range(SHARE.coupon + FEW)),
             *(f"/take/survey/{n}" for n in range(SHARE.schema)),
             *(f"/once/stay/{n}" for n in range(SHARE.coupon + FEW)),
             *(f"/account/plan/{n}" for n in range(SHARE.attribute + FEW))]
    return Effects(Counter(f"c{n}" for n in range(SHARE.coupon + FEW)), Counter(paths))


def outcomes():
    coupon, attribute, schema = SHARE
    return Counter({
        (0, "note", "succeeded"): coupon + FEW, (0, "coupon", "failed"): coupon, (0, "thank", "skipped"): coupon,
        (0, "switch", "failed"): attribute, (1, "coupon", "succeeded"): coupon, (1, "thank", "succeeded"): coupon,
        (1, "switch", "succeeded"): attribute, (0, "answered", "succeeded"): schema, (0, "coupon", "succeeded"): FEW,
        (0, "thank", "succeeded"): FEW, (0, "switch", "succeeded"): FEW})


def audited():
    return Counter({"replayed": SHARE.coupon + SHARE.attribute, "published again": SHARE.schema, "run interrupted": 1,
                    "run sent": 1})


def test_letters_are_of_three_reasons_and_none_is_lost():
    assert share(5000) == (2000, 1800, 1200)
    assert all(share(letters).total == letters for letters in range(10, 200))


def test_a_night_that_ended_well_has_nothing_wrong(walk):
    assert walk._wrong(effects(), outcomes(), audited()) == []


def test_a_repeated_effect_is_wrong(walk):
    seen = effects()
    seen.calls["/once/stay/7"] += 1
    seen.coupons["c3"] += 1
    assert walk._wrong(seen, outcomes(), audited()) == ["c3 happened 2 times", "/once/stay/7 happened 2 times"]


def test_a_missing_effect_outcome_or_line_of_the_audit_is_wrong(walk):
    seen, ended, did = effects(), outcomes(), audited()
    del seen.calls["/account/plan/1"]
    del seen.coupons["c1"]
    ended[1, "coupon", "succeeded"] -= 1
    del did["run interrupted"]
    assert len(walk._wrong(seen, ended, did)) == 4


def test_a_screen_that_does_not_show_what_is_said_of_it_ends_the_walk():
    assert _holds(r"(\d+) letters", "5 letters")[1] == "5"
    with pytest.raises(AssertionError, match="nothing there"):
        _holds("open", "all closed: nothing there is like it")


def test_the_bar_tells_how_many_were_sent():
    assert _sent("sent  ━━━━━━╸        120/300 0:00:02\nended ━━   72/300") == 120
    assert _sent("sent                  0/300") == 0
    assert _sent("Plan of run 1") == 0
