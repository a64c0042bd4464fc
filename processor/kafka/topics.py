"""The topics that the processor needs, against those that are there: what is missing, differs, or cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from processor.config.durations import spoken

USER_ROLES = ("interactions", "attributes", "replays", "results", "dead_letters", "attributes_changelog", "chains",
              "finished")
"""Roles of the topics whose partitions belong together: one process owns partition *p* of them all."""

DEFAULT_REPLICATION = -1
"""The broker's own default.replication.factor."""


class TopicSpec(NamedTuple):
    """A topic as it should be."""

    role: str
    name: str
    partitions: int
    settings: Mapping[str, str]
    why: str = ""
    replication: int = DEFAULT_REPLICATION

    @property
    def of_users(self) -> bool:
        """Whether its key names a user."""
        return self.role in USER_ROLES


class TopicState(NamedTuple):
    """A topic as it is."""

    partitions: int
    settings: Mapping[str, str]


class Change(NamedTuple):
    """One difference between what should be and what is."""

    topic: str
    kind: Literal["create", "alter", "problem"]
    says: str
    """In plain words."""
    settings: Mapping[str, str] = {}
    """Those to set."""
    spec: TopicSpec | None = None


def plan(wanted: Iterable[TopicSpec], present: Mapping[str, TopicState]) -> tuple[Change, ...]:
    """What is to be done; problems are what no command mends by itself."""
    specs = tuple(wanted)
    return (*_problems(specs, present), *_changes(specs, present))


def _changes(specs: tuple[TopicSpec, ...], present: Mapping[str, TopicState]) -> Iterator[Change]:
    for spec in specs:
        state = present.get(spec.name)
        if state is None:
            yield Change(spec.name, "create", f"create it: {described(spec)}", spec.settings, spec)
        elif differing := differences(spec, state):
            yield Change(spec.name, "alter", f"set {_alteration(differing, state)}", differing, spec)


def _problems(specs: tuple[TopicSpec, ...], present: Mapping[str, TopicState]) -> Iterator[Change]:
    counts = {spec.name: present[spec.name].partitions for spec in specs if spec.of_users and spec.name in present}
    if len(set(counts.values())) > 1:
        for name in counts:
            yield Change(name, "problem", uneven(name, counts))
        return
    for spec in specs:
        if spec.name in counts and counts[spec.name] != spec.partitions:
            yield Change(spec.name, "problem", _other_number(counts[spec.name], spec.partitions))


def uneven(name: str, counts: Mapping[str, int]) -> str:
    """Why topics with different numbers of partitions cannot work together, seen from one of them."""
    others = ", ".join(f"{other} {count}" for other, count in counts.items() if count != counts[name])
    return (f"has {counts[name]} partitions, but {others}. Topics of users need the same number, or attributes are "
            "not found. Make the smaller ones anew with the larger number while nothing is written to them.")


def _other_number(there: int, wanted: int) -> str:
    return (f"has {there} partitions, topics.yaml wants {wanted}. Write `partitions: {there}` there: another number "
            "would move users to other partitions, away from their attributes and open chains.")


def differences(spec: TopicSpec, state: TopicState) -> dict[str, str]:
    """Settings that are not as they should be, with the values that they should have."""
    return {name: value for name, value in spec.settings.items() if not same(value, state.settings.get(name, ""))}


def same(one: str, other: str) -> bool:
    """Whether two values of a setting mean the same: lists in any order, numbers in any spelling."""
    try:
        return float(one) == float(other)
    except ValueError:
        return _items(one) == _items(other)


def _items(text: str) -> set[str]:
    return {part.strip() for part in text.split(",")}


def described(spec: TopicSpec) -> str:
    """A topic's shape in words."""
    number = f"{spec.partitions} partition{'' if spec.partitions == 1 else 's'}"
    return ", ".join([number, *(f"{name} {said(name, value)}" for name, value in spec.settings.items())])


def _alteration(settings: Mapping[str, str], state: TopicState) -> str:
    parts = [f"{name} to {said(name, value)} (is {said(name, state.settings.get(name, 'unset'))})"
             for name, value in settings.items()]
    return ", ".join(parts)


def said(name: str, value: str) -> str:
    """A value as a person reads it: times with their unit."""
    known = name.endswith(".ms") and value.isdigit() and int(value) > 0
    return spoken(int(value) / 1000) if known else value
