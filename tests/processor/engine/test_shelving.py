"""Parked chains beyond the window lie on disk alone, and nobody but the memory notices it."""

from dataclasses import replace

import pytest

from connectors.kit.connector import Limits
from processor.engine import takeover
from processor.engine.chain import Parked
from processor.engine.options import EngineOptions
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration
from testkit.engine.world import TOPICS

OPTIONS = EngineOptions(partitions=2, parked_in_memory=2)
PROMPTS = {"p": ["alpha.key"], "q": ["beta.key"], "n": ["gamma.needs"], "both": ["beta.key", "alpha.key"]}


def harness(options=OPTIONS, **more):
    return Harness(configuration(PROMPTS, limits=Limits(concurrency=1), **more), options=options)


def down(process, status=503):
    """Alpha fails until its circuit is open; what failed waits like all that comes."""
    for number in range(20):
        if not process.gate("alpha").circuit.closed:
            break
        process.accept(f"first{number}", f"first{number}0")
        process.answer(f"first{number}", status)
    assert not process.gate("alpha").circuit.closed
    process.turn()


def in_memory(process):
    """Keys of the parked chains that memory knows."""
    return {one.key for partition in process.loop.partitions.values() for one in partition.open.values()
            if isinstance(one, Parked)}


def on_shelves(process):
    return sum(partition.shelf.away for partition in process.loop.partitions.values())


def posts(process, connector="alpha"):
    return [line.rpartition("/")[2] for line in process.sent if line.startswith(f"POST {connector}/key/")]


def park(process, count, prompt="p", users=1000):
    for number in range(count):
        process.accept(f"e{number}", f"u{number % users}0", prompt)
        process.advance(0.002)  # a time of its own each


def test_memory_knows_no_more_than_the_window_and_the_books_know_all():
    process = harness()
    down(process)
    park(process, 50)
    assert len(in_memory(process)) == 2
    assert on_shelves(process) == 49, "with the one that opened the circuit"
    assert process.balance.parked == 2 + on_shelves(process)
    assert process.gate("alpha").waiting == process.balance.parked


def test_a_partition_within_the_window_never_asks_its_index(monkeypatch):
    process = harness(EngineOptions(partitions=2))
    for partition in process.loop.partitions.values():
        monkeypatch.setattr(partition.store, "index", None)
        partition.shelf._index = None
    down(process)
    park(process, 30)
    process.sync("u10", email="a@example.org")
    process.settle(90.0)
    assert process.balance.parked == process.balance.in_flight == 0


def test_what_waits_on_disk_runs_oldest_first_with_what_waits_in_memory():
    process = harness()
    down(process)
    park(process, 30)
    begun = len(process.sent)
    process.settle(90.0)
    assert [one for one in posts(process)[begun:] if one.startswith("e")] == [f"e{number}" for number in range(30)]
    assert {one.attempts for one in process.world.results() if one.event_id.startswith("e")} == {1}


def test_a_later_event_of_the_user_waits_behind_the_one_on_disk_only_where_it_must():
    process = harness()
    down(process)
    park(process, 5)
    assert not in_memory(process) & {"app:e4"}
    process.accept("other", "u40", "q")
    assert process.lines == ["POST beta/key/other"]
    process.answer("other")
    process.accept("behind", "u40", "both")
    process.answer("beta/key/behind")
    assert process.world.results("behind") == [] or process.world.chain("app:behind").waiting_for == "order"
    process.checkpoint()
    assert process.world.chain("app:behind").waiting_for == "order"
    process.settle(90.0)
    sent = posts(process)
    assert sent.index("e4") < sent.index("behind")
    assert process.balance.parked == 0


def test_an_event_published_again_while_it_lies_on_disk_runs_once_whoever_is_named():
    process = harness()
    down(process)
    park(process, 6)
    process.accept("e5", "u50")
    process.accept("e5", "somebody0")
    process.settle(90.0)
    assert posts(process).count("e5") == 1


def test_a_chain_on_disk_is_woken_by_its_attributes_or_else_by_its_time():
    process = harness(replace(OPTIONS, parked_in_memory=0))
    process.accept("synced", "ann0", "n")
    process.accept("late", "bob0", "n")
    process.turn()
    assert not in_memory(process)
    process.sync("ann0", email="ann@example.org")
    assert any("synced" in line for line in process.lines)
    process.settle(31.0)
    assert process.outcomes("late") == [("gamma.needs", "failed", "missing_attributes")]
    assert process.outcomes("synced") == [("gamma.needs", "succeeded", "")]


def test_who_is_forgotten_is_forgotten_on_disk_too_and_nobody_else():
    process = Harness(configuration(PROMPTS, exports=["alpha"]), options=replace(OPTIONS, parked_in_memory=0))
    down(process)
    park(process, 4)
    process.advance(5.0)
    for call in list(process.calls):
        process.transport.answer(call, 503)
    process.advance(1.0)
    world, user = process.world, "u20"
    assert {key for key in world.chains() if "e2" in key} == {"app:e2", "app:e2#exports"}
    process.engine.events.forget(process.loop.partitions[0], f"app:{user}")
    process.turn()
    process.checkpoint()
    assert not {key for key in world.chains() if "e2" in key}
    assert {one.code for one in world.results("e2")} == {"forgotten"}
    assert {"app:e1", "app:e1#exports"} <= set(world.chains())
    process.settle(120.0)
    assert process.balance.parked == 0


