"""How flights wait at a gate, and in which order they go out."""

from connectors.kit import Limits
from processor.engine.sender import ENOUGH, SOON
from testkit.engine.harness import Harness
from testkit.engine.vendors import Bind, configuration


def test_a_chain_that_has_begun_is_brought_to_its_end_before_another_begins():
    """Each chain that is open at a checkpoint costs a record of it."""
    process = Harness(configuration({"p": ["alpha.key", "alpha.key"]}, limits=Limits(concurrency=1)))
    for number, user in enumerate(("ann0", "bob0", "cid0")):
        process.accept(f"e{number}", user)
    for _ in range(5):
        process.answer()
    assert process.sent == [f"POST alpha/key/e{number}" for number in (0, 0, 1, 1, 2, 2)]


def flooded(**limits):
    """Far more than the vendor takes at once, each of another user."""
    process = Harness(configuration({"p": ["alpha.key"]}, limits=Limits(**limits)))
    for number in range(6):
        process.accept(f"e{number}", f"user{number}")
    return process


def test_what_waits_for_a_place_has_neither_flow_nor_attributes():
    """Two thousand may wait: they must be small."""
    process = flooded(concurrency=1)
    waiting = [chain for partition in process.loop.partitions.values() for chain in partition.open.values()
               if chain.sent_at == 0]
    assert len(waiting) == 5
    assert {(chain.flow, chain.request, chain.known) for chain in waiting} == {(None, None, None)}


def test_what_waited_for_a_place_is_called_with_the_attributes_of_the_moment_in_which_it_begins():
    process = Harness(configuration({"p": ["alpha.needs"]}, limits=Limits(concurrency=1)))
    for user in ("ann0", "bob0"):
        process.sync(user, email="old")
        process.accept(f"of-{user}", user)
    process.sync("bob0", email="new")
    process.answer()
    assert process.sent == ["PUT alpha/needs/of-ann0/old", "PUT alpha/needs/of-bob0/new"]


def test_a_place_that_is_not_needed_after_all_goes_to_the_next():
    """The chain in turn lacks an attribute: it sends nothing, and holds nobody up."""
    process = Harness(configuration({"p": ["alpha.key"], "q": ["alpha.needs"]}, limits=Limits(concurrency=1)))
    process.accept("e0", "ann0")
    process.accept("e1", "bob0", "q")
    process.accept("e2", "cid0")
    process.answer()
    assert process.sent[-1] == "POST alpha/key/e2"
    process.answer()
    assert process.gate("alpha").busy == 0


def test_a_token_that_is_not_needed_after_all_is_given_back():
    process = flooded(rate=2.0)
    gate = process.gate("alpha")
    before = gate.bucket.taken
    assert gate.wait(process.clock.now + 1.0) == 0.0
    gate.give_back()
    assert gate.bucket.taken == before
    assert gate.wait(process.clock.now + 1.0) == 0.0


def test_an_event_that_grew_too_old_while_it_waited_for_a_place_is_not_called():
    process = Harness(configuration({"p": [Bind("alpha.key", max_age=60.0)]}, limits=Limits(concurrency=1)))
    process.accept("e0", "ann0")
    process.accept("e1", "bob0")
    process.advance(61)
    process.answer()
    process.checkpoint()
    assert process.outcomes("e0")[0][1] == "succeeded"
    assert process.outcomes("e1")[0][1] == "expired"


def test_no_more_is_read_while_enough_waits_that_will_soon_have_begun():
    """Who waits in the log costs nothing; who waits in memory does."""
    process = Harness(configuration({"p": ["alpha.key"]}, limits=Limits(concurrency=4)))
    sender, gate = process.engine.sender, process.gate("alpha")
    for number in range(ENOUGH + 4):
        process.accept(f"e{number}", f"user{number}")
    assert len(gate.queue) == ENOUGH
    for number in range(1000):
        gate.answered(process.clock.now + number / 10_000)
    process.clock.now += 0.1
    sender.turn(process.clock.now)
    assert sender.has_enough()
    process.accept("more", "user1000")
    assert len(gate.queue) == ENOUGH
    sender.turn(process.clock.now + SOON)
    assert not sender.has_enough(), "whatever fills the queue anew, others are read after a moment"


def test_more_is_read_where_a_vendor_is_slow_for_the_sake_of_the_others():
    process = Harness(configuration({"p": ["alpha.key"], "q": ["beta.key"]}, limits=Limits(concurrency=4)))
    for number in range(ENOUGH * 3):
        process.accept(f"e{number}", f"user{number}")
    assert not process.engine.sender.has_enough()
    process.accept("other", "user1000", "q")
    assert process.sent[-1] == "POST beta/key/other"
