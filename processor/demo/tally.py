"""Keeps count of what the processor tells while it works, and of what must come."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from connectors.kit.event import Event
from processor.config.model import Configuration
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult

Promise = tuple[str, str]
"""Event and binding: each has one outcome to get."""


def promised(configuration: Configuration, event: Event) -> frozenset[Promise]:
    """Every outcome that this event must get, read from the configuration alone."""
    app = configuration.apps[event.app_id]
    bound = [one.id for one in app.chain(event.prompt_id, event.interaction)]
    sent = [one.id for one in app.exports if one.export.trigger == "interaction"
            and event.interaction in one.interactions and (one.prompts is None or event.prompt_id in one.prompts)]
    return frozenset((event.event_id, binding) for binding in (*bound, *sent))


class Tally:
    """What was published, what must come of it, and what came."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._told: deque[tuple[str, Any]] = deque()
        self.events: dict[str, Event] = {}
        """Published, by id."""
        self.published = 0
        """Messages on the interactions topic: duplicates and the unreadable count too."""
        self.garbage = 0
        self.synced = 0
        """Attribute records."""
        self.kinds: Counter[str] = Counter()
        """Published, by interaction."""
        self.open: set[Promise] = set()
        self.ends: Counter[Promise] = Counter()
        self.strays: list[ActionResult] = []
        """Outcomes that nobody promised."""
        self.by_connector: dict[str, Counter[str]] = {}
        self.reasons: Counter[str] = Counter()
        self.letters: list[DeadLetter] = []
        self.reconfigured = False
        """Whether the configuration was changed meanwhile: then nobody knows what was promised to which event."""

    def forget_promises(self) -> None:
        """The configuration is another one now."""
        self.reconfigured = True
        self.open.clear()

    def heard(self, kind: str, _chain: Any, facts: Any) -> None:
        """The processor's listener: called in its loop, so it only takes note."""
        if kind in ("outcome", "dead_letter", "undecodable"):
            self._told.append((kind, facts))

    def publish(self, event: Event) -> None:
        """An event went out."""
        self.published += 1
        self.kinds[event.interaction] += 1
        if event.event_id in self.events:
            return
        self.events[event.event_id] = event
        if not self.reconfigured:
            self.open |= {one for one in promised(self._configuration, event) if one not in self.ends}

    def news(self) -> Iterator[ActionResult | DeadLetter]:
        """What the processor told since the last call, counted in."""
        while self._told:
            kind, facts = self._told.popleft()
            if kind == "outcome":
                self._outcome(facts)
            else:
                self.letters.append(facts)
            yield facts

    def _outcome(self, result: ActionResult) -> None:
        promise = (result.event_id, result.binding_id)
        self.ends[promise] += 1
        is_stray = result.event_id in self.events and self.ends[promise] == 1 and promise not in self.open
        if is_stray and not self.reconfigured:
            self.strays.append(result)
        self.open.discard(promise)
        self.by_connector.setdefault(result.connector, Counter())[result.outcome] += 1
        if result.reason:
            self.reasons[result.reason] += 1

    @property
    def outcomes(self) -> int:
        """How many outcomes came."""
        return sum(self.ends.values())

    @property
    def settled(self) -> bool:
        """Whether all that was published has come to its end, the unreadable included."""
        undecodable = sum(1 for one in self.letters if not one.failures)
        return not self._told and not self.open and undecodable >= self.garbage
