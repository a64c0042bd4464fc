"""A config folder as a store: what there is can be looked at; changes are made in the files, under version control.

The company is `company.yaml` in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from processor.config import documents, files
from processor.config.compiling import compiled
from processor.config.content import Compiler, content_of, digest_of
from processor.config.errors import ConfigErrors
from processor.config.model import App, Configuration
from processor.config.store import COMPANY, Content, ReadOnlyError, Version

COMPANY_FILE = "company.yaml"


class FileStore:
    """The folder as it is now, read anew at each question; everything is at number 0."""

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
        """The app, or the company, as its files have it; raises ConfigErrors with every mistake and its line."""
        found = self._files(name)
        if found is None:
            return None
        digest, content = self._company(found[0]) if name == COMPANY else self._app(name)
        return Version(name, 0, digest, _newest(found), "", "", content)

    def _app(self, name: str) -> tuple[str, Content]:
        reading = self._compiler.reading()
        _, raw = compiled(name, files.parts(self._folders()[name], reading), reading)
        reading.check()
        return raw.digest, content_of(raw)

    def _company(self, path: Path) -> tuple[str, Content]:
        document, errors = documents.read(path)
        errors = errors or list(self._compiler.company(document))
        if errors:
            raise ConfigErrors(errors)
        content: Content = document.data or {}
        return digest_of(COMPANY, content), content

    def history(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The files of today, whose history is version control's."""
        found = self.current(name)
        return () if found is None else (found,)[:limit]

    def outline(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The files of today by their times and sizes alone; its digest is of these."""
        found = self._files(name)
        if found is None:
            return ()
        stamps = [(str(one), one.stat()) for one in found]
        text = "\n".join(f"{path} {stat.st_mtime_ns} {stat.st_size} {stat.st_ino}" for path, stat in stamps)
        digest = sha256(text.encode()).hexdigest()[:12]
        return (Version(name, 0, digest, _newest(found), "", "", None),)[:limit]

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
        return files.all_apps(self._compiler.reading())

    def _files(self, name: str) -> list[Path] | None:
        """What an app, or the company, is made of; None where it is not there."""
        if name == COMPANY:
            path = self._compiler.folder / COMPANY_FILE
            return [path] if path.exists() else None
        folder = self._folders().get(name)
        return None if folder is None else sorted(one for one in folder.rglob("*") if one.suffix in files.SUFFIXES)

    def _folders(self) -> dict[str, Path]:
        reading = self._compiler.reading()
        found = {one.name: one for one in files.app_folders(self._compiler.folder, reading)}
        reading.check()
        return found


def _newest(found: Iterable[Path]) -> int:
    """When the last of the files changed, in milliseconds since 1970."""
    return max((int(one.stat().st_mtime * 1000) for one in found), default=0)