def test_settings_that_are_mended_wake_what_lies_on_disk():
    process = harness()
    process.accept("e0", "ann0")
    process.answer(answer=401)
    park(process, 6)
    process.turn()
    process.engine.configure(configuration({**PROMPTS}, limits=Limits(concurrency=1), version="v2", secret="right"))
    process.settle(10.0)
    assert {one.outcome for one in process.world.results()} == {"succeeded"}
    assert process.balance.parked == 0


def test_what_waited_on_disk_beyond_the_grace_of_wrong_settings_ends_too():
    process = harness(replace(OPTIONS, misconfigured_grace=300.0, parked_in_memory=0))
    for number in range(6):
        process.accept(f"e{number}", f"u{number}0")
        for call in list(process.calls):
            process.transport.answer(call, 403)
        process.turn()
    for _ in range(14):
        for call in list(process.calls):
            process.transport.answer(call, 403)
        process.advance(30.1)
    process.checkpoint()
    assert [one.reason for one in process.world.results()] == ["misconfigured"] * 6


def test_chains_on_disk_probe_in_turn():
    """One that fails for its own sake would keep the circuit open for all."""
    process = harness(replace(OPTIONS, parked_in_memory=0))
    down(process)
    park(process, 3)
    begun = len(process.sent)
    for _ in range(4):
        process.advance(61.0)
        process.transport.answer(process.call(), 503)
        process.turn()
    assert len(set(process.sent[begun:])) == 4


def test_no_more_run_at_a_time_than_there_is_room_for():
    process = harness(replace(OPTIONS, max_in_flight=5))
    process.accept("e", "ann0", "n")
    for number in range(20):
        process.accept(f"n{number}", f"u{number}0", "n")
        process.turn()
    assert process.balance.parked == 21
    process.advance(31.0)
    process.settle(10.0)
    assert process.balance.parked == process.balance.in_flight == 0
    assert len(process.world.letters()) == 21


@pytest.mark.parametrize("window", [0, 2, 1000])
def test_a_new_owner_takes_up_what_was_parked_a_little_in_each_turn_and_keeps_the_order(monkeypatch, window):
    monkeypatch.setattr(takeover, "HELPING", 1)
    process = harness(replace(OPTIONS, parked_in_memory=window))
    down(process)
    park(process, 24, users=3)
    process.checkpoint()
    heir = process.crash(assigned=())
    heir.assign(0, 1)
    partition = heir.loop.partitions[0]
    assert not partition.restored
    assert 0 < heir.balance.events_in < 24
    assert TOPICS.attributes not in {topic for topic, number in heir.source.resumed if number == 0}
    heir.turn(90)
    assert partition.restored
    assert heir.engine.parking.shelving.known <= window
    heir.feed()
    heir.settle(120.0)
    assert heir.balance.in_flight == heir.balance.parked == 0
    mine = [one for one in posts(heir) if one.startswith("e")]
    for user in range(3):
        his = [int(one[1:]) for one in mine if int(one[1:]) % 3 == user]
        assert his == sorted(his), "in order"
    assert len(set(mine)) == len(mine) == 24
    assert heir.balance.parked == heir.balance.in_flight == 0


def test_a_partition_that_leaves_while_it_is_taken_up_is_off_the_books(monkeypatch):
    monkeypatch.setattr(takeover, "HELPING", 1)
    process = harness()
    down(process)
    park(process, 20)
    process.checkpoint()
    heir = process.crash(assigned=())
    heir.assign(0, 1)
    assert not heir.loop.partitions[0].restored
    done = heir.revoke(0)
    heir.advance(1.0)
    assert done.is_set()
    heir.lose(1)
    balance = heir.balance
    assert (balance.parked, balance.in_flight, balance.open_bindings) == (0, 0, 0)
    assert heir.gate("alpha").shelved == 0
    assert heir.engine.parking.shelving.known == 0
    heir.assign(0, 1)
    heir.turn(90)
    heir.feed()
    heir.settle(120.0)
    assert heir.balance.parked == 0


def test_a_chain_on_disk_whose_app_is_gone_waits_and_holds_up_nobody():
    process = harness(replace(OPTIONS, parked_in_memory=0))
    down(process)
    park(process, 3)
    process.turn()
    del process.engine.plans.apps["app"]
    process.advance(120.0)
    assert process.calls == []
    process.engine.configure(configuration(PROMPTS, limits=Limits(concurrency=1), version="v3"))
    process.settle(200.0)
    assert process.balance.parked == 0
    assert {"e0", "e1", "e2"} <= set(posts(process))
