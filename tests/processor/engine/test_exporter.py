"""Exports beside the chains: batches by number, bytes and age; groups; an outcome for each item; waits."""

import pytest

from connectors.kit import BatchLimits, Done, Limits, Repeat, halved, post
from processor.engine.circuit import CircuitPolicy
from processor.engine.options import EngineOptions
from processor.engine.retry import RetryPolicy
from processor.model.dead_letter import Origin
from processor.model.replay import Replay
from testkit.engine.harness import LOST, UNSENT, Harness
from testkit.engine.vendors import configuration, vendor
from testkit.engine.world import TOPICS

OPTIONS = EngineOptions(partitions=2, drain=10.0, retry=RetryPolicy(0.5, 4.0, 3, 60.0),
                        circuit=CircuitPolicy(30.0, 4, 0.5, 5.0, 60.0))


def harness(*, options=OPTIONS, batch=None, chain=(), **more):
    connectors = [vendor("mix", batch=batch)] if batch else []
    return Harness(configuration({"p": list(chain), "broken": []}, exports=["mix"], connectors=connectors, **more),
                   options=options)


def bodies(process):
    return [one.signed.body for one in process.transport.sent]


def test_a_batch_goes_out_when_it_is_full():
    process = harness()
    for number in range(3):
        process.accept(f"e{number}", f"u{number}0")
    assert bodies(process) == [b"e0,e1,e2"]


def test_a_batch_goes_out_when_its_first_item_has_waited_long_enough():
    process = harness()
    process.accept("e0")
    process.advance(0.5)
    process.accept("e1")
    process.advance(0.4)
    assert bodies(process) == []
    process.advance(0.2)
    assert bodies(process) == [b"e0,e1"]


def test_a_batch_keeps_to_the_bytes_that_the_vendor_takes():
    process = harness(batch=BatchLimits(100, 10, 8, 1.0))
    for name in ("aaaa", "bbbb", "cccc"):
        process.accept(name)
    assert bodies(process) == [b"aaaa,bbbb"]
    process.advance(1.1)
    assert bodies(process) == [b"aaaa,bbbb", b"cccc"]


def test_an_item_that_is_too_large_is_rejected_alone():
    process = harness(batch=BatchLimits(100, 100, 5, 1.0))
    process.accept("far-too-long")
    process.accept("ok")
    process.settle(2.0)
    assert process.outcomes("far-too-long") == [("mix.events", "failed", "rejected")]
    assert process.outcomes("ok") == [("mix.events", "succeeded", "")]


def test_items_of_different_groups_share_no_request():
    process = harness()
    process.accept("e0", variant_id="a")
    process.accept("e1", variant_id="b")
    process.accept("e2", variant_id="a")
    process.advance(1.1)
    assert sorted(bodies(process)) == [b"e0,e2", b"e1"]


def test_each_item_ends_in_its_own_outcome():
    process = harness()
    for number in range(3):
        process.accept(f"e{number}")
    process.answer(json={"refused": ["e1"]})
    process.checkpoint()
    assert [(one.event_id, one.outcome, one.note) for one in process.world.results()] == [
        ("e0", "succeeded", "accepted"), ("e1", "failed", ""), ("e2", "succeeded", "accepted")]
    letter, = process.world.letters()
    assert (letter.event_id, list(letter.remaining)) == ("e1", ["mix.events"])
    assert process.world.results()[0].position == -1


@pytest.mark.parametrize("answer", [503, LOST, UNSENT])
def test_a_batch_that_fails_as_a_whole_is_tried_again(answer):
    process = harness()
    process.accept("e0")
    process.advance(1.1)
    process.answer(answer=answer)
    process.advance(2.0)
    assert bodies(process) == [b"e0", b"e0"]
    process.settle()
    assert process.outcomes("e0") == [("mix.events", "succeeded", "")]


def never_repeated(**more):
    mix = vendor("mix", export_repeat=Repeat.NEVER, **more)
    return Harness(configuration({"p": []}, exports=["mix"], connectors=[mix]), options=OPTIONS)


