"""The config topic as what a running process follows; a bad version is reported and never replaces what runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from processor.avro.codec import Codec
from processor.config.content import Compiler
from processor.config.errors import ConfigError, ConfigErrors
from processor.config.model import App, Configuration, configuration_of
from processor.config.records import hear
from processor.config.store import COMPANY, Version
from processor.config.versions import Versions
from processor.config.watch import Change, stamped
from processor.kafka.config_topic import Told, TopicReader
from processor.settings import ProcessorSettings

IDLE = 500
"""Milliseconds after which the broker tells a process that there is nothing new; news comes at once."""


class Reader(Protocol):
    """What brings the records of the topic."""

    def poll(self) -> Iterable[Told]:
        """What has come, without waiting."""

    def catch_up(self, *, whole: bool) -> Iterable[Told]:
        """All up to the end of now."""


class TopicSource:
    """Tells about changes on the config topic when asked; cheap enough to be asked several times a second."""

    def __init__(self, settings: ProcessorSettings, compiler: Compiler, reader: Reader | None = None) -> None:
        self._settings = settings
        self._compiler = compiler
        self._reader = reader
        self._codec = Codec()
        self._versions = Versions()
        self._apps: dict[str, App] = {}
        self._secrets: dict[str, frozenset[Path]] = {}
        self._stamps: dict[str, tuple[object, ...]] = {}
        self._left: deque[Change] = deque()
        """Changes that are still to be told, one a poll."""

    def start(self) -> Configuration:
        """All apps as of now, each in its newest version that is sound here; raises ConfigErrors where it has none."""
        if self._reader is None:
            self._reader = TopicReader(self._settings, IDLE)
        heard = hear(self._reader.catch_up(whole=True), self._versions, self._codec)
        errors = [*heard.errors]
        without = [error for name in self._versions.names() for error in self._begin(name, errors)]
        if without:
            raise ConfigErrors(without)
        self._versions.drop_all_but_current()
        if errors:
            self._left.append(Change(None, tuple(errors)))
        return configuration_of(self._apps)

    def poll(self) -> Change | None:
        """The change since the last one told; None where there is none."""
        if self._reader is None:
            return None
        heard = hear(self._reader.poll(), self._versions, self._codec)
        names = heard.names | self._renewed()
        if names or heard.errors:
            self._take(names - {COMPANY}, heard.errors)
        return self._left.popleft() if self._left else None

    def _begin(self, name: str, passed_over: list[ConfigError]) -> tuple[ConfigError, ...]:
        """Compile the newest version that can be; the newest one's mistakes where none can."""
        newest: tuple[ConfigError, ...] = ()
        for version in self._versions.history(name):
            errors = self._compile(version) if version.content is not None else ()
            if not errors:
                passed_over.extend(newest)
                return ()
            newest = newest or errors
        return newest

    def _take(self, names: Iterable[str], unread: tuple[ConfigError, ...]) -> None:
        """Note what changed: mistakes first, then the apps that are sound."""
        before, errors = dict(self._apps), list(unread)
        for name in sorted(names):
            version = self._versions.current(name)
            if version is None or version.content is None:
                self._apps.pop(name, None)
                self._secrets.pop(name, None)
            else:
                errors.extend(self._compile(version))
        if errors:
            self._left.append(Change(None, tuple(errors)))
        self._versions.drop_all_but_current()
        if before.keys() != self._apps.keys() or any(before[name] is not app for name, app in self._apps.items()):
            self._left.append(Change(configuration_of(self._apps)))

    def _compile(self, version: Version) -> tuple[ConfigError, ...]:
        """Put the app of a version in its place, unless it has mistakes."""
        try:
            app, files = self._compiler.app_and_files(version.name, version.content or {})
        except ConfigErrors as found:
            return tuple(one._replace(file=f"{one.file} (version {version.number})") for one in found.errors)
        self._apps[version.name] = app
        self._secrets[version.name] = files
        self._stamps[version.name] = _stamps(files)
        return ()

    def _renewed(self) -> frozenset[str]:
        """Apps whose files of secrets are others now."""
        found = frozenset(name for name, files in self._secrets.items()
                          if files and _stamps(files) != self._stamps[name])
        for name in found:  # once, whether what is in them is sound or not
            self._stamps[name] = _stamps(self._secrets[name])
        return found


def _stamps(files: frozenset[Path]) -> tuple[object, ...]:
    return tuple(stamped(sorted(map(str, files))))
