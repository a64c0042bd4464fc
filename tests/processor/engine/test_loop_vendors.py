"""What a vendor's health does to chains: refused settings, circuits, limits, order behind what waits."""

from dataclasses import replace

import pytest

from connectors.kit import Done, Limits
from connectors.kit.http import put
from processor.engine.circuit import CircuitPolicy
from processor.engine.options import EngineOptions
from processor.engine.retry import RetryPolicy
from testkit.engine.harness import LOST, UNSENT, Harness
from testkit.engine.vendors import Bind, configuration, vendor
from testkit.engine.world import TOPICS

QUICK = EngineOptions(
    partitions=2, retry=RetryPolicy(0.5, 4.0, 3, 60.0), circuit=CircuitPolicy(30.0, 4, 0.5, 5.0, 60.0),
    misconfigured_pause=30.0, misconfigured_grace=3600.0)


def harness(*chain, options=QUICK, **more):
    return Harness(configuration({"p": list(chain), "q": ["beta.key"], "r": ["alpha.key"]}, **more), options=options)


def failing(process, count, answer=503):
    """So many events of different users whose calls fail at once."""
    for number in range(count):
        process.accept(f"f{number}", f"u{number}0")
    for call in list(process.calls):
        process.transport.answer(call, answer)
    process.turn()


def pair(call):
    yield put(f"/one/{call.event.event_id}")
    yield put(f"/two/{call.event.event_id}")
    return Done("done")


def shut(process):
    """The circuit of alpha has just opened."""
    gate = process.gate("alpha")
    gate.circuit.open(process.clock.now)
    process.engine.parking.outage(gate, is_open=True)


# settings


def test_refused_settings_park_the_connector_and_a_probe_brings_it_back():
    process = harness("alpha.key")
    process.accept("e1", "ann0")
    process.answer(answer=403)
    process.accept("e2", "bob1")
    process.checkpoint()
    assert process.sent == ["POST alpha/key/e1"], "the other chain is parked without a call"
    assert {record.waiting_for for record in map(process.world.chain, ("app:e1", "app:e2"))} == {"settings"}
    assert process.world.committed[TOPICS.interactions, 0] == 1
    process.advance(30.5)
    assert len(process.lines) == 1, "one probe"
    process.answer()
    process.settle(1.0)
    assert sorted(one.event_id for one in process.world.results()) == ["e1", "e2"]
    assert process.gate("alpha").paused_since == 0.0


def test_changed_settings_are_tried_at_once():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=401)
    process.advance(1.0)
    process.engine.configure(configuration({"p": ["alpha.key"]}, version="v2", secret="right"))
    process.advance(0.1)
    assert process.call().headers["Authorization"] == "right"


def test_settings_refused_beyond_the_grace_end_in_a_dead_letter():
    process = harness("alpha.key")
    process.accept("e1")
    for _ in range(130):
        for call in list(process.calls):
            process.transport.answer(call, 403)
        process.advance(30.1)
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "misconfigured")]


def test_refused_settings_of_one_connector_do_not_hold_another():
    process = harness("alpha.key")
    process.accept("e1", "ann0")
    process.answer(answer=403)
    process.accept("e2", "ann0", prompt_id="q")
    assert process.lines == ["POST beta/key/e2"]


def test_all_that_waited_beyond_the_grace_ends_not_only_what_probed():
    process = harness("alpha.key")
    for name, user in (("e1", "ann0"), ("e2", "bob1"), ("e3", "cat0")):
        process.accept(name, user)
        for call in list(process.calls):
            process.transport.answer(call, 403)
        process.turn()
    for _ in range(122):
        for call in list(process.calls):
            process.transport.answer(call, 403)
        process.advance(30.1)
    process.checkpoint()
    assert [one.reason for one in process.world.results()] == ["misconfigured"] * 3


# circuits


def test_a_vendor_that_is_down_opens_the_circuit_and_its_chains_are_parked_at_no_attempts_cost():
    process = harness("alpha.key")
    failing(process, 4)
    process.accept("late", "bob1")
    process.checkpoint()
    assert "POST alpha/key/late" not in process.sent
    record = process.world.chain("app:late")
    assert (record.waiting_for, record.attempts) == ("circuit", 0)
    assert process.world.committed[TOPICS.interactions, 1] == 1


def test_an_open_circuit_lets_one_probe_through_and_pauses_longer_after_each_that_fails():
    process = harness("alpha.key")
    failing(process, 4)
    process.advance(5.1)
    probe, = process.calls
    process.transport.answer(probe, 503)
    process.advance(9.0)
    assert process.lines == []
    process.advance(1.5)
    assert len(process.lines) == 1


