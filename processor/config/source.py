"""Where the configuration comes from, as the settings say: the one way for every command and process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from processor.access import company_errors
from processor.config.content import Compiler
from processor.config.file_store import FileStore
from processor.config.model import Configuration
from processor.config.store import Store
from processor.config.watch import Watcher
from processor.settings import ProcessorSettings

if TYPE_CHECKING:
    from processor.config.topic_source import TopicSource


def compiler_of(
    settings: ProcessorSettings, environ: Mapping[str, str], folder: Path | None = None, *, lenient: bool = False,
) -> Compiler:
    """Makes apps of contents as the processor of these settings does; `lenient` where secrets are elsewhere."""
    return Compiler(environ, folder or settings.config_folder, settings.overrides, company=company_errors,
                    lenient=lenient)


@contextmanager
def opened_store(settings: ProcessorSettings, environ: Mapping[str, str]) -> Iterator[Store]:
    """The store that the settings choose; raises StoreError where the topic cannot be read."""
    if settings.config_source == "files":
        yield FileStore(compiler_of(settings, environ))
        return
    from processor.config.topic_store import TopicStore  # noqa: PLC0415  Kafka only where it is chosen

    with TopicStore(settings, compiler_of(settings, environ)) as store:
        yield store


def load_configuration(settings: ProcessorSettings, environ: Mapping[str, str]) -> Configuration:
    """All apps as they are now; raises ConfigErrors with every mistake, and StoreError."""
    with opened_store(settings, environ) as store:
        return store.configuration()


def source_of(settings: ProcessorSettings, environ: Mapping[str, str]) -> Watcher | TopicSource:
    """What a running process asks for changes."""
    if settings.config_source == "files":
        return Watcher(settings.config_folder, environ, settings.overrides)
    from processor.config.topic_source import TopicSource  # noqa: PLC0415  Kafka only where it is chosen

    return TopicSource(settings, compiler_of(settings, environ))


def told_where(settings: ProcessorSettings) -> str:
    """The folder or the topic, for people."""
    return str(settings.config_folder if settings.config_source == "files" else f"the topic {settings.topics.config}")
