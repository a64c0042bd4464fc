"""Runs of replays on disk: what was planned, sent, and what became of it."""

import pytest

from processor.dead_letters.judging import Options, Rerun, Verdict
from processor.dead_letters.runs import Item, Runs, Sum
from processor.dead_letters.selection import Selection
from testkit.letters import key_of, letter_of

ALL = Selection(states=("open",))


@pytest.fixture
def runs(filled):
    filled.put(*(letter_of(f"e{number}") for number in range(4)))
    found = Runs(filled.index)
    found.begin("r1", ALL._replace(since=5), Options(only_failed=True), "olga")
    found.add("r1", [Item(number, key_of(letter_of(f"e{number}")), 1) for number in range(4)])
    return found


def test_a_run_is_read_back_as_it_was(runs):
    found = runs.run("r1")
    assert (found.selection, found.options, found.by) == (ALL._replace(since=5), Options(only_failed=True), "olga")


def test_letters_wait_in_order_until_they_are_marked(runs):
    assert [one.number for one in runs.waiting("r1", 2)] == [0, 1]
    runs.mark("r1", {0: "sent", 1: "skipped"})
    assert [one.number for one in runs.waiting("r1", 9)] == [2, 3]
    assert runs.counts("r1") == {"planned": 2, "sent": 1, "skipped": 1}


def test_ends_are_those_of_this_replay_or_a_later_one(runs, filled):
    runs.mark("r1", dict.fromkeys(range(4), "sent"))
    filled.put(letter_of("e0", state="replayed", replays=1), letter_of("e1", state="succeeded", replays=1),
               letter_of("e2", run=1, replays=1), letter_of("e3", state="closed", replays=1))
    assert runs.settle("r1") == 3
    assert runs.counts("r1") == {"sent": 1, "succeeded": 1, "failed": 1, "closed": 1}
    assert runs.failures("r1") == [("rejected", "resource_missing", 1)]
    assert runs.settle("r1") == 0


def test_a_run_of_the_same_filter_is_unfinished_until_all_is_sent_whenever_it_was_asked_for(runs):
    assert runs.unfinished(ALL) is None, "a plan alone hinders nobody"
    runs.set_state("r1", "interrupted")
    assert runs.unfinished(ALL._replace(since=77)).id == "r1"
    assert runs.unfinished(ALL._replace(app="alpha")) is None
    runs.set_state("r1", "sent")
    assert runs.unfinished(ALL) is None


def test_runs_outlive_an_index_that_is_built_anew(runs, filled):
    runs.set_state("r1", "interrupted")
    filled.index.forget_all()
    assert runs.counts("r1") == {"planned": 4}


def test_a_user_who_is_forgotten_is_forgotten_by_runs_too(runs, filled):
    runs.forget_letter(key_of(letter_of("e1")))
    assert [one.number for one in runs.waiting("r1", 9)] == [0, 2, 3]
    kept = {row[0] for row in filled.index.db.execute("SELECT key FROM items")}
    assert key_of(letter_of("e1")) not in kept


def test_a_plan_that_nobody_wanted_is_gone(runs):
    runs.forget("r1")
    assert runs.run("r1") is None
    assert runs.waiting("r1", 9) == []


def test_a_plan_adds_up_calls_repeats_and_what_is_left_out():
    rerun = Rerun("a", "stripe", "apply_coupon", 0, expired=False, may_repeat=True, protection="key")
    total = Sum()
    assert total.add("alpha", Verdict("", [rerun, rerun._replace(connector="braze", expired=True)]))
    assert total.add("alpha", Verdict("", again=True))
    assert not total.add("alpha", Verdict("no"))
    plan = total.plan("r", 1.0)
    assert (plan.letters, plan.chains, plan.published, plan.expired) == (2, 1, 1, 1)
    assert plan.calls == {("alpha", "stripe"): 1}
    assert plan.repeats == {("stripe.apply_coupon", "key"): 1}
    assert plan.refused == {"no": 1}


def test_letters_of_which_one_fails_to_be_planned_leave_nothing_half_done(runs):
    def broken():
        yield Item(4, b"key", 1)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        runs.add("r1", broken())
    runs.add("r1", [Item(5, b"key", 1)])
    assert [one.number for one in runs.waiting("r1", 9)] == [0, 1, 2, 3, 5]
