"""Activity for many visitors at once: outcomes and open chains, followed, and a word to pages when something is new."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit.action import Requires
from console.activity.chains import Chains, KeyedRecord
from console.activity.outcomes import Ages, Outcomes, Record
from console.activity.synced import READ_BACK, Share, Synced
from console.activity.tail import Tail
from console.configured import Configured
from processor.avro.codec import Codec
from processor.kafka.reader import Extent
from processor.settings import ProcessorSettings
from processor.waiting import Group

LONGEST_PAUSE = 3.5 * 86400
"""Seconds after which nulls may have left the topic of chains unseen: half of its delete.retention.ms."""

LIFE = 300.0
"""Seconds of one stream; the browser opens the next, and is asked again who it is."""


HOUR_MS, QUARTER_MS = 3_600_000, 900_000


class Lately(NamedTuple):
    """What came of late."""

    hour: Mapping[str, int]
    """By outcome, how many in the last hour."""
    kept: int
    """How many outcomes are kept in all."""
    since: int
    """Milliseconds since 1970 of the oldest; 0 where there is none."""
    ages: Ages | None
    """Of the last quarter of an hour."""


class Activity:
    """What happened of late and what waits; safe from many threads."""

    def __init__(self, settings: ProcessorSettings, codec: Codec, configured: Configured) -> None:
        console, topics = settings.console, settings.topics
        self.outcomes = Outcomes(settings.console_folder, codec, most=console.outcomes, age=console.outcomes_age)
        self.chains = Chains(settings.console_folder, codec, lambda: configured.configuration)
        self._most = console.outcomes
        self.new: Counter[str] = Counter()
        """By app, how many times something new came; "" for any."""
        self.closing = False
        self._lately: dict[str, tuple[float, Lately]] = {}
        self.streams = 0
        """Pages that listen now."""
        self.life = LIFE
        self.results = Tail(settings, topics.results, start=self._outcomes_from, take=self._take_outcomes,
                            most_behind=console.outcomes)
        self.open = Tail(settings, topics.chains, start=self._chains_from, take=self._take_chains)
        self.synced = Synced(codec)
        self.users = Tail(settings, topics.attributes_changelog, start=_lately_from, take=self._take_users,
                          most_behind=READ_BACK)

    def start(self) -> None:
        """Follow the topics in the background."""
        for one in self._tails:
            one.start()

    def close(self) -> None:
        """End all threads."""
        self.closing = True
        for one in self._tails:
            one.close()
        self.outcomes.close()
        self.chains.close()

    @property
    def _tails(self) -> tuple[Tail, ...]:
        return self.results, self.open, self.users

    def share(self, app: str, requires: Requires) -> Share | None:
        """For how many users, of those synced last, all is there; None where that is not known or nothing is needed."""
        return self.synced.share(app, requires) if self.users.condition.caught_up else None

    def waiting(self, app: str) -> Sequence[Group]:
        """What waits in an app, by connector and cause."""
        return self.chains.groups(app)

    def lately(self, app: str, now: int) -> Lately:
        """What the last hour came to, in an app or in all; some seconds old where it takes long."""
        known = self._lately.get(app)
        begun = time.monotonic()
        if known is None or begun >= known[0]:
            found = Lately(self.outcomes.counts(app, now - HOUR_MS), *self.outcomes.extent(),
                           self.outcomes.ages(app, now - QUARTER_MS))
            ended = time.monotonic()
            known = self._lately[app] = (ended + min(10.0, 30 * (ended - begun)), found)
        return known[1]

    def told(self, *apps: str) -> None:
        """Something new of these apps: pages that are open hear of it."""
        for one in {*apps, ""}:
            self.new[one] += 1

    def _outcomes_from(self, extents: Mapping[int, Extent]) -> Mapping[int, int]:
        if _made_anew(self.outcomes.positions(), extents):
            self.outcomes.forget_all()
        known, most = self.outcomes.positions(), max(1, self._most // len(extents))
        return {number: max(known.get(number, 0), one.low, one.high - most) for number, one in extents.items()}

    def _chains_from(self, extents: Mapping[int, Extent]) -> Mapping[int, int]:
        too_old = time.time() - self.chains.read_at() > LONGEST_PAUSE
        if too_old or _made_anew(self.chains.positions(), extents):
            self.chains.forget_all()
        known = self.chains.positions()
        return {number: max(known.get(number, 0), one.low) for number, one in extents.items()}

    def _take_outcomes(self, messages: Sequence[Any], positions: Mapping[int, int]) -> None:
        records = [Record(one.partition(), one.offset(), one.value()) for one in messages]
        apps = self.outcomes.take(records, positions, time.time())
        if apps:
            self.told(*apps)

    def _take_chains(self, messages: Sequence[Any], positions: Mapping[int, int]) -> None:
        self.chains.take([KeyedRecord(one.partition(), one.offset(), one.key() or b"", one.value())
                          for one in messages], positions)
        self.told()

    def _take_users(self, messages: Sequence[Any], _positions: Mapping[int, int]) -> None:
        self.synced.take([KeyedRecord(one.partition(), one.offset(), one.key() or b"", one.value())
                          for one in messages])


def _lately_from(extents: Mapping[int, Extent]) -> Mapping[int, int]:
    """A sample needs the newest only."""
    return {number: max(one.low, one.high - READ_BACK // len(extents)) for number, one in extents.items()}


def _made_anew(positions: Mapping[int, int], extents: Mapping[int, Extent]) -> bool:
    """Whether the topic is another one than that which was read."""
    return any(at > extents[number].high for number, at in positions.items() if number in extents)
