"""When a checkpoint is due, and what is in it."""

import pytest

from processor.engine.options import EngineOptions
from processor.model.chain import identity
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration
from testkit.engine.world import CODEC, TOPICS

OPTIONS = EngineOptions(partitions=2, checkpoint_interval=0.1, checkpoint_gap=0.005)


def idle(*chain):
    """A process whose first checkpoint, with the offsets, is long past."""
    process = Harness(configuration({"p": list(chain)}), options=OPTIONS)
    process.advance(1.0)
    process.committer.automatic = False
    return process


def due_in(process):
    now = process.clock.now
    return process.engine.checkpoints.due(now, process.loop.partitions) - now


def test_nothing_to_make_durable_is_never_due():
    assert due_in(idle("alpha.key")) == float("inf")


def test_something_is_due_an_interval_after_the_last_began():
    process = idle("alpha.key", "alpha.key")
    process.committer.automatic = True
    process.accept("e1")
    process.answer()
    process.committer.automatic = False
    begun = process.clock.now
    process.answer()
    assert 0 < due_in(process) <= OPTIONS.checkpoint_interval
    process.advance(0.2)
    assert process.committer.under_way is not None
    assert process.clock.now > begun


def test_a_mark_is_due_at_once_but_for_the_gap():
    process = idle("alpha.never")
    process.accept("e1")
    assert process.committer.under_way is not None, "at once"
    process.accept("e2", "bob1")
    assert due_in(process) == float("inf"), "one at a time"
    process.committer.finish()
    process.turn()
    assert due_in(process) == pytest.approx(OPTIONS.checkpoint_gap, abs=1e-6)
    process.advance(0.006)
    assert [chain.key for part in process.committer.under_way.parts for chain in part.marks] == ["app:e2"]


def test_marks_that_ask_meanwhile_share_the_next_checkpoint():
    process = idle("alpha.never")
    process.accept("e0")
    for number in range(1, 5):
        process.accept(f"e{number}", f"u{number}0")
    process.committer.finish()
    process.turn()
    process.advance(0.006)
    process.committer.finish()
    process.turn()
    assert len(process.calls) == 5
    assert len(process.committer.seen[-1].parts) == 1


def test_running_is_written_for_chains_that_have_receipts_and_for_no_others():
    process = idle("alpha.key", "beta.key")
    process.accept("e1", "ann0")
    process.accept("e2", "cat0")
    process.answer("alpha/key/e1")
    process.advance(0.2)
    part, = process.committer.under_way.parts
    chains = [CODEC.chain(value) for topic, _, value, _ in part.records if topic == TOPICS.chains]
    assert [(one.event_id, one.state, one.waiting_for) for one in chains] == [("e1", "running", "")]


def test_a_chain_that_ends_takes_its_record_away_and_is_known_as_ended():
    process = idle("alpha.key", "beta.key")
    process.committer.automatic = True
    process.accept("e1")
    process.answer()
    process.checkpoint()
    process.answer()
    process.checkpoint()
    nulls = [one for one in process.world.records if one.topic == TOPICS.chains and one.value is None]
    assert [one.key for one in nulls] == [b"app:e1"]
    assert list(process.world.finished(0)) == [identity("app", "e1")]


def test_a_chain_that_never_had_a_record_writes_no_null():
    process = idle("alpha.key")
    process.committer.automatic = True
    process.accept("e1")
    process.settle()
    assert [one for one in process.world.records if one.topic == TOPICS.chains] == []


def test_changed_attributes_are_written_once_a_checkpoint_as_they_are_then():
    process = idle("alpha.key")
    process.sync("cat0", email="c")
    process.sync("ann0", email="a")
    process.sync("ann0", email="b")
    process.committer.finish()
    process.turn()
    process.advance(0.2)
    part, = process.committer.under_way.parts
    states = [CODEC.attributes_state(value) for topic, _, value, _ in part.records
              if topic == TOPICS.attributes_changelog]
    assert [one.attributes for one in states] == [{"email": "b"}]


def test_an_aborted_part_is_sent_again_before_what_came_after():
    process = idle("alpha.key")
    process.accept("e1")
    process.answer()
    process.advance(0.2)
    process.committer.finish("aborted")
    process.turn()
    process.accept("e2")
    process.answer()
    process.give_metadata()
    process.advance(0.2)
    results = [CODEC.result(value).event_id for part in process.committer.under_way.parts
               for topic, _, value, _ in part.records if topic == TOPICS.results]
    assert results == ["e1", "e2"]
    assert process.committer.under_way.metadata == "metadata 1"


def test_positions_reach_the_store_with_the_commit():
    process = idle("alpha.key")
    process.sync("ann0", email="a")
    process.advance(0.2)
    store = process.loop.partitions[0].store
    assert store.positions == {}
    process.committer.finish()
    process.turn()
    assert store.positions == {TOPICS.attributes_changelog: len(process.world.records)}
