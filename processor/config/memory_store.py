"""A store that forgets: for tests of whatever changes configuration, and for trying things out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock

from processor.config.content import Compiler
from processor.config.model import App, Configuration
from processor.config.store import Content, Version
from processor.config.versions import Versions, draft


class MemoryStore:
    """As the topic's store does, checks included, but in memory."""

    read_only = False
    where = "memory"

    def __init__(
        self, compiler: Compiler, contents: Mapping[str, Content] | None = None, *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._compiler = compiler
        self._clock = clock
        self._versions = Versions()
        self._lock = Lock()
        for name, content in (contents or {}).items():
            self.apply(name, content, base=0, by="test")

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""
        return self._versions.names()

    def current(self, name: str) -> Version | None:
        """The newest version; None where there never was one."""
        return self._versions.current(name)

    def history(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The newest versions first."""
        return self._versions.history(name, limit)

    def outline(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The newest versions first, without their contents."""
        return self._versions.outline(name, limit)

    def version(self, name: str, number: int) -> Version | None:
        """One version; None where it is not kept."""
        return self._versions.version(name, number)

    def apply(self, name: str, content: Content | None, *, base: int, by: str, note: str = "") -> Version:
        """Write the next version, checked first; raises ConfigErrors or ConflictError."""
        with self._lock:
            self._versions.at_base(name, base)
            made = draft(self._compiler, name, content, base=base, by=by, note=note, at=int(self._clock() * 1000))
            for number in self._versions.outdated(name):
                self._versions.drop(name, number)
            self._versions.put(made)
        return made

    def compiled(self, name: str, content: Content) -> App:
        """What the engine would make of an app's content; raises ConfigErrors."""
        return self._compiler.app(name, content)

    def configuration(self) -> Configuration:
        """All apps as they are now, compiled."""
        return self._compiler.configuration(self._versions.contents())
