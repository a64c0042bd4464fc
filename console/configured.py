"""The apps as the engine would run them, made in the background: pages never wait for it."""

from __future__ import annotations

from processor.config.errors import ConfigErrors
from processor.config.model import Configuration
from processor.config.store import Store, StoreError


class Configured:
    """The newest configuration that could be made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: tuple[tuple[str, int, str], ...] | None = None
        self.configuration: Configuration | None = None
        """None until it is known, and where the console cannot make it: without the secrets' keys, say."""
        self.why = ""
        """Why it is not known."""

    def refresh(self) -> Configuration | None:
        """Make it anew where something has changed."""
        try:
            versions = tuple(self._versions())
            if versions != self._known:
                self.configuration, self.why = self._store.configuration(), ""
                self._known = versions
        except (ConfigErrors, StoreError, OSError) as error:
            self.why = str(error.errors[0] if isinstance(error, ConfigErrors) else error)
        return self.configuration

    def _versions(self) -> list[tuple[str, int, str]]:
        """By their outlines: nothing is unpacked where nothing has changed."""
        return [(one.name, one.number, one.digest) for name in self._store.names()
                for one in self._store.outline(name, 1)]
