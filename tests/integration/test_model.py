"""Interactions against vendors in trouble end exactly as an independent model says, whatever befalls the processor."""

import time
from collections import Counter

import pytest

from testkit.processor import expected, judgement


@pytest.fixture
def begin(site, vendors):
    """Publishes a load, or the first of its events, with the vendors in trouble."""
    site.configure(expected.configuration(vendors.url))

    def publish(seed, interactions, users, first=None):
        load = expected.load(seed, interactions, users, int(time.time() * 1000))
        expected.seed_vendors(vendors)
        expected.faults(vendors)
        for app, synced in load.attributes.items():
            site.sync(app, synced)
        site.publish(*load.events[:first])
        return load

    return publish


def check(site, vendors, load, results, *, killed=False):
    """Outcomes, calls, their order, dead letters: all as the model says."""
    ended = [one.value for one in results.now()]
    wrong = judgement.wrongs(load, vendors, ended, killed=killed)
    assert not wrong, f"{len(wrong)} things are wrong:\n" + "\n".join(wrong[:20])
    failed = {(one.app_id, one.event_id) for one in ended if one.outcome == "failed"}
    with site.letters() as letters:
        found = Counter((one.value.app_id, one.value.event_id) for one in letters.at_least(len(failed)))
    assert set(found) == failed
    assert set(found.values()) <= {1}


def books_close(processor):
    """Gauges are set four times a second: what balances does so within a moment, what does not never will."""
    pairs = (("books_events_in", "books_events_finished"), ("books_bindings_planned", "books_outcomes"))

    def closed():
        open_ones = processor.metric("books_events_parked") + processor.metric("books_events_in_flight")
        return open_ones == 0 and all(processor.metric(one) == processor.metric(other) for one, other in pairs)

    processor.until(closed, what="the books balance with nothing open")


def test_ten_thousand_interactions_end_as_an_independent_model_predicts(site, vendors, begin):
    processor = site.started()
    load = begin(3, 10_000, 1000)
    with site.results() as results:
        found = results.at_least(load.outcomes, 80)
        books_close(processor)
        assert processor.metric("books_outcomes") == len(found)
        processor.end()
        check(site, vendors, load, results)


@pytest.mark.parametrize("transport", ["curl", "requests"])
def test_an_orderly_end_in_the_middle_and_a_restart_lose_and_repeat_nothing(site, vendors, begin, transport):
    load = begin(4, 1500, 300)
    processor = site.started(http__transport=transport, flow__max_in_flight=200)
    with site.results() as results:
        for share in (0.2, 0.5):
            results.at_least(int(load.outcomes * share))
            processor.end()
            processor.start()
        found = results.at_least(load.outcomes, 40)
        books_close(processor)
        assert len(found) == load.outcomes
        processor.end()
        check(site, vendors, load, results)


def test_a_kill_in_the_middle_loses_nothing_and_repeats_no_finished_binding(site, vendors, begin):
    load = begin(5, 1500, 300)
    processor = site.started(flow__max_in_flight=200, http__user_agent="killed")
    with site.results() as results:
        read = results.at_least(int(load.outcomes * 0.4))
        processor.kill()
        finished = {(one.value.app_id, one.value.event_id, one.value.binding_id) for one in read}
        killed_at = time.time()
        processor = site.started(flow__max_in_flight=200, http__user_agent="heir")
        results.at_least(load.outcomes, 60)
        books_close(processor)
        processor.end()
        check(site, vendors, load, results, killed=True)
    again = judgement.called_after(vendors, finished, killed_at)
    assert not again, f"{len(again)} bindings were called again although their results could be read: {again[:5]}"


def test_two_processes_share_the_work_and_hand_over(site, vendors, begin):
    hand_over(site, vendors, begin, "consumer")


def test_two_processes_share_the_work_and_hand_over_by_the_classic_protocol(site, vendors, begin):
    hand_over(site, vendors, begin, "classic")


def hand_over(site, vendors, begin, protocol):
    """The second joins while the first works; then the first leaves in the midst of it, and the second goes on."""
    load = begin(6, 1800, 300, first=600)
    first = site.started("first", group_protocol=protocol, flow__max_in_flight=100)
    second = site.processor("second", group_protocol=protocol, flow__max_in_flight=100)
    second.start()
    for start in range(600, 1200, 50):
        site.publish(*load.events[start:start + 50])
        time.sleep(0.2)
    second.wait_ready()
    site.publish(*load.events[1200:])
    second.until(lambda: second.metric("books_outcomes") > 0, what="the second works")
    shared = first.metric("books_outcomes")
    first.end()
    with site.results() as results:
        results.at_least(load.outcomes, 60)
        books_close(second)
        assert 0 < shared < load.outcomes
        second.end()
        check(site, vendors, load, results)


def test_a_process_that_hung_and_lost_its_partitions_writes_nothing_of_them_any_more(site, vendors, begin):
    load = begin(7, 1500, 300)
    first = site.started("first", flow__max_in_flight=100, http__user_agent="first")
    with site.results() as results:
        results.at_least(int(load.outcomes * 0.2))
        second = site.processor("second", flow__max_in_flight=100, http__user_agent="second")
        first.halt()
        second.start()
        second.until(lambda: second.metric("books_outcomes") > load.outcomes * 0.2, 40, "the second has taken over")
        first.resume()
        results.at_least(load.outcomes, 60)
        second.until(lambda: first.metric("books_events_in_flight") + second.metric("books_events_in_flight") == 0)
        first.until(lambda: first.get("/ready").status == 200, what="the first is a member again")
        first.end()
        second.end()
        check(site, vendors, load, results, killed=True)
