"""What all commands share: the settings, read when a command first asks for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from processor.settings import ProcessorSettings


@dataclass(slots=True)
class Context:
    """Of one run of a command."""

    file: Path | None = None
    """The settings file that the user named."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    _settings: ProcessorSettings | None = None

    @property
    def settings(self) -> ProcessorSettings:
        """The processor's settings; raises ConfigErrors, which the group prints."""
        if self._settings is None:
            from processor.config.own import load_settings

            self._settings = load_settings(self.environ, self.file)
        return self._settings


pass_context = click.make_pass_decorator(Context, ensure=True)