def test_after_a_probe_has_passed_what_waits_runs_oldest_first():
    process = harness("alpha.key", limits=Limits(concurrency=1))
    shut(process)
    for number in range(5):
        process.accept(f"w{number}", f"w{number}0")
        process.jump(0.01)
    process.settle(10.0)
    assert [line.rpartition("/")[2] for line in process.sent if "/w" in line] == ["w0", "w1", "w2", "w3", "w4"]


def test_a_chain_that_fails_whatever_the_vendors_health_does_not_keep_the_circuit_open():
    process = harness("alpha.key")
    failing(process, 4)
    process.accept("well", "bob1")
    for _ in range(200):
        for call in list(process.calls):
            process.transport.answer(call, 200 if call.line.endswith("well") else 503)
        process.advance(1.0)
    assert process.outcomes("well") == [("alpha.key", "succeeded", "")]


def test_a_probe_that_cannot_ask_lets_another_ask():
    """The chain woken first lacks attributes: it never calls, and must not be waited for."""
    process = harness("alpha.needs", Bind("alpha.key"))
    shut(process)
    process.accept("e1", "ann0")
    process.accept("e2", "bob1", prompt_id="r")
    process.advance(8.0)
    assert process.lines == ["POST alpha/key/e2"]


@pytest.mark.parametrize("end", ["rejected", "throttled", "lost partition", "revoked partition"])
def test_whatever_becomes_of_a_probe_another_follows(end):
    process = harness("alpha.key")
    shut(process)
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.advance(5.1)
    probe = process.call("e1")
    if end == "rejected":
        process.transport.answer(probe, 400)
    elif end == "throttled":
        process.transport.answer(probe, 429, headers={"retry-after": "1"})
    elif end == "lost partition":
        process.lose(0)
    else:
        process.revoke(0)
        process.advance(QUICK.drain + 1)
    process.settle(20.0)
    assert process.outcomes("e2") == [("alpha.key", "succeeded", "")]


def test_a_probe_that_leaves_with_its_partition_ends_nothing_that_leaves_with_it():
    """What has begun there queues for its second call, and has waited for other settings as long as it may."""
    options = replace(QUICK, misconfigured_grace=0.2, circuit=CircuitPolicy(30.0, 100, 0.5, 0.1, 60.0))
    process = Harness(configuration({"p": ["alpha.pair"], "r": ["alpha.key"]},
                                    connectors=[vendor("alpha", more={"pair": pair})]), options=options)
    process.accept("e1", "ann0", prompt_id="r")
    for number in range(3):
        process.accept(f"f{number}", f"u{number}0")
        process.answer(f"one/f{number}")
        process.answer(f"two/f{number}", 503)
    shut(process)
    gate = process.gate("alpha")
    process.transport.answer(process.call("e1"), UNSENT)
    process.turn()
    gate.throttled_until = process.clock.now + 3.0
    process.advance(1.0)
    assert [chain.probe for chain in gate.queue] == [False, False, False, True]
    gate.paused_since = process.clock.now - 1.0
    process.lose(0)
    assert process.world.results() == []
    assert process.engine.books.handed_over == 4


def test_a_probe_that_grows_too_old_while_it_waits_for_another_try_lets_another_ask():
    configured = configuration({"p": [Bind("alpha.key", max_age=5.2)], "r": ["alpha.key"]})
    process = Harness(configured, options=QUICK, chance=lambda: 1.0)
    process.accept("e1", "ann0")
    shut(process)
    process.advance(5.1)
    process.transport.answer(process.call("e1"), UNSENT)  # sent before: it is to try again as the probe
    process.turn()
    process.accept("e2", "bob1", prompt_id="r")
    process.settle(20.0)
    assert process.outcomes("e1") == [("alpha.key", "expired", "")]
    assert process.outcomes("e2") == [("alpha.key", "succeeded", "")]


def test_a_probe_that_grows_too_old_while_it_waits_for_a_place_lets_another_ask():
    process = Harness(configuration({"p": [Bind("alpha.key", max_age=2.0)], "r": ["alpha.key"]},
                                    limits=Limits(concurrency=1)), options=QUICK)
    process.accept("e1", "ann0", prompt_id="r")
    shut(process)
    process.advance(5.1)
    process.accept("e2", "bob1")
    assert process.lines == ["POST alpha/key/e1"], "the probe stands behind a call that was sent before"
    process.advance(2.5)
    process.transport.answer(process.call("e1"), 400)  # an answer that says nothing of the vendor's health
    process.turn()
    process.accept("e3", "cat2", prompt_id="r")
    process.settle(20.0)
    assert process.outcomes("e2") == [("alpha.key", "expired", "")]
    assert process.outcomes("e3") == [("alpha.key", "succeeded", "")]


