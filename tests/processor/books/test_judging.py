"""Hand-made records: books that balance, and each way in which they may not."""

from contextlib import closing

import pytest

from processor.books.judging import judge
from processor.books.rows import Rows, unit_of
from processor.model.chain import identity
from processor.model.finished import Finished
from processor.model.outcome import ActionResult

NOON = 1_800_000_000_000


@pytest.fixture
def rows():
    with closing(Rows()) as made:
        yield made


def books(rows, *, floor=0, exactly_once=True, whole=(0, 1)):
    return judge(rows, {0: floor, 1: floor}, {0: 0, 1: 0}, whole=frozenset(whole), exactly_once=exactly_once)


def kinds(found):
    return sorted({one.kind for one in found.differences})


def published(rows, event, offset, *, part=0, time=NOON, chain=True, exports=False, above=False, home=None):
    rows.interaction(part, offset, time, above=above, app="shop", event=event, home=part if home is None else home,
                     chain=chain, exports=exports)


def ended(rows, *idents, early=True):
    rows.finished(Finished(b"".join(identity("shop", one) for one in idents), NOON), early=early)


def outcome(rows, event, binding, *, planned=2, run=0, position=0, version="v1", early=True, finished_at=NOON):
    rows.result(0, ActionResult(
        event, "shop", "ann", "stay", "accept", NOON, run, binding, position, "stripe", "apply", "succeeded", "", "",
        "", "", "", "", 200, 1, NOON, finished_at, version, -1, 0, {}, planned), early=early)


def done(rows, event, offset, *, bindings=("a", "b"), **more):
    """An event with all that it must leave behind."""
    published(rows, event, offset, **more)
    ended(rows, event)
    for binding in bindings:
        outcome(rows, event, binding, planned=len(bindings))


def test_events_that_ended_balance_with_their_outcomes(rows):
    done(rows, "e1", 0)
    done(rows, "e2", 1, bindings=("a",))
    found = books(rows)
    assert found.balanced
    assert found.total[1:] == (2, 0, 0, 0, 0, 0, 2, 2, 2, 0, 0, 3, 3, 0)


def test_a_missing_outcome_is_named(rows):
    published(rows, "e1", 0)
    ended(rows, "e1")
    outcome(rows, "e1", "a")
    found = books(rows)
    assert not found.balanced
    assert [(one.kind, one.event_id) for one in found.differences] == [("outcome_missing", "e1")]
    assert (found.total.planned, found.total.outcomes) == (2, 1)


def test_an_event_that_ended_without_any_outcome_is_named(rows):
    published(rows, "e1", 0)
    ended(rows, "e1")
    assert kinds(books(rows)) == ["outcome_missing"]


def test_an_outcome_that_is_there_twice_is_named(rows):
    done(rows, "e1", 0)
    outcome(rows, "e1", "b")
    found = books(rows)
    assert kinds(found) == ["outcome_twice"]
    assert "binding b" in found.differences[0].event_id


def test_an_outcome_twice_in_place_of_another_is_seen_although_the_sum_is_right(rows):
    published(rows, "e1", 0)
    ended(rows, "e1")
    outcome(rows, "e1", "a")
    outcome(rows, "e1", "a")
    found = books(rows)
    assert found.total.planned == found.total.outcomes
    assert kinds(found) == ["outcome_twice"]


def test_at_least_once_forgives_what_is_there_twice_and_nothing_else(rows):
    done(rows, "e1", 0)
    outcome(rows, "e1", "b")
    published(rows, "e2", 1)
    assert kinds(books(rows, exactly_once=False)) == ["lost"]


def test_a_lost_event_is_named(rows):
    done(rows, "e1", 0)
    published(rows, "e2", 1)
    found = books(rows)
    assert [(one.kind, one.event_id) for one in found.differences] == [("lost", "e2")]
    assert found.total.lost == 1


def test_an_event_above_the_committed_offset_is_no_part_of_the_balance(rows):
    published(rows, "e1", 0, above=True)
    found = books(rows)
    assert found.balanced
    assert found.total.records == 0


def test_a_parked_chain_stands_in_for_its_event_until_its_tombstone(rows):
    published(rows, "e1", 0)
    rows.chain(0, "shop:e1", is_open=True)
    outcome(rows, "e1", "a")
    assert books(rows).total.parked == 1


def test_a_chain_whose_tombstone_came_without_an_end_is_lost(rows):
    published(rows, "e1", 0)
    rows.chain(0, "shop:e1", is_open=True)
    rows.chain(0, "shop:e1", is_open=False)
    assert kinds(books(rows)) == ["lost"]


def test_a_chain_that_ended_and_stays_open_is_named(rows):
    done(rows, "e1", 0)
    rows.chain(0, "shop:e1", is_open=True)
    assert kinds(books(rows)) == ["ended_and_open"]


