"""Schema ids of a registry, fetched at start and never registered by the processor."""

from __future__ import annotations

from typing import Any

from processor.avro.registry import Registry, connect
from processor.settings import ProcessorSettings


def connect_registry(settings: ProcessorSettings) -> Registry:
    """The registry with the schemas of inputs and outputs loaded; raises RegistryError."""
    found = settings.registry
    made: dict[str, Any] = {"url": found.url if found else ""}
    if found is not None and found.username and found.password:
        made["basic.auth.user.info"] = f"{found.username}:{found.password.get_secret_value()}"
    registry = connect(made)
    topics = settings.topics
    registry.load(f"{name}-value" for name in (
        topics.interactions, topics.attributes, topics.results, topics.dead_letters))
    return registry
