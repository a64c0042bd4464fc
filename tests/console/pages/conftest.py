"""Dead letters without a broker: an index filled by hand, and a desk whose writing ends in a list."""

from collections import Counter
from typing import Any, NamedTuple

import pytest

from console.configured import Configured
from console.letters import Letters
from console.letters.office import Standing
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.dead_letters import Desk, Report
from processor.dead_letters.index import Change
from processor.settings import ProcessorSettings
from testkit.letters import CODEC, NOON, failed_binding, key_of, letter_of, unread

SHOP = {
    "app": {"title": "Shop"},
    "connectors": {"stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}},
    "prompts": {"offer": {"title": "Stay", "accept": [
        {"id": "stripe.apply_coupon", "action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}]}},
}


class Done(NamedTuple):
    """What was done at the desk."""

    what: str
    who: str
    about: Any


class DeskOfTests(Desk):
    """Reads an index as ever; what would be written to Kafka is written down."""

    done: list[Done]
    stops_after = 10

    def follow(self, _progress=None):
        return 0

    def close(self, wanted, reason, progress=lambda *_: None):
        keys = list(self.index.keys(wanted))
        for seen, key in enumerate(keys, 1):
            letter = self.index.letter(key)
            self.index.apply([Change(0, 10_000 + seen, key, CODEC.encode_dead_letter(
                letter._replace(state="closed", note=f"closed by {self._who.name}: {reason}")))], {})
            progress(seen, len(keys))
        self.done.append(Done("closed", self._who.name, reason))
        return len(keys)

    def replay(self, run, rate, *, stop=lambda: False, progress=lambda _: None, **_patience):
        runs = self._replayer.runs
        runs.set_state(run, "running")
        while items := runs.waiting(run, 1):
            progress(runs.counts(run))
            if stop():
                runs.set_state(run, "interrupted")
                return Report(run, False, runs.counts(run), [])
            if self.gate is not None:
                self.gate()
            runs.mark(run, {items[0].number: "succeeded"})
        runs.set_state(run, "done")
        self.done.append(Done("replayed", self._who.name, rate))
        return Report(run, True, Counter(runs.counts(run)), [])

    def abandon(self, run):
        self._replayer.runs.set_state(run, "abandoned")
        self.done.append(Done("abandoned", self._who.name, run))


class Office(NamedTuple):
    """The office, and what tests do with it."""

    letters: Letters
    done: list[Done]

    def put(self, *letters):
        with self.letters.desk() as desk:
            desk.index.apply([Change(0, at, key_of(one), CODEC.encode_dead_letter(one))
                              for at, one in enumerate(letters)], {0: len(letters)})
            desk.index.built()

    def ids(self):
        from processor.dead_letters import Selection

        with self.letters.desk() as desk:
            return {one.event or "unread": one.id for one in desk.list(Selection())}

    def gate(self, gate):
        """Before each letter of a replay, call this."""
        self.made.gate = staticmethod(gate) if gate else None

    @property
    def made(self):
        return self.letters.made


@pytest.fixture
def office(tmp_path):
    """Three letters of `shop`, one of `other`, and one of a message that could not be read."""
    settings = ProcessorSettings(console={"state_folder": tmp_path})
    store = MemoryStore(Compiler({"STRIPE_KEY": "sk_test_1"}), {"shop": SHOP, "other": {**SHOP, "app": {}}})
    configured = Configured(store)
    configured.refresh()
    own = settings.model_copy(update={"state": settings.state.model_copy(update={"folder": tmp_path})})
    done: list[Done] = []
    made = type("Desk", (DeskOfTests,), {"done": done, "gate": None})
    letters = Letters(settings, CODEC, configured, lambda who, found: made(own, CODEC, who, found))
    letters.made = made
    letters.standing = Standing(filled=True, read_at=NOON / 1000)
    found = Office(letters, done)
    remaining = ("stripe.apply_coupon",)
    doubt = failed_binding(reason="in_doubt", code="timeout_read", message="no answer came", status=0)
    found.put(
        letter_of("e1", app="shop", user="anna", at=NOON, remaining=remaining),
        letter_of("e2", doubt, app="shop", user="bert", at=NOON + 1000, remaining=remaining),
        letter_of("e3", app="shop", user="cleo", at=NOON + 2000, remaining=remaining, state="closed"),
        letter_of("e4", app="other", user="dora", at=NOON + 3000, remaining=remaining), unread(7))
    yield found
    letters.close()
