"""Looking for letters a stretch at a time: each look ends within its time and says how far back it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from processor.dead_letters.index import Entry, Group, Index
from processor.dead_letters.selection import Place, Selection

STRETCH = 1000
"""Letters between two looks at the clock: some three milliseconds where each one's text is read."""
OLDEST = Place(0, 0)

Clock = Callable[[], float]


class Look(NamedTuple):
    """What one look found."""

    entries: list[Entry]
    next: str = ""
    """The place to go on behind; "" where all letters were looked at."""
    looked: int = 0
    """Letters looked at, where the look ended before a page was full."""
    back_to: int = 0
    """When the oldest of those failed, in milliseconds since 1970; 0 where all were looked at."""


class Tally(NamedTuple):
    """How many letters failed alike."""

    groups: list[Group]
    whole: bool = True
    """Else they are those among the newest letters that could be looked at in time."""


class _Stretch(NamedTuple):
    below: Place | None
    down_to: Place
    letters: int
    is_last: bool


def look(
    index: Index, wanted: Selection, limit: int, after: str = "", seconds: float = 1.0, clock: Clock = time.monotonic,
) -> Look:
    """A page of letters that match, newest first, or as much of it as is found in time; never less than one stretch.

    Whoever goes on behind `next` until it is empty has seen every letter that matches, once. Raises ValueError where
    `after` names no letter and no place.
    """
    if index.is_few(wanted):
        found = [*index.entries(wanted, limit=limit + 1, after=after)]
        return Look(found[:limit], _behind(found[limit - 1]) if len(found) > limit else "")
    found, looked, end = [], 0, clock() + seconds
    for one in _stretches(index, wanted, index.place(after)):
        found += index.entries(wanted._replace(since=0, until=0), limit=limit + 1 - len(found),
                               after=str(one.below or ""), down_to=one.down_to)
        looked += one.letters
        if len(found) > limit:
            return Look(found[:limit], _behind(found[limit - 1]))
        if clock() >= end and not one.is_last:
            return Look(found, str(one.down_to), looked, one.down_to.at)
    return Look(found, "", looked)


def tally(index: Index, wanted: Selection, seconds: float = 1.0, clock: Clock = time.monotonic) -> Tally:
    """How many letters failed alike, the most numerous first, as far as it can be counted in time."""
    if index.is_few(wanted):
        return Tally(index.groups(wanted))
    sums: dict[tuple[str, ...], Group] = {}
    whole, end = True, clock() + seconds
    for one in _stretches(index, wanted, None):
        for group in index.groups(wanted._replace(since=0, until=0), below=one.below, down_to=one.down_to):
            _add(sums, group)
        if clock() >= end and not one.is_last:
            whole = False
            break
    return Tally(sorted(sums.values(), key=lambda one: (-one.letters, *one[:6])), whole)


def _add(sums: dict[tuple[str, ...], Group], group: Group) -> None:
    known = sums.get(group[:6])
    sums[group[:6]] = group if known is None else group._replace(
        letters=known.letters + group.letters, first=min(known.first, group.first), last=max(known.last, group.last))


def _behind(entry: Entry) -> str:
    return str(Place(entry.at, int(entry.id, 16)))


def _stretches(index: Index, wanted: Selection, place: Place | None) -> Iterator[_Stretch]:
    """The letters of the wanted time, newest first, in pieces."""
    newest = Place(wanted.until, 0) if wanted.until else None
    below = min(place, newest) if place and newest else place or newest
    oldest = Place(wanted.since, 0)
    while True:
        letters, last = index.stretch(below, oldest, STRETCH)
        yield _Stretch(below, last or oldest, letters, is_last=last is None)
        if last is None:
            return
        below = last