def test_what_queues_at_the_gate_is_parked_when_the_circuit_opens():
    process = harness("alpha.key", limits=Limits(concurrency=4))
    for number in range(8):
        process.accept(f"f{number}", f"u{number}0")
    for call in list(process.calls):
        process.transport.answer(call, 503)
    process.turn()
    process.checkpoint()
    assert "POST alpha/key/f7" not in process.sent, "it queued when the fourth failure opened the circuit"
    assert process.balance.parked == 2, "the fourth, and the one that queued"
    process.settle(30.0)
    assert len(process.world.results()) == 8


def test_an_unknown_answer_of_a_call_that_is_not_repeated_counts_for_the_vendors_health_too():
    process = harness("alpha.never")
    for number in range(4):
        process.accept(f"f{number}", f"u{number}0")
    process.advance(0.1)
    for call in list(process.calls):
        process.transport.answer(call, LOST)
    process.turn()
    assert not process.gate("alpha").circuit.closed
    process.settle(10.0)
    assert {one.reason for one in process.world.results()} == {"in_doubt"}


# limits


def test_no_more_calls_than_the_limit_are_in_flight():
    process = harness("alpha.key", limits=Limits(concurrency=2))
    for number in range(5):
        process.accept(f"e{number}", f"u{number}0")
    assert len(process.calls) == 2
    process.answer("e0")
    assert len(process.calls) == 2
    process.settle()
    assert len(process.world.results()) == 5


def test_calls_keep_to_the_rate():
    process = harness("alpha.key", limits=Limits(rate=2.0))
    for number in range(6):
        process.accept(f"e{number}", f"u{number}0")
    assert len(process.sent) == 2
    process.advance(1.0)
    assert len(process.sent) == 4
    process.advance(1.0)
    assert len(process.sent) == 6


def test_one_apps_trouble_does_not_hold_anothers_calls():
    process = harness("alpha.key", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.accept("e2", "bob1", prompt_id="q")
    assert process.lines == ["POST alpha/key/e1", "POST beta/key/e2"]


# order


def test_chains_of_one_user_run_one_after_another_and_users_side_by_side():
    process = harness("alpha.key")
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="q")
    process.accept("e3", "bob1")
    assert process.lines == ["POST alpha/key/e1", "POST alpha/key/e3"]
    process.answer("e1")
    assert process.lines == ["POST alpha/key/e3", "POST beta/key/e2"]


def test_a_later_chain_waits_behind_a_parked_one_for_the_same_connector_only():
    process = harness("alpha.needs")
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="q")
    process.accept("e3", "ann0", prompt_id="r")
    assert process.lines == ["POST beta/key/e2"]
    process.answer()
    process.checkpoint()
    assert process.world.chain("app:e3").waiting_for == "order"
    process.sync("ann0", email="a@example.org")
    assert process.lines == ["PUT alpha/needs/e1/a@example.org"]
    process.answer()
    process.advance(0.01)  # woken, under a key that a vendor forgets: marked first
    assert process.lines == ["POST alpha/key/e3"]


def test_a_binding_that_may_overtake_does():
    process = Harness(configuration({"p": ["alpha.needs"], "r": [Bind("alpha.key", order="overtake")]}), options=QUICK)
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="r")
    assert process.lines == ["POST alpha/key/e2"]


def test_a_chain_that_was_woken_goes_before_a_later_one_that_runs_already():
    process = Harness(configuration({"p": ["alpha.needs"], "s": ["beta.key", "alpha.key"]}), options=QUICK)
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="s")
    assert process.lines == ["POST beta/key/e2"]
    process.sync("ann0", email="a")
    process.answer("beta/key/e2")
    assert process.lines == ["PUT alpha/needs/e1/a"]
    process.settle()
    assert process.sent == ["POST beta/key/e2", "PUT alpha/needs/e1/a", "POST alpha/key/e2"]


def test_what_a_parked_chain_has_done_meanwhile_no_longer_holds_others():
    """The first chain waits for alpha, calls it, then waits for beta: alpha is free for the later chain."""
    process = Harness(configuration({"p": ["alpha.needs", "beta.key"], "r": ["alpha.key"]}), options=QUICK)
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="r")
    assert process.lines == []
    process.sync("ann0", email="a")
    process.answer("needs/e1/a")
    process.advance(0.01)  # woken, under a key that a vendor forgets: marked first
    process.answer("beta/key/e1", 403)
    process.advance(0.01)
    assert process.lines == ["POST alpha/key/e2"]


def test_order_survives_a_crash():
    process = harness("alpha.needs")
    process.accept("e1", "ann0")
    process.accept("e2", "ann0", prompt_id="r")
    process.checkpoint()
    after = process.crash()
    assert after.lines == []
    after.sync("ann0", email="a")
    assert after.lines == ["PUT alpha/needs/e1/a"]
    after.answer()
    after.advance(0.01)  # woken, under a key that a vendor forgets: marked first
    assert after.lines == ["POST alpha/key/e2"]
