"""Counting what waits: by app, connector and cause, the last record of a key alone."""

from contextlib import closing

import pytest

from processor.waiting.place import Waiting
from processor.waiting.tally import Group, Tally


@pytest.fixture
def tally():
    with closing(Tally()) as made:
        yield made


def waits(ident, *, app="shop", connector="stripe", cause="circuit", since=1000, next_at=0):
    return Waiting(app, ident, connector, f"{connector}.act", cause, since, next_at)


def test_chains_are_counted_by_app_connector_and_cause_with_the_oldest_and_the_next_try(tally):
    tally.add(waits("e1", since=3000, next_at=9000))
    tally.add(waits("e2", since=2000, next_at=0))
    tally.add(waits("e3", since=2500, next_at=8000))
    tally.add(waits("e4", app="news", cause="retry"))
    assert list(tally.groups()) == [
        Group("shop", "stripe", "circuit", 3, 2000, "e2", 8000),
        Group("news", "stripe", "retry", 1, 1000, "e4", 0),
    ]


def test_a_later_record_of_a_key_supersedes_the_earlier(tally):
    tally.add(waits("e1", cause="attributes"))
    tally.add(waits("e1", cause="circuit", since=4000))
    assert [(one.cause, one.chains, one.oldest) for one in tally.groups()] == [("circuit", 1, 4000)]


def test_a_tombstone_ends_a_chain_and_a_new_record_opens_it_again(tally):
    tally.add(waits("e1"))
    tally.end("shop:e1")
    assert list(tally.groups()) == []
    tally.add(waits("e1"))
    assert [one.chains for one in tally.groups()] == [1]


def test_ids_of_different_apps_do_not_meet(tally):
    tally.add(waits("e1"))
    tally.add(waits("e1", app="news"))
    tally.end("news:e1")
    assert [one.app_id for one in tally.groups()] == ["shop"]


def test_filters_narrow_what_is_shown(tally):
    tally.add(waits("e1"))
    tally.add(waits("e2", connector="zendesk"))
    tally.add(waits("e3", app="news", cause="retry"))
    assert [one.connector for one in tally.groups(connector="zendesk")] == ["zendesk"]
    assert [one.app_id for one in tally.groups(app="news")] == ["news"]
    assert [one.cause for one in tally.groups(cause="retry")] == ["retry"]


def test_what_runs_does_not_wait_unless_it_is_asked_for(tally):
    tally.add(waits("e1", cause="running"))
    assert list(tally.groups()) == []
    assert [one.chains for one in tally.groups(cause="running")] == [1]


def test_more_chains_than_one_batch_are_counted(tally):
    for number in range(12_001):
        tally.add(waits(f"e{number}", since=5000 + number))
    assert [(one.chains, one.oldest_event) for one in tally.groups()] == [(12_001, "e0")]
