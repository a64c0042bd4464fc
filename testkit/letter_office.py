"""The console's office of dead letters without a broker: what would be written to Kafka is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from console.configured import Configured
from console.letters import Letters, Standing
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.dead_letters import Desk, Report, Selection
from processor.dead_letters.index import Change
from processor.kafka.reader import Progress
from processor.model.dead_letter import DeadLetter
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


class OfflineDesk(Desk):
    """Reads an index as ever, and publishes nothing."""

    done: ClassVar[list[Done]]
    gate: ClassVar[Callable[[], None] | None] = None
    """Called before each letter of a replay."""

    def follow(self, progress: Progress | None = None) -> int:  # noqa: ARG002  as the desk's
        """There is nothing to follow."""
        return 0

    def close(self, wanted: Selection, reason: str, progress: Progress = lambda _seen, _total: None) -> int:
        """Close letters in the index alone."""
        keys = list(self.index.keys(wanted))
        for seen, key in enumerate(keys, 1):
            letter = self.index.letter(key)
            if letter is not None:
                after = letter._replace(state="closed", note=f"closed by {self._who.name}: {reason}")
                self.index.apply([Change(0, 10_000 + seen, key, CODEC.encode_dead_letter(after))], {})
            progress(seen, len(keys))
        self.done.append(Done("closed", self._who.name, reason))
        return len(keys)

    def replay(
        self, run: str, rate: float, *, stop: Callable[[], bool] = lambda: False,
        progress: Callable[[Counter[str]], None] = lambda _counts: None, patience: float = 0.0,  # noqa: ARG002
    ) -> Report:
        """Every letter succeeds."""
        runs, gate = self._replayer.runs, type(self).gate
        runs.set_state(run, "running")
        while items := runs.waiting(run, 1):
            progress(runs.counts(run))
            if stop():
                runs.set_state(run, "interrupted")
                return Report(run, finished=False, counts=runs.counts(run), failures=[])
            if gate is not None:
                gate()
            runs.mark(run, {items[0].number: "succeeded"})
        runs.set_state(run, "done")
        self.done.append(Done("replayed", self._who.name, rate))
        return Report(run, finished=True, counts=runs.counts(run), failures=[])

    def abandon(self, run: str) -> None:
        """Give a run up, in the index alone."""
        self._replayer.runs.set_state(run, "abandoned")
        self.done.append(Done("abandoned", self._who.name, run))


class Office(NamedTuple):
    """The office, and what tests do with it."""

    letters: Letters
    desk: type[OfflineDesk]

    @property
    def done(self) -> list[Done]:
        """What was done so far."""
        return self.desk.done

    def put(self, *letters: DeadLetter) -> None:
        """Letters as if they came from the topic."""
        with self.letters.desk() as desk:
            desk.index.apply([Change(0, at, key_of(one), CODEC.encode_dead_letter(one))
                              for at, one in enumerate(letters)], {0: len(letters)})
            desk.index.built()

    def ids(self) -> dict[str, str]:
        """Ids of letters by event; `unread` for one without."""
        with self.letters.desk() as desk:
            return {one.event or "unread": one.id for one in desk.list(Selection())}

    def hold(self, gate: Callable[[], None] | None) -> None:
        """Call this before each letter of a replay."""
        self.desk.gate = staticmethod(gate) if gate is not None else None


@contextmanager
def opened(folder: Path) -> Iterator[Office]:
    """Three letters of `shop`, one of `other`, and one of a message that could not be read."""
    settings = ProcessorSettings.model_validate({"console": {"state_folder": folder}})
    store = MemoryStore(Compiler({"STRIPE_KEY": "sk_test_1"}), {"shop": SHOP, "other": {**SHOP, "app": {}}})
    configured = Configured(store)
    configured.refresh()
    made = type("Desk", (OfflineDesk,), {"done": []})
    letters = Letters(settings, CODEC, configured,
                      lambda who, configuration: made(settings, CODEC, who, configuration, folder))
    letters.standing = Standing(filled=True, read_at=NOON / 1000)
    found = Office(letters, made)
    remaining = ("stripe.apply_coupon",)
    doubt = failed_binding(reason="in_doubt", code="timeout_read", message="no answer came", status=0)
    found.put(
        letter_of("e1", app="shop", user="anna", at=NOON, remaining=remaining),
        letter_of("e2", doubt, app="shop", user="bert", at=NOON + 1000, remaining=remaining),
        letter_of("e3", app="shop", user="cleo", at=NOON + 2000, remaining=remaining, state="closed"),
        letter_of("e4", app="other", user="dora", at=NOON + 3000, remaining=remaining), unread(7))
    try:
        yield found
    finally:
        letters.close()
