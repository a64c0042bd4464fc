"""The config topic as a store: versions applied in transactions of which only one can win."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Lock
from typing import Self

from processor.audit.record import append
from processor.avro.codec import Codec
from processor.config.audit import of_version
from processor.config.content import Compiler
from processor.config.model import App, Configuration
from processor.config.records import current_key, hear, kept_key, value_of
from processor.config.store import Content, StoreError, Version
from processor.config.versions import Versions, draft
from processor.kafka.config_topic import OvertakenError, TopicReader, Writer
from processor.settings import ProcessorSettings

ATTEMPTS = 8


class TopicStore:
    """Reads up to the topic's end at each question, so that everybody sees what was applied; for several threads."""

    read_only = False

    def __init__(
        self, settings: ProcessorSettings, compiler: Compiler, *, clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._compiler = compiler
        self._clock = clock
        self._sleep = sleep
        self._codec = Codec()
        self._versions = Versions()
        self._lock = Lock()
        self._reader = TopicReader(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the clients."""
        self._reader.close()

    @property
    def where(self) -> str:
        """The topic and its cluster."""
        return f"{self._settings.topics.config} on {self._settings.kafka.bootstrap_servers}"

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""
        with self._lock:
            return self._fresh().names()

    def current(self, name: str) -> Version | None:
        """The newest version; None where there never was one."""
        with self._lock:
            return self._fresh().current(name)

    def history(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The newest versions first."""
        with self._lock:
            return self._fresh().history(name, limit)

    def outline(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The newest versions first, without their contents."""
        with self._lock:
            return self._fresh().outline(name, limit)

    def version(self, name: str, number: int) -> Version | None:
        """One version; None where it is not kept."""
        with self._lock:
            return self._fresh().version(name, number)

    def compiled(self, name: str, content: Content) -> App:
        """What the engine would make of an app's content; raises ConfigErrors."""
        return self._compiler.app(name, content)

    def configuration(self) -> Configuration:
        """All apps as they are now, compiled; raises ConfigErrors."""
        with self._lock:
            contents = self._fresh().contents()
        return self._compiler.configuration(contents)

    def apply(self, name: str, content: Content | None, *, base: int, by: str, note: str = "") -> Version:
        """Write the next version; raises ConfigErrors, ConflictError, or StoreError where the broker is not well.

        Whoever else writes this app at the same time is fenced, or fences us: then we look again.
        """
        with self._lock:
            self._fresh().at_base(name, base)
            made = draft(self._compiler, name, content, base=base, by=by, note=note, at=int(self._clock() * 1000))
            for attempt in range(ATTEMPTS):
                try:
                    return self._written(made, base)
                except OvertakenError as error:
                    why = str(error)
                    self._sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311  so that two writers part
            raise StoreError(f"nothing is known to be written after {ATTEMPTS} attempts: {why}; look at the history"
                             f" of '{name}' and apply again")

    def _written(self, made: Version, base: int) -> Version:
        """Nobody else can commit between our beginning and our end; what was before is read in between."""
        writer = Writer(self._settings, made.name)
        versions = self._fresh(whole=True)
        if versions.current(made.name) == made:
            return made  # an earlier attempt did commit, though its answer did not come
        versions.at_base(made.name, base)
        audited = of_version(made, versions.current(made.name), self._compiler)
        topics = self._settings.topics
        has_audit, value = writer.has(topics.audit), value_of(self._codec, made)
        with writer.together():
            for key in (current_key(made.name), kept_key(made.name, made.number)):
                writer.put(topics.config, key, value)
            for number in versions.outdated(made.name):
                writer.put(topics.config, kept_key(made.name, number), None)
            if has_audit:
                writer.put(topics.audit, audited.subject.encode(), audited.line())
        if not has_audit:
            append(self._settings.state.folder, audited)
        return made

    def _fresh(self, *, whole: bool = False) -> Versions:
        hear(self._reader.catch_up(whole=whole), self._versions, self._codec)
        return self._versions
