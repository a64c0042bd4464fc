"""A config folder as a store: what there is can be looked at; changes are made in the files, under version control."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from processor.config import files
from processor.config.compiling import compiled
from processor.config.content import Compiler, content_of
from processor.config.model import App, Configuration, configuration_of
from processor.config.store import Content, ReadOnlyError, Version


class FileStore:
    """The folder as it is now, read anew at each question; every app is at number 0."""

    read_only = True

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._compiler.folder)

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""
        return tuple(self._folders())

    def current(self, name: str) -> Version | None:
        """The app as its files have it; raises ConfigErrors where they are no sound app."""
        folder = self._folders().get(name)
        if folder is None:
            return None
        reading = self._compiler.reading()
        _, raw = compiled(name, files.parts(folder, reading), reading)
        reading.check()
        at = max(int(one.stat().st_mtime * 1000) for one in folder.rglob("*") if one.suffix in files.SUFFIXES)
        return Version(name, 0, raw.digest, at, "", "", content_of(raw))

    def history(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The files of today, whose history is version control's."""
        found = self.current(name)
        return () if found is None else (found,)[:limit]

    def outline(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The files of today by their times and sizes alone; its digest is of these."""
        folder = self._folders().get(name)
        if folder is None:
            return ()
        stamps = [(str(one), one.stat()) for one in sorted(folder.rglob("*")) if one.suffix in files.SUFFIXES]
        text = "\n".join(f"{path} {stat.st_mtime_ns} {stat.st_size} {stat.st_ino}" for path, stat in stamps)
        at = max((int(stat.st_mtime * 1000) for _, stat in stamps), default=0)
        return (Version(name, 0, sha256(text.encode()).hexdigest()[:12], at, "", "", None),)[:limit]

    def version(self, name: str, number: int) -> Version | None:
        """Number 0, the files of today."""
        return self.current(name) if number == 0 else None

    def apply(  # the signature is the contract's
        self, name: str, content: Content | None, *, base: int, by: str, note: str = "",  # noqa: ARG002
    ) -> Version:
        """Refuse: files are changed where they are kept."""
        raise ReadOnlyError(f"the configuration of '{name}' comes from files in {self.where}: change them there, or set"
                            " config_source: topic")

    def compiled(self, name: str, content: Content) -> App:
        """What the engine would make of an app's content; raises ConfigErrors."""
        return self._compiler.app(name, content)

    def configuration(self) -> Configuration:
        """All apps as they are now, compiled."""
        reading = self._compiler.reading()
        apps = {name: compiled(name, files.parts(folder, reading), reading)[0]
                for name, folder in self._folders().items()}
        reading.check()
        return configuration_of(apps)

    def _folders(self) -> dict[str, Path]:
        reading = self._compiler.reading()
        found = {one.name: one for one in files.app_folders(self._compiler.folder, reading)}
        reading.check()
        return found
