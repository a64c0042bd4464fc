"""Whether all is well, in one sentence, and what else there is to say, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from console.activity.outcomes import Ages
from console.faces import duration, plural, span
from console.health.watching import DrawnUp, Reading
from processor.waiting import Group

LATE_MS = 60_000
"""An age of events from which on they are late."""
BEHIND = 10_000
"""Messages behind from which on that is said."""
OLD_SECONDS = 60.0
"""Age of a reading from which on nothing can be told from it."""

Grade = Literal["good", "warn", "bad"]
_ORDER: Mapping[Grade, int] = {"bad": 0, "warn": 1, "good": 2}


class Finding(NamedTuple):
    """One thing to be said."""

    grade: Grade
    text: str
    href: str = ""
    """Where more is told; "" for nowhere."""


class Facts(NamedTuple):
    """What is known now, of an app or of all."""

    reading: Reading
    waiting: Sequence[Group] = ()
    ages: Ages | None = None
    """Of outcomes within the last quarter of an hour."""
    books: DrawnUp | None = None
    titles: Mapping[str, str] = {}
    """Of connectors."""
    trouble: str = ""
    """Why outcomes or chains cannot be followed."""
    base: str = ""
    now: float = 0.0


def judge(facts: Facts) -> list[Finding]:
    """All that is to be said, the worst first; the first one is the sentence."""
    found = sorted(_findings(facts), key=lambda one: _ORDER[one.grade])
    return found or [_well(facts)]


def _findings(facts: Facts) -> Iterator[Finding]:
    yield from _blind(facts)
    yield from _processors(facts)
    yield from _books(facts)
    yield from _waiting(facts)
    yield from _late(facts)


def _blind(facts: Facts) -> Iterator[Finding]:
    reading = facts.reading
    if reading.trouble:
        yield Finding("bad", f"Nothing certain can be told: {reading.trouble}.")
    elif not reading.at:
        yield Finding("warn", "Nothing can be told yet: the console is having its first look.")
    elif facts.now - reading.at > OLD_SECONDS:
        yield Finding("warn", f"The last look was {duration(facts.now - reading.at)} ago.")
    elif facts.trouble:
        yield Finding("warn", f"Outcomes and what waits cannot be followed: {facts.trouble}.")


def _processors(facts: Facts) -> Iterator[Finding]:
    processors = facts.reading.processors
    for what, which in (("does not answer", [one for one in processors if not one.answers]),
                        ("takes no events now", [one for one in processors if one.answers and not one.ready])):
        if which:
            all_of_them = len(which) == len(processors)
            said = "No processor answers" if all_of_them and what == "does not answer" else \
                f"{len(which)} of {plural(len(processors), 'processor')} {what}"
            yield Finding("bad" if all_of_them else "warn", f"{said}: {which[0].url}, {which[0].why}.")
    for one in processors:
        if one.differs:
            yield Finding("warn", f"The books of {one.url} do not balance at this moment; look again, then draw them"
                                  " up.", "/health")


def _books(facts: Facts) -> Iterator[Finding]:
    drawn = facts.books
    if drawn is not None and not drawn.books.balanced:
        yield Finding("bad", f"The books do not balance: {plural(drawn.books.difference_count, 'difference')}. What"
                             " stays when they are drawn up again is a bug.", "/health")


def _waiting(facts: Facts) -> Iterator[Finding]:
    for one in facts.waiting:
        title, chains = facts.titles.get(one.connector, "A vendor"), plural(one.chains, "chain")
        age = duration(facts.now - one.oldest / 1000)
        waits = f"{chains} {'waits' if one.chains == 1 else 'wait'}, the oldest for {age}"
        href = f"/apps/{one.app_id}/connectors/{one.connector}" if one.connector in facts.titles else ""
        whose = "" if facts.base else f" for {one.app_id}"
        if one.cause == "settings":
            yield Finding("bad", f"{title} refuses its credentials or settings{whose}: {waits}.", href)
        elif one.cause == "circuit":
            yield Finding("warn", f"{title} is down{whose}: {waits}.", href)
        elif one.cause == "limit" and facts.now - one.oldest / 1000 > LATE_MS / 1000:
            yield Finding("warn", f"{title} takes fewer calls than come{whose}: {waits}.", href)


def _late(facts: Facts) -> Iterator[Finding]:
    behind = max(facts.reading.lag.values(), default=0)
    if behind > BEHIND:
        yield Finding("warn", f"The processors are {plural(behind, 'message')} behind.")
    if facts.ages is not None and facts.ages.median > LATE_MS:
        yield Finding("warn", f"Events are acted on late: half of them after more than {span(facts.ages.median)}.")


def _well(facts: Facts) -> Finding:
    if facts.ages is None:
        return Finding("good", "All is quiet: nothing ended in the last 15 minutes, and no vendor is waited for.")
    return Finding("good", f"All is well: events are acted on within {span(facts.ages.slow)} (95 in 100), and no vendor"
                           " is waited for.")
