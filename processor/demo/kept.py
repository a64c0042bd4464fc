"""The demo's configuration where it goes on until Ctrl-C: in memory, to be changed in the console, audited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from processor.access import Company, company_errors, content_of
from processor.audit.log import FileAudit
from processor.config import secrets
from processor.config.audit import of_version
from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.file_store import FileStore
from processor.config.keyring import new_key
from processor.config.memory_store import MemoryStore
from processor.config.model import Configuration
from processor.config.reading import Overrides
from processor.config.store import COMPANY, Content, Version, contents_of
from processor.config.vault import Access
from processor.config.watch import Change

KEY = "PROMPT_ACTIONS_DEMO_KEY"


class KeptStore(MemoryStore):
    """As the config topic's store, with its audit; gone with the demo."""

    def __init__(self, compiler: Compiler, audit: FileAudit) -> None:
        super().__init__(compiler)
        self.audit = audit

    def apply(self, name: str, content: Content | None, *, base: int, by: str, note: str = "") -> Version:
        """Write the next version, and who made it."""
        before = self.current(name)
        made = super().apply(name, content, base=base, by=by, note=note)
        self.audit.write(of_version(made, before, self._compiler))
        return made


def kept_store(
    config: Path, environ: Mapping[str, str], overrides: Overrides, folder: Path, company: Company
) -> KeptStore:
    """The example configuration, with a key of this demo's own that seals what is typed into it."""
    secrets.configure([f"env:{KEY}"], Access(), {KEY: new_key()[1]}, folder)
    compiler = Compiler(environ, config, overrides, company=company_errors)
    files = FileStore(compiler)
    store = KeptStore(compiler, FileAudit(folder))
    for name, content in {**contents_of(files, files.names()), COMPANY: content_of(company)}.items():
        store.apply(name, content, base=0, by="the demo", note="the example")
    return store


class StoreSource:
    """A store of this process as what the processor follows."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._seen: tuple[tuple[str, int], ...] = ()

    def start(self) -> Configuration:
        """All apps as they are."""
        self._seen = self._versions()
        return self._store.configuration()

    def poll(self) -> Change | None:
        """What was applied since the last one told."""
        versions = self._versions()
        if versions == self._seen:
            return None
        self._seen = versions
        try:
            return Change(self._store.configuration())
        except ConfigErrors as error:
            return Change(None, error.errors)

    def _versions(self) -> tuple[tuple[str, int], ...]:
        return tuple((name, self._store.outline(name, 1)[0].number) for name in self._store.names())
