"""The versions that a store keeps of each app, and which one comes next."""

from __future__ import annotations

from collections.abc import Mapping

from processor.config.content import Compiler, check_name, plain
from processor.config.store import COMPANY, ConflictError, Content, Version

KEPT = 50
"""Versions of each app that stay; older ones are forgotten."""


class Versions:
    """What there is, by app, oldest first; the newest is the current one."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, Version]] = {}

    def __len__(self) -> int:
        """Of all apps together."""
        return sum(map(len, self._kept.values()))

    def put(self, version: Version) -> None:
        """Keep a version; the same number again takes the place of the earlier."""
        kept = self._kept.setdefault(version.name, {})
        kept[version.number] = version
        if len(kept) > 1 and next(reversed(kept)) != max(kept):
            self._kept[version.name] = dict(sorted(kept.items()))

    def drop(self, name: str, number: int) -> None:
        """Forget a version."""
        self._kept.get(name, {}).pop(number, None)

    def outdated(self, name: str) -> tuple[int, ...]:
        """Numbers of those beyond KEPT, once one more is there."""
        return tuple(self._kept.get(name, {}))[: -(KEPT - 1)]

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""
        return tuple(name for name in sorted(self.contents()) if name != COMPANY)

    def current(self, name: str) -> Version | None:
        """The newest version; None where there never was one."""
        kept = self._kept.get(name)
        return kept[next(reversed(kept))] if kept else None

    def history(self, name: str, limit: int) -> tuple[Version, ...]:
        """The newest versions first."""
        return tuple(reversed(self._kept.get(name, {}).values()))[:max(limit, 0)]

    def version(self, name: str, number: int) -> Version | None:
        """One version; None where it is not kept."""
        return self._kept.get(name, {}).get(number)

    def contents(self) -> Mapping[str, Content]:
        """What is there now, by name; apps that were removed are left out."""
        found = ((name, self.current(name)) for name in self._kept)
        return {name: one.content for name, one in found if one is not None and one.content is not None}

    def at_base(self, name: str, base: int) -> None:
        """Raise ConflictError where the newest version is not number `base`."""
        current = self.current(name)
        if (current.number if current else 0) != base:
            raise ConflictError(base, current or Version(name, 0, "", 0, "nobody", "", None))


def draft(compiler: Compiler, name: str, content: Content | None, *, base: int, by: str, note: str, at: int) -> Version:
    """The version that follows on `base`, checked; raises ConfigErrors."""
    check_name(name)
    kept = None if content is None else plain(name, content)
    return Version(name, base + 1, compiler.digest(name, kept), at, by, note, kept)
