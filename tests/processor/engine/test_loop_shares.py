"""Two processes of a group, each on the real engine, share a rate limit by what they tell each other."""

from collections import Counter

import pytest

from connectors.kit import Limits
from processor.engine.shares import Sharing
from testkit.engine.harness import Clock, Harness
from testkit.engine.vendors import configuration, event
from testkit.engine.world import CODEC, World

TOPIC = "prompt-actions.demand"


class Pair:
    """Two processes on one clock; what one says rides in its checkpoint, and both read it a moment later."""

    def __init__(self, rate):
        chains = configuration({"p": ["alpha.key"]}, limits=Limits(rate=rate))
        self.world, self.clock = World(), Clock()
        self.processes = [Harness(chains, world=self.world, clock=self.clock, assigned=(number,))
                          for number in (0, 1)]
        self.sharing = [Sharing(f"p{number}", one.engine.plans.gates, one.engine.sender.look_again)
                        for number, one in enumerate(self.processes)]
        self.read = 0
        self.times = [[], []]

    def publish(self, count):
        for number in range(count):
            self.world.publish(event(f"e{number}", f"user{number}", "p", self.clock.now), self.clock.now)
        for one in self.processes:
            one.feed()

    def turn(self, seconds):
        """Let a quarter of a second pass again and again; vendors answer at once."""
        for _ in range(int(seconds / 0.25)):
            for number, (process, sharing) in enumerate(zip(self.processes, self.sharing, strict=True)):
                self._say(process, sharing)
                for one in process.calls[:]:
                    self.times[number].append(one.at)
                    process.transport.answer(one, 200)
                process.turn()
            self.clock.now += 0.25

    def _say(self, process, sharing):
        for value, at in self._new():
            for one in self.sharing:
                one.heard.take(CODEC.demand(value), at)
        word = sharing.turn(self.clock.now)
        if word is not None:
            process.engine.checkpoints.aside = [(TOPIC, word.process.encode(), CODEC.encode_demand(word), 0)]
        process.turn()

    def _new(self):
        values = self.world.values(TOPIC)
        fresh, self.read = values[self.read:], len(values)
        return [(value, self.clock.now) for value in fresh]


@pytest.mark.parametrize("rate", [8.0, 1.0])
def test_two_processes_keep_to_the_limit_together(rate):
    pair = Pair(rate)
    pair.publish(int(rate * 40))
    pair.turn(30)
    settled = [int(one - pair.clock.now) for times in pair.times for one in times if one > pair.times[0][0] + 3]
    assert len(settled) <= rate * 27 * 1.05 + 2
    assert len(settled) >= rate * 27 * 0.8
    assert max(Counter(settled).values()) <= max(2.0, rate * 1.3)
    assert min(len(one) for one in pair.times) >= rate * 30 * 0.3


def test_when_one_dies_the_other_takes_its_share():
    pair = Pair(8.0)
    pair.publish(800)
    pair.turn(10)
    dead = pair.processes.pop()
    pair.sharing.pop()
    before = len(pair.times[0])
    pair.turn(30)
    late = [one for one in pair.times[0][before:] if one > pair.clock.now - 10]
    assert len(late) >= 8.0 * 10 * 0.9
    assert dead.engine.plans.gates


def test_what_is_said_is_no_reason_to_send_it_again_after_an_abort():
    pair = Pair(8.0)
    process = pair.processes[0]
    process.committer.automatic = False
    process.accept("e0", "user0")
    process.engine.checkpoints.aside = [(TOPIC, b"p0", b"x", 0)]
    process.advance(0.3)
    assert process.committer.under_way.aside
    process.committer.finish("aborted")
    process.turn()
    process.committer.automatic = True
    process.give_metadata()
    process.checkpoint()
    assert pair.world.values(TOPIC) == []
