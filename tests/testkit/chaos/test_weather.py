"""A storm is drawn from its seed alone, so that one that went wrong can be repeated."""

from collections import Counter

from testkit.chaos.weather import SHARES, storm


def test_the_same_seed_brings_the_same_blows_at_the_same_seconds_and_another_others():
    assert storm(7, 200, 600.0) == storm(7, 200, 600.0)
    assert storm(7, 200, 600.0) != storm(8, 200, 600.0)


def test_there_are_as_many_kills_as_were_asked_for_and_all_else_between_them():
    blows = storm(7, 500, 1500.0)
    kinds = Counter(one.kind for one in blows)
    assert kinds["kill"] == 500
    assert {kind for kind, _ in SHARES} <= kinds.keys()
    assert [one.at for one in blows] == sorted(one.at for one in blows)
