"""One reading of a config folder: what it draws from, and every mistake it meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from connectors.kit.connector import Connector
from processor.config import secrets
from processor.config.errors import ConfigError, ConfigErrors

Overrides = Mapping[str, Mapping[str, str]]
"""By connector and setting: values that stand in for those of the files."""

MASKED_FROM = 4
"""Shorter secrets are not searched for in messages: they would mask ordinary letters."""


@dataclass(slots=True)
class Reading:
    """Sources of one reading, and what it found."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    catalogue: Mapping[str, Connector] = field(repr=False)
    overrides: Overrides = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)
    """Files that secrets were read from."""
    app: str = ""
    """The app that is being read; "" for the processor's own settings."""
    lenient: bool = False
    """Whether secrets that cannot be had here are no mistakes: what is looked at runs elsewhere."""
    missing: list[str] = field(default_factory=list)
    """References of such secrets."""
    _values: set[str] = field(default_factory=set, repr=False)

    def secret(self, reference: str) -> SecretStr:
        """The secret that `reference` leads to; raises SecretError."""
        scheme, _, name = reference.partition(":")
        if scheme == "file":
            self.files.add(self.folder / name.strip())
        found = secrets.resolve(reference, self.environ, self.folder, self.app)
        self._values.add(found.get_secret_value())
        return found

    def check(self) -> None:
        """Raise ConfigErrors where there are mistakes, each once, in the order of the files."""
        if self.errors:
            raise ConfigErrors(sorted(set(self.errors), key=lambda one: one[:5]))

    def masked(self, text: str) -> str:
        """`text` without any secret of this reading."""
        for value in sorted(self._values, key=len, reverse=True):
            if len(value) >= MASKED_FROM:
                text = text.replace(value, "***")
        return text
