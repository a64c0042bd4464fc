"""The versions that a store keeps of each app, and which one comes next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple
from zlib import compress, decompress

from processor.config.content import Compiler, check_name, plain
from processor.config.store import COMPANY, ConflictError, Content, Version

KEPT = 50
"""Versions of each app that stay; older ones are forgotten."""


class _Kept(NamedTuple):
    """A version as it is kept: a hundred apps with fifty versions each take little memory so."""

    facts: Version
    """All but the content."""
    packed: bytes | None

    def whole(self) -> Version:
        """With the content, which is nobody else's."""
        if self.packed is None:
            return self.facts
        return self.facts._replace(content=json.loads(decompress(self.packed)))


class Versions:
    """What there is, by app, oldest first; the newest is the current one."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, _Kept]] = {}

    def put(self, version: Version) -> None:
        """Keep a version; the same number again takes the place of the earlier."""
        self.keep(version._replace(content=None),
                  None if version.content is None else json.dumps(version.content).encode())

    def keep(self, version: Version, content: bytes | None) -> None:
        """The same, with the content as JSON."""
        kept = self._kept.setdefault(version.name, {})
        kept[version.number] = _Kept(version, None if content is None else compress(content, 1))
        if len(kept) > 1 and next(reversed(kept)) != max(kept):
            self._kept[version.name] = dict(sorted(kept.items()))

    def drop(self, name: str, number: int) -> None:
        """Forget a version."""
        self._kept.get(name, {}).pop(number, None)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def drop_all_but_current(self) -> None:
        """Forget what nobody asks a running process for."""
        for kept in self._kept.values():
            for number in tuple(kept)[:-1]:
                del kept[number]

    def outdated(self, name: str) -> tuple[int, ...]:
        """Numbers of those beyond KEPT, once one more is there."""
        return tuple(self._kept.get(name, {}))[: -(KEPT - 1)]

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""
        return tuple(sorted(name for name, kept in self._kept.items()
                            if name != COMPANY and kept and kept[next(reversed(kept))].packed is not None))

    def current(self, name: str) -> Version | None:
        """The newest version; None where there never was one."""
        kept = self._kept.get(name)
        return kept[next(reversed(kept))].whole() if kept else None

    def history(self, name: str, limit: int = KEPT) -> tuple[Version, ...]:
        """The newest versions first."""
        found = tuple(reversed(self._kept.get(name, {}).values()))[:max(limit, 0)]
        return tuple(one.whole() for one in found)

    def outline(self, name: str, limit: int = KEPT) -> tuple[Version, ...]:
        """The newest versions first, without their contents: nothing is unpacked."""
        found = tuple(reversed(self._kept.get(name, {}).values()))[:max(limit, 0)]
        return tuple(one.facts for one in found)

    def version(self, name: str, number: int) -> Version | None:
        """One version; None where it is not kept."""
        found = self._kept.get(name, {}).get(number)
        return None if found is None else found.whole()

    def contents(self) -> Mapping[str, Content]:
        """What there is now of apps, by name; those that were removed are left out."""
        found = {name: self.current(name) for name in self.names()}
        return {name: one.content for name, one in found.items() if one is not None and one.content is not None}

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