@pytest.mark.parametrize("answer", [500, 502, LOST])
def test_a_batch_that_must_not_be_repeated_and_may_have_arrived_is_in_doubt(answer):
    process = never_repeated()
    process.accept("e0")
    process.accept("e1")
    process.advance(1.3)
    assert process.calls[0].signed.body == b"e0,e1"
    process.answer(answer=answer)
    process.advance(30.0)
    process.checkpoint()
    assert bodies(process) == [b"e0,e1"]
    assert [process.outcomes(name) for name in ("e0", "e1")] == [[("mix.events", "failed", "in_doubt")]] * 2


@pytest.mark.parametrize("answer", [503, 429, UNSENT])
def test_a_batch_that_surely_did_not_arrive_is_tried_again_though_it_must_not_be_repeated(answer):
    process = never_repeated()
    process.accept("e0")
    process.advance(1.3)
    process.answer(answer=answer)
    process.settle(5.0)
    assert bodies(process) == [b"e0", b"e0"]
    assert process.outcomes("e0") == [("mix.events", "succeeded", "")]


def in_halves(settings, items):
    answer = yield post("/import", body=b",".join(one.body for one in items), look_at=[400])
    return [Done(one.reference) for one in items] if answer.ok else (yield from halved(in_halves, settings, items))


@pytest.mark.parametrize("answer", [503, 403, UNSENT])
def test_a_batch_of_which_one_half_is_in_is_not_begun_anew(answer):
    process = never_repeated(send=in_halves, batch=BatchLimits(2, 99, 99))
    process.accept("e0")
    process.accept("e1")
    process.checkpoint()
    process.answer(answer=400)
    process.answer()
    process.answer(answer=answer)
    process.advance(30.0)
    process.checkpoint()
    assert bodies(process) == [b"e0,e1", b"e0", b"e1"]
    assert [process.outcomes(name) for name in ("e0", "e1")] == [[("mix.events", "failed", "in_doubt")]] * 2


def test_a_batch_that_is_refused_ends_all_its_items():
    process = harness()
    for number in range(3):
        process.accept(f"e{number}")
    process.answer(answer=400)
    process.checkpoint()
    assert {one.reason for one in process.world.results()} == {"rejected"}
    assert len(process.world.letters()) == 3


def test_a_batch_is_given_up_when_attempts_and_time_are_used_up():
    process = harness(options=EngineOptions(partitions=2, retry=RetryPolicy(0.5, 4.0, 3, 60.0)))
    process.accept("e0")
    for second in range(80):
        process.advance(1.0)
        assert second > 59 or process.outcomes("e0") == []
        for call in list(process.calls):
            process.transport.answer(call, 503)
    process.checkpoint()
    assert process.outcomes("e0") == [("mix.events", "failed", "unavailable")]


def test_an_export_and_a_chain_of_one_event_end_each_by_itself():
    process = harness(chain=["alpha.key"])
    process.accept("e0")
    process.answer("alpha/key/e0")
    process.checkpoint()
    assert process.outcomes("e0") == [("alpha.key", "succeeded", "")]
    assert process.world.committed[TOPICS.interactions, 0] == 0, "the export is not done"
    process.advance(1.0)
    process.answer()
    process.checkpoint()
    assert process.world.committed[TOPICS.interactions, 0] == 1
    after = process.crash()
    assert after.sent == []


def test_a_broken_item_ends_alone():
    process = harness()
    process.accept("e0", prompt_id="broken")
    process.accept("e1")
    process.settle(2.0)
    assert process.outcomes("e0") == [("mix.events", "failed", "broken")]
    assert process.outcomes("e1") == [("mix.events", "succeeded", "")]


def raises(_settings, _items):
    raise ZeroDivisionError
    yield


def no_ends(_settings, _items):
    return None
    yield


def too_few(_settings, _items):
    return []
    yield


