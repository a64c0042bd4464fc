"""At a vendor's limit live traffic goes before replays, and is not starved by what waited for the vendor."""

import pytest

from connectors.kit.connector import Limits
from processor.engine.circuit import CircuitPolicy
from processor.engine.options import EngineOptions
from processor.model.replay import replay_of
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration

OPTIONS = EngineOptions(partitions=2, max_in_flight=200, circuit=CircuitPolicy(30.0, 4, 0.9, 5.0, 60.0))


def asked(count, **limits):
    """A process that was asked for so many replays at once, each of another user."""
    process = Harness(configuration({"p": ["alpha.key"]}, limits=Limits(**limits)), options=OPTIONS)
    for number in range(count):
        process.accept(f"r{number}", f"again{number}")
        process.advance(2.0)
        process.answer(answer=400)
    process.checkpoint()
    for letter in process.world.letters():
        process.replay(replay_of(letter, "olga", 1))
    process.begun = len(process.transport.sent) - len(process.lines)
    return process


def called(process):
    """Events in the order of their calls, since the replays were asked for."""
    return [line.rpartition("/")[2] for line in process.sent[process.begun:]]


def test_live_traffic_goes_before_the_replays_that_wait_for_a_place():
    process = asked(4, concurrency=1)
    for name in ("live0", "live1"):
        process.accept(name, name)
    for _ in range(6):
        process.answer()
    assert called(process) == ["r0", "live0", "live1", "r1", "r2", "r3"]


def test_live_traffic_goes_before_the_replays_that_wait_for_the_rate_and_both_keep_to_it():
    process = asked(6, rate=1.0)
    for name in ("live0", "live1"):
        process.accept(name, name)
    begun = process.clock.now
    while len(called(process)) < 8:
        process.advance(0.1)
    assert called(process) == ["r0", "live0", "live1", "r1", "r2", "r3", "r4", "r5"]
    assert process.clock.now - begun == pytest.approx(7, abs=0.5)


def test_what_a_replay_has_begun_is_brought_to_its_end_first():
    process = Harness(configuration({"p": ["alpha.key", "alpha.key"]}, limits=Limits(concurrency=1)))
    process.accept("r0", "again0")
    process.answer(answer=400)
    process.checkpoint()
    process.replay(replay_of(process.world.letters()[0], "olga", 1))
    process.accept("live0", "live0")
    for _ in range(4):
        process.answer()
    assert [line.rpartition("/")[2] for line in process.sent[1:]] == ["r0", "r0", "live0", "live0"]


def test_replays_that_crowd_a_gate_send_replays_away_and_no_live_chain():
    count = OPTIONS.max_in_flight // 4 + 10
    process = asked(count, concurrency=1)
    process.advance(2.0)
    process.accept("live0", "live0")
    assert process.balance.parked == 0
    process.answer()
    assert called(process) == ["r0", "live0"]
    process.answer()
    process.answer(answer=400)
    process.checkpoint()
    process.replay(replay_of(process.world.letters()[-1], "olga", 1))
    assert process.balance.parked > 0, "a replay more is sent away, while live traffic goes on"
    process.settle(30.0)
    assert process.balance.parked == process.balance.in_flight == 0
    assert len(called(process)) == count + 2


def test_replays_that_queue_are_parked_when_the_circuit_opens():
    process = asked(4, concurrency=1)
    gate = process.gate("alpha")
    gate.circuit.open(process.clock.now)
    process.engine.parking.outage(gate, is_open=True)
    assert (gate.queued, process.balance.parked) == (0, 3)
    process.settle(30.0)
    assert sorted(called(process)) == ["r0", "r1", "r2", "r3"]


def test_live_traffic_is_not_starved_while_what_waited_is_worked_off_and_the_vendor_is_not_stormed():
    rate, waiting = 10, 1000
    process = Harness(configuration({"p": ["alpha.key"]}, limits=Limits(rate=float(rate))), options=OPTIONS)
    process.accept("first")
    process.answer()
    gate = process.gate("alpha")
    gate.circuit.open(process.clock.now)
    process.engine.parking.outage(gate, is_open=True)
    for number in range(waiting):
        process.accept(f"w{number}", f"waits{number}")
    assert process.balance.parked == waiting
    back = process.clock.now
    pass_time(process, 10.0)
    process.accept("live", "somebody")
    pass_time(process, 10.0)
    assert "POST alpha/key/live" in process.sent
    assert process.balance.parked > waiting // 2
    assert len(process.sent) - 2 <= (process.clock.now - back) * rate + rate, "a second's worth at once, and no more"


def pass_time(process, seconds):
    """Each call answered a tenth of a second after it went out."""
    for _ in range(int(seconds * 10)):
        for call in list(process.calls):
            process.transport.answer(call, 200)
        process.advance(0.1)
