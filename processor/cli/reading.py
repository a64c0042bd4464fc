"""What commands that read whole topics share: the codec, the configuration where it can be had, a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from processor.cli.output import say

if TYPE_CHECKING:
    from processor.avro.codec import Codec
    from processor.cli.context import Context
    from processor.config.model import Configuration
    from processor.kafka.reader import Progress
    from processor.settings import ProcessorSettings


def codec_of(settings: ProcessorSettings) -> Codec:
    """Reads what the processor of these settings reads; raises RegistryError."""
    from processor.avro.codec import Codec

    if settings.registry is None:
        return Codec(settings.framing)
    from processor.kafka.schema_ids import connect_registry

    return Codec(settings.framing, connect_registry(settings))


def configuration_of(context: Context, without: str) -> Configuration | None:
    """The apps' configuration; None where it cannot be read here, after saying what is missed without it."""
    from processor.config.errors import ConfigErrors
    from processor.config.source import load_configuration, told_where
    from processor.config.store import StoreError

    settings = context.settings
    try:
        return load_configuration(settings, context.environ)
    except (ConfigErrors, StoreError, OSError) as error:
        first = error.errors[0] if isinstance(error, ConfigErrors) else error
        say(f"Note: the configuration in {told_where(settings)} cannot be read here ({first}); {without}.")
        return None


@contextmanager
def progress_on(title: str) -> Iterator[Progress | None]:
    """A bar on a terminal's standard error; None where there is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda read, total: bar.update(task, completed=read, total=total)
