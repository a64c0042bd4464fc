"""Tally and verdict: what must come is read from the configuration, and every broken promise is seen."""

from random import Random

import pytest

from processor.config.files import load
from processor.demo.people import crowd
from processor.demo.records import Written
from processor.demo.script import Scene, Writer
from processor.demo.stage import example_folder
from processor.demo.tally import Tally, promised
from processor.demo.verdict import Evidence, verdict
from processor.engine.books import Balance
from testkit.vendors import Effect, example


@pytest.fixture(scope="module")
def configuration():
    return load(example_folder(), example.environment(), example.overrides("http://127.0.0.1:1"))


@pytest.fixture
def event():
    writer = Writer(Random(1), 1_000.0, "run")
    viewer = crowd(Random(5), 2)[0]
    return writer.event(viewer, Scene("stay_discount", "secondary_accept", 1), 0.0)


@pytest.fixture
def tally(configuration, event):
    made = Tally(configuration)
    made.publish(event)
    return made


def tell(tally, *results):
    for one in results:
        tally.heard("outcome", None, one)
    list(tally.news())


def test_chain_and_exports_of_an_event_are_promised(configuration, event):
    assert promised(configuration, event) == {
        (event.event_id, "zendesk.create_ticket"), (event.event_id, "mixpanel.export_prompt_event")}


def test_a_tally_is_settled_when_every_promise_is_kept(tally, event, make_result):
    assert not tally.settled
    tell(tally, make_result(event.event_id, "zendesk.create_ticket"))
    assert not tally.settled
    tell(tally, make_result(event.event_id, "mixpanel.export_prompt_event", position=-1))
    assert tally.settled


def test_a_tally_waits_for_the_dead_letter_of_what_cannot_be_read(tally, event, make_result, make_letter):
    tally.garbage = 1
    tell(tally, *(make_result(event.event_id, binding) for _, binding in list(tally.open)))
    assert not tally.settled
    tally.heard("undecodable", None, make_letter(readable=False))
    list(tally.news())
    assert tally.settled


def test_a_duplicate_promises_nothing_new(tally, event, make_result):
    tell(tally, *(make_result(event.event_id, binding) for _, binding in list(tally.open)))
    tally.publish(event)
    assert tally.published == 2
    assert tally.settled


GOOD = Balance(2, 2, 0, 0, 0, 2, 2, 0)


def effect(number, mark):
    return Effect(number, "zendesk", "ticket.created", "ada", "", mark, {}, 1.0, request=number)


@pytest.fixture
def evidence(tally, event, make_result):
    results = [make_result(event.event_id, binding) for _, binding in sorted(tally.open)]
    tell(tally, *results)
    return Evidence(tally, GOOD, Written(results, []), [effect(1, "a"), effect(2, "b")], complete=True)


def broken(evidence):
    return [one.says for one in verdict(evidence) if not one.good]


def test_kept_promises_are_seen_as_kept(evidence):
    assert broken(evidence) == []


@pytest.mark.parametrize(("books", "word"), [
    (GOOD._replace(events_in=3), "events in"), (GOOD._replace(planned=3), "bindings planned"),
])
def test_books_that_do_not_balance_are_seen(evidence, books, word):
    assert [one.split(" 3")[0] for one in broken(evidence._replace(books=books))] == [word]


def test_an_event_without_its_outcome_is_seen_unless_it_was_not_given_the_time(evidence):
    evidence.tally.open.add(("late-1", "zendesk.create_ticket"))
    assert broken(evidence) == ["published events without an outcome: 1 (late-1 ...)"]
    assert broken(evidence._replace(complete=False)) == []


def test_a_result_that_is_missing_or_twice_on_the_topic_is_seen(evidence):
    results = list(evidence.written.results)
    assert len(broken(evidence._replace(written=Written(results[:1], [])))) == 1
    assert len(broken(evidence._replace(written=Written([*results, results[0]], [])))) == 1


def test_a_failure_without_a_dead_letter_is_seen(evidence, make_letter):
    results = [evidence.written.results[0]._replace(outcome="failed"), *evidence.written.results[1:]]
    event_id, chain = results[0].event_id, results[0].position
    assert len(broken(evidence._replace(written=Written(results, [])))) == 1
    assert chain == 0
    assert broken(evidence._replace(written=Written(results, [make_letter(event_id)]))) == []


def test_an_outcome_that_nobody_asked_for_is_seen(evidence, event, make_result):
    stray = make_result(event.event_id, "stripe.apply_coupon")
    tell(evidence.tally, stray)
    found = evidence._replace(written=Written([*evidence.written.results, stray], []))
    assert broken(found) == ["outcomes that no binding asked for: 1"]


def test_an_effect_done_twice_is_seen(evidence):
    assert "silent repeats" in broken(evidence._replace(effects=[effect(1, "a"), effect(2, "a")]))[0]


def test_a_record_that_the_broker_did_not_take_is_seen(evidence):
    assert broken(evidence._replace(refused=1)) == ["records that the broker did not take: 1"]
