"""What is published in the demo, and when: a stream drawn by seed, and a few events that show what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple

from connectors.kit.event import Event
from processor.demo.people import DAILYNEWS, STREAMLY, Person

DAY_MS = 86_400_000
OUTAGE_BEGINS = 0.22
"""Share of the stream's time after which a vendor goes down."""
RUSH = 36
"""Events for that vendor while it is down."""

DRAWS = 40
"""Of user and scene, until a pair comes that was not there before."""

Kind = Literal["event", "attributes", "garbage"]


class Cue(NamedTuple):
    """One record that is published at its time."""

    at: float
    """Seconds since the stream began."""
    kind: Kind
    event: Event | None = None
    person: Person | None = None
    """Whose attributes are synced."""


class Scene(NamedTuple):
    """What one kind of user does to one prompt."""

    prompt: str
    interaction: str
    weight: int
    form: tuple[tuple[str, str], ...] = ()
    trial: bool = False
    once: bool = False
    """Never twice for a user: the vendor keeps no mark by which two posts of the same text could be told apart."""


SCENES = {
    STREAMLY: (
        Scene("stay_discount", "accept", 10), Scene("stay_discount", "secondary_accept", 4),
        Scene("stay_discount", "decline", 3), Scene("stay_discount", "dismiss", 5),
        Scene("stay_discount", "timeout", 3), Scene("better_support", "accept", 3),
        Scene("better_support", "decline", 2), Scene("pause_instead", "accept", 2),
        Scene("annual_upgrade", "accept", 3), Scene("annual_upgrade", "secondary_accept", 2),
        Scene("annual_upgrade", "timeout", 2), Scene("ios_upgrade", "accept", 2),
        Scene("ios_upgrade", "secondary_accept", 2), Scene("longer_trial", "accept", 3, trial=True),
        Scene("longer_trial", "decline", 2, trial=True),
        Scene("tell_a_friend", "accept", 2, (("email", "a-friend@example.com"),)),
        Scene("stay_discount", "impression", 6), Scene("annual_upgrade", "impression", 4),
    ),
    DAILYNEWS: (
        Scene("win_back", "accept", 5), Scene("win_back", "secondary_accept", 3), Scene("win_back", "decline", 3),
        Scene("weekend_paper", "accept", 6), Scene("weekend_paper", "dismiss", 3),
        Scene("late_delivery", "accept", 4, once=True), Scene("late_delivery", "secondary_accept", 2),
        Scene("late_delivery", "timeout", 2, once=True),
        Scene("morning_briefing", "accept", 3, (("email", "reader@example.com"),)),
        Scene("cancel_reason", "decline", 2), Scene("cancel_reason", "accept", 1, (("promoInput1Value", "moving"),)),
        Scene("weekend_paper", "impression", 3),
    ),
}
VARIANTS = ("control", "blue button")
PLATFORMS = ("ios", "android", "web")


class Writer:
    """Makes events; ids and choices follow from the randomness, times from `began`."""

    def __init__(self, rng: Random, began: float, run: str) -> None:
        self._rng = rng
        self._began = began
        self._run = run
        self._count = 0
        self._done: set[tuple[str, Scene]] = set()

    def event(self, person: Person, scene: Scene, at: float, *, age_days: float = 0.0) -> Event:
        """What `person` does at `at`; an old one was published late."""
        self._count += 1
        variant = self._rng.choice(VARIANTS)
        return Event(
            f"{self._run}-{self._count:05d}", person.app_id, person.user_id, scene.prompt, scene.interaction,
            int((self._began + at) * 1000 - age_days * DAY_MS), dict(scene.form), prompt_name=scene.prompt,
            prompt_type="modal", variant_id=variant[:1], variant_name=variant, platform=self._rng.choice(PLATFORMS),
            locale="en",
        )

    def choose(self, people: Sequence[Person]) -> tuple[Person, Scene]:
        """A user, and something that this user may do and has not done yet, while there is such."""
        for _ in range(DRAWS):
            person, scene = self._draw(people)
            if (person.user_id, scene) not in self._done:
                self._done.add((person.user_id, scene))
                return person, scene
        while scene.once:
            person, scene = self._draw(people)
        return person, scene

    def _draw(self, people: Sequence[Person]) -> tuple[Person, Scene]:
        person = self._rng.choice(people)
        scenes = [one for one in SCENES[person.app_id] if not one.trial or person.trial]
        return person, self._rng.choices(scenes, [one.weight for one in scenes])[0]


def stream(writer: Writer, rng: Random, people: Sequence[Person], seconds: float, rate: float) -> Iterator[Cue]:
    """The everyday: about `rate` events a second, unevenly, as people are."""
    at = 0.0
    while (at := at + rng.expovariate(rate)) < seconds:
        yield Cue(at, "event", writer.event(*writer.choose(people), at))


def rush(writer: Writer, people: Sequence[Person], seconds: float) -> Iterator[Cue]:
    """Many for one vendor, just as that vendor goes down."""
    callers = [one for one in people if one.app_id == STREAMLY and not one.trial]
    begins = seconds * OUTAGE_BEGINS + 0.3
    for place in range(RUSH):
        at = begins + place * 0.03
        person = callers[place % len(callers)]
        yield Cue(at, "event", writer.event(person, Scene("stay_discount", "secondary_accept", 1), at))