@pytest.mark.parametrize("send", [raises, no_ends, too_few, lambda _settings, _items: 1 / 0])
def test_a_broken_export_ends_as_broken_and_the_process_lives(send):
    mix = vendor("mix")
    mix.exports["events"] = type(mix.exports["events"])(
        "events", "Events", mix.exports["events"].item, send, mix.exports["events"].params, BatchLimits(1, 99, 99))
    process = Harness(configuration({"p": []}, exports=["mix"], connectors=[mix]), options=OPTIONS)
    process.accept("e0")
    process.checkpoint()
    assert process.outcomes("e0") == [("mix.events", "failed", "broken")]


def test_items_are_parked_while_the_vendor_is_down_and_a_probe_brings_them_back():
    process = harness(limits=Limits())
    for number in range(12):
        process.accept(f"e{number}")
    for call in list(process.calls):
        process.transport.answer(call, 503)
    process.turn()
    process.accept("late")
    process.advance(1.1)
    process.checkpoint()
    assert not process.gate("mix").circuit.closed
    assert process.balance.parked > 0
    assert process.world.committed[TOPICS.interactions, 0] >= 10
    process.settle(30.0)
    assert {one.outcome for one in process.world.results()} == {"succeeded"}
    assert len(process.world.results()) == 13


def test_refused_settings_park_items_and_chains_of_the_connector_alike():
    process = harness(chain=["mix.key"])
    process.accept("e0")
    process.answer("mix/key/e0", 403)
    process.advance(1.5)
    process.checkpoint()
    assert process.balance.parked == 2
    process.settle(90.0)
    assert process.outcomes("e0") in (
        [("mix.key", "succeeded", ""), ("mix.events", "succeeded", "")],
        [("mix.events", "succeeded", ""), ("mix.key", "succeeded", "")])


def test_a_chain_parked_for_the_vendor_is_woken_by_an_export_that_passes():
    process = harness(chain=["mix.key"])
    gate = process.gate("mix")
    process.accept("e0", interaction="decline")
    gate.circuit.open(process.clock.now, 0.5)
    process.accept("e1", "bob1")
    process.advance(1.2)
    process.settle(5.0)
    assert ("mix.key", "succeeded", "") in process.outcomes("e1")


@pytest.mark.parametrize("answer", [400, 429])
def test_a_batch_that_probes_in_vain_lets_others_probe(answer):
    process = harness()
    gate = process.gate("mix")
    gate.circuit.open(process.clock.now, 0.5)
    process.accept("e0")
    process.advance(1.1)
    process.answer(answer=answer)
    process.accept("e1", "bob1")
    process.settle(20.0)
    assert process.outcomes("e1") == [("mix.events", "succeeded", "")]


def test_a_drain_sends_what_waits_and_waits_for_it():
    process = harness()
    process.accept("e0")
    done = process.revoke(0)
    assert bodies(process) == [b"e0"]
    process.advance(1.0)
    assert not done.is_set()
    process.answer()
    process.advance(1.0)
    assert done.is_set()
    assert process.outcomes("e0") == [("mix.events", "succeeded", "")]


def test_items_of_a_lost_partition_are_not_written_twice():
    process = harness()
    process.accept("e0")
    process.advance(1.1)
    process.lose(0)
    process.assign(0)
    process.settle(3.0)
    assert process.outcomes("e0") == [("mix.events", "succeeded", "")]
    assert process.balance.open_bindings == 0


def test_a_failed_export_is_replayed_alone():
    process = harness(chain=["alpha.key"])
    process.accept("e0")
    process.answer("alpha/key/e0")
    process.advance(1.0)
    process.answer(answer=400)
    process.checkpoint()
    letter, = process.world.letters()
    process.replay(Replay("app", "ann0", "e0", 1, Origin(*letter.origin), letter.receipts, letter.remaining, False,
                          "olga", 0))
    process.settle(2.0)
    last = process.world.results("e0")[-1]
    assert (last.run, last.binding_id, last.outcome) == (1, "mix.events", "succeeded")
    assert process.sent.count("POST alpha/key/e0") == 1
