"""Exports that must not be repeated: a crash leaves in doubt what was under way, and only that."""

from connectors.kit import BatchLimits, Done, Repeat, post
from processor.engine.options import EngineOptions
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration, vendor
from testkit.engine.world import TOPICS

OPTIONS = EngineOptions(partitions=2, drain=5.0)
ONE = BatchLimits(1, 1000, 100, 1.0)
PAIR = BatchLimits(2, 1000, 100, 1.0)


def harness(*exports, batch=ONE, repeat=Repeat.NEVER, send=None, **more):
    names = exports or ("mix",)
    connectors = [vendor(name, export_repeat=repeat, batch=batch, send=send) for name in names]
    return Harness(configuration({"p": []}, exports=names, connectors=connectors), options=OPTIONS, **more)


def chains(process):
    return [one for one in process.world.records if one.topic == TOPICS.chains]


def test_a_batch_goes_out_only_once_its_marks_are_durable():
    process = harness(batch=PAIR)
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.advance(0.5)
    assert process.sent == []
    assert {part.partition.number for part in process.committer.under_way.parts} == {0, 1}
    process.committer.finish()
    process.turn()
    assert process.sent == ["POST mix/import"]
    assert process.world.chain("app:e1#exports").exports_begun == ("mix.events",)


def test_a_crash_leaves_each_item_of_it_in_doubt():
    process = harness(batch=PAIR)
    process.accept("e1")
    process.accept("e2", "bob1")
    process.checkpoint()
    assert len(process.calls) == 1
    after = process.crash()
    after.settle(3.0)
    assert after.sent == []
    assert [after.outcomes(name) for name in ("e1", "e2")] == [[("mix.events", "failed", "in_doubt")]] * 2
    assert [one.failures[0].code for one in after.world.letters()] == ["started"] * 2
    assert after.world.chains() == {}


def test_a_crash_before_the_marks_were_durable_leaves_nothing_in_doubt():
    process = harness()
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1")
    process.advance(0.5)
    after = process.crash()
    after.settle(3.0)
    assert after.sent == ["POST mix/import"]
    assert after.outcomes("e1") == [("mix.events", "succeeded", "")]


def test_a_sure_failure_takes_the_marks_back():
    process = harness()
    process.accept("e1")
    process.checkpoint()
    process.answer(answer=503)
    process.committer.automatic = False
    process.advance(0.15)
    process.committer.finish()
    assert process.calls == []
    after = process.crash()
    after.settle(5.0)
    assert after.outcomes("e1") == [("mix.events", "succeeded", "")]


def test_of_two_exports_only_the_one_under_way_is_in_doubt():
    process = harness("mix", "pix")
    process.accept("e1")
    process.checkpoint()
    process.answer("mix/import")
    process.checkpoint()
    after = process.crash()
    after.settle(3.0)
    assert after.sent == []
    assert sorted(after.outcomes("e1")) == [("mix.events", "succeeded", ""), ("pix.events", "failed", "in_doubt")]


def test_items_of_a_partition_that_was_lost_do_not_hold_the_others():
    process = harness(batch=PAIR)
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.advance(0.2)
    process.lose(0)
    process.committer.finish()
    process.turn()
    assert process.sent == ["POST mix/import"]
    kept = process.loop.partitions[1]
    assert process.engine.exporter.busy(kept)
    process.answer()
    assert not process.engine.exporter.busy(kept)


def test_a_batch_whose_partitions_were_all_lost_is_not_sent():
    process = harness(batch=PAIR)
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.advance(0.2)
    process.lose(0, 1)
    process.committer.finish()
    process.turn()
    process.committer.automatic = True
    process.advance(1.0)
    assert process.sent == []


def test_marks_are_small_and_others_exports_have_none():
    process = harness()
    process.accept("e1", form={"text": "x" * 5000})
    process.settle(1.0)
    assert max(len(one.value or b"") for one in chains(process)) < 200
    assert process.world.chains() == {}
    process = harness(repeat=Repeat.HARMLESS)
    process.accept("e1")
    process.settle(1.0)
    assert chains(process) == []


def test_receipts_beside_a_mark_go_on_with_the_attributes_that_are_there():
    """The record of a mark holds none."""
    process = harness("mix", "pix")
    process.sync("ann0", email="a")
    process.accept("e1", "ann0")
    process.checkpoint()
    process.answer("mix/import")
    process.checkpoint()
    after = process.crash()
    after.settle(3.0)
    assert {one.attributes_offset for one in after.world.results("e1")} == {0}
    letter, = after.world.letters("e1")
    assert letter.attributes == {"email": "a"}


def _waits(_settings, items):
    yield post("/job", effect=False)
    yield post("/status", effect=False, wait=2.0)
    return [Done(one.reference) for one in items]


def test_a_batch_waits_as_long_as_its_flow_asks():
    process = harness(send=_waits, repeat=Repeat.HARMLESS)
    process.accept("e1")
    process.answer("mix/job")
    process.advance(1.9)
    assert process.lines == []
    process.advance(0.2)
    assert process.lines == ["POST mix/status"]
    process.settle()
    assert process.outcomes("e1") == [("mix.events", "succeeded", "")]