def test_a_chain_that_ended_after_the_chains_were_read_is_no_difference(rows):
    published(rows, "e1", 0)
    rows.chain(0, "shop:e1", is_open=True)
    ended(rows, "e1", early=False)
    outcome(rows, "e1", "a", planned=1, early=False)
    assert books(rows).balanced


def test_chain_and_exports_of_an_event_are_two_units(rows):
    published(rows, "e1", 0, exports=True)
    ended(rows, "e1", "e1#exports")
    outcome(rows, "e1", "a", planned=1)
    outcome(rows, "e1", "mixpanel.events", planned=1, position=-1)
    found = books(rows)
    assert found.balanced
    assert (found.total.events, found.total.units, found.total.finished) == (1, 2, 2)


def test_exports_that_left_no_trace_are_lost_although_the_chain_ended(rows):
    done(rows, "e1", 0, exports=True)
    found = books(rows)
    assert [(one.kind, one.event_id) for one in found.differences] == [("lost", "e1#exports")]


def test_duplicates_count_once_and_run_once(rows):
    done(rows, "e1", 0)
    published(rows, "e1", 1)
    found = books(rows)
    assert found.balanced
    assert found.total.duplicates == 1


def test_an_event_that_ended_more_often_than_it_was_published_is_named(rows):
    done(rows, "e1", 0)
    done(rows, "e2", 1, bindings=("a",))
    ended(rows, "e2")
    assert "ended_twice" in kinds(books(rows))


def test_a_copy_after_the_window_may_run_again(rows):
    done(rows, "e1", 0)
    done(rows, "e1", 1)
    assert books(rows).balanced


def test_what_cannot_be_read_needs_its_dead_letter(rows):
    rows.interaction(0, 0, NOON, above=False)
    rows.letter(0, 0)
    rows.interaction(0, 1, NOON, above=False)
    found = books(rows)
    assert kinds(found) == ["unreadable"]
    assert "offset 1" in found.differences[0].says
    assert found.total.undecodable == 1


def test_a_forwarded_record_must_have_arrived(rows):
    published(rows, "e1", 0, part=0, home=1)
    done(rows, "e1", 0, part=1)
    published(rows, "e2", 1, part=0, home=1)
    found = books(rows)
    assert [(one.kind, one.event_id) for one in found.differences] == [("lost", "e2")]
    assert found.total.forwarded == 2


def test_events_without_bindings_are_told_from_lost_ones_by_the_configuration(rows):
    published(rows, "e1", 0, chain=False)
    published(rows, "e2", 1, chain=None, exports=None)
    found = books(rows)
    assert found.balanced
    assert (found.total.unbound, found.total.untraced) == (1, 1)


def test_outcomes_of_a_chain_that_nobody_knows_are_half_done_work(rows):
    outcome(rows, "e9", "a")
    assert kinds(books(rows)) == ["half_done"]


def test_outcomes_that_came_while_the_rest_was_read_are_no_difference(rows):
    outcome(rows, "e9", "a", early=False)
    assert books(rows).balanced


def test_replays_are_judged_by_their_own_run(rows):
    done(rows, "e1", 0)
    ended(rows, "e1#1")
    outcome(rows, "e1", "b", run=1, planned=2)
    found = books(rows)
    assert [(one.kind, one.event_id) for one in found.differences] == [("outcome_missing", "e1#1")]


def test_replays_are_not_judged_where_results_were_deleted(rows):
    ended(rows, "e1#1")
    outcome(rows, "e1", "b", run=1, planned=2)
    assert books(rows, whole=()).balanced


def test_events_before_the_window_are_left_out(rows):
    published(rows, "e1", 0, time=NOON - 1)
    found = books(rows, floor=NOON)
    assert found.balanced
    assert found.total.records == 0


def test_a_duplicate_of_an_event_before_the_window_is_still_a_duplicate(rows):
    published(rows, "e1", 0, time=NOON - 1)
    published(rows, "e1", 1)
    found = books(rows, floor=NOON)
    assert found.balanced
    assert found.total.duplicates == 1


def test_a_chain_that_went_on_under_another_configuration_is_not_judged_by_number(rows):
    published(rows, "e1", 0)
    ended(rows, "e1")
    outcome(rows, "e1", "a", planned=3)
    outcome(rows, "e1", "b", planned=2, version="v2")
    assert books(rows).balanced


def test_thousands_of_events_are_written_in_batches_and_summed_by_partition(rows):
    for number in range(12_000):
        done(rows, f"e{number}", number, part=number % 2, bindings=("a",))
    found = books(rows)
    assert found.balanced
    assert [one.finished for one in found.partitions] == [6000, 6000]


def test_units_are_named_as_the_chain_store_names_them():
    result = ActionResult(
        "e1", "shop", "ann", "stay", "accept", NOON, 2, "x", -1, "mixpanel", "events", "succeeded", "", "", "", "", "",
        "", 200, 1, NOON, NOON, "v1", -1, 0, {}, 1)
    assert unit_of(result) == "e1#2#exports"
    assert unit_of(result._replace(run=0, position=0)) == "e1"
