"""What applying a content would do to an app: what differs, and what that means for its prompts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from processor.config.content import Compiler, digest_of
from processor.config.difference import Change, difference
from processor.config.errors import ConfigErrors
from processor.config.store import Content, Version


class Plan(NamedTuple):
    """Of one app."""

    name: str
    base: int
    """The version that it was made against; 0 where there is none."""
    before: str
    """Digest of what is live; "" where there is nothing."""
    after: str
    """Digest of what would be live; "" where the app is removed."""
    changes: tuple[Change, ...]
    content: Content | None

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return self.before == self.after


def plan_of(name: str, current: Version | None, content: Content | None, compiler: Compiler) -> Plan:
    """What would change; raises ConfigErrors where `content` is not sound.

    What is live and cannot be compiled here (by an older release, say) counts as nothing.
    """
    after = compiler.alone(name, content)
    try:
        before = compiler.alone(name, current.content if current else None)
    except ConfigErrors:
        before = compiler.alone(name, None)
    digest = "" if content is None else digest_of(name, content)
    return Plan(name, current.number if current else 0, current.digest if current else "", digest,
                tuple(difference(before, after)), content)


def effects(changes: Iterable[Change]) -> list[str]:
    """In sentences: which prompts gain or lose which actions, which connectors and exports come, go or differ."""
    return [_sentence(app, part, name, found) for (app, part, name), found in _grouped(changes).items()]


def _grouped(changes: Iterable[Change]) -> dict[tuple[str, str, str], list[Change]]:
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for one in changes:
        groups.setdefault((one.app, one.part, one.name), []).append(one)
    return groups


def _sentence(app: str, part: str, name: str, changes: list[Change]) -> str:
    who = f"app {app}" if part == "app" else f"{app}: {part} {name}"
    whole = [one.kind for one in changes if one.kind != "changed" and (part != "prompt" or "." not in one.name)]
    gained = [one.what for one in changes if one.kind == "added" and part == "prompt" and "." in one.name]
    lost = [one.what for one in changes if one.kind == "removed" and part == "prompt" and "." in one.name]
    differ = [one.what for one in changes if one.kind == "changed"]
    said = [*(f"is {one}" for one in whole), *_listed("gains", gained), *_listed("loses", lost),
            *_listed("changes", differ)]
    return f"{who} {'; '.join(said)}"


def _listed(verb: str, what: list[str]) -> list[str]:
    return [f"{verb} {', '.join(what)}"] if what else []
