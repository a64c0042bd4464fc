"""Where an open chain stands: which binding comes next, at which connector, and what keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kit.catalogue import catalogue
from connectors.kit.errors import Undecodable
from processor.engine.chain import EXPORTS

if TYPE_CHECKING:
    from processor.avro.codec import Codec
    from processor.config.model import App, Binding, Configuration, ExportBinding
    from processor.model.chain import ChainRecord

UNKNOWN = "?"
RUNNING = "running"
"""The cause of a chain that is under way and waits for nothing."""


class Waiting(NamedTuple):
    """One open chain, or the open exports of an event."""

    app_id: str
    ident: str
    """The event's id, with `#1` for its first replay and `#exports` for its exports."""
    connector: str
    """Of the first binding that has not ended; `?` where nobody can tell."""
    binding: str
    """That binding; `?` where nobody can tell."""
    cause: str
    """`retry`, `limit`, `circuit`, `settings`, `attributes`, `order`, or `running`."""
    since: int
    """Milliseconds since 1970 since when this binding waits."""
    next_at: int
    """Of its next try; 0 where no time is set."""
    missing: Sequence[str] = ()
    """Attributes that it waits for, where the configuration tells."""

    @property
    def exports(self) -> bool:
        """Whether it stands for exports, not for a chain."""
        return self.ident.endswith(EXPORTS)


def where(key: str, record: ChainRecord, codec: Codec, configuration: Configuration | None) -> Waiting:
    """Where a chain stands by its record; with a configuration, by that which is in force."""
    app_id, _, ident = key.partition(":")
    binding = _next_binding(ident, record, codec, configuration)
    if binding is None:
        name, connector = _guess(record)
        missing: tuple[str, ...] = ()
    else:
        name, connector = binding.id, binding.connector.id
        missing = _missing(binding, record, codec) if record.waiting_for == "attributes" else ()
    cause = record.waiting_for if record.state == "parked" else RUNNING
    return Waiting(app_id, ident, connector, name, cause, since_of(record), record.not_before, missing)


def since_of(record: ChainRecord) -> int:
    """Since when the binding waits: its first failure, else the end of the binding before, else the event itself."""
    ended = [one.finished_at for one in record.receipts]
    return record.first_failed_at or max([record.origin.timestamp, *ended])


def _next_binding(
    ident: str, record: ChainRecord, codec: Codec, configuration: Configuration | None
) -> Binding | ExportBinding | None:
    app = configuration.apps.get(record.app_id) if configuration else None
    if app is None:
        return None
    ended = {one.binding_id for one in record.receipts}
    for one in _bindings(app, ident, record, codec):
        if one.id not in ended and (not record.only or one.id in record.only):
            return one
    return None


def _bindings(app: App, ident: str, record: ChainRecord, codec: Codec) -> Sequence[Binding | ExportBinding]:
    try:
        event = codec.event(record.origin.value)
    except Undecodable:  # a change of attributes, whose exports wait
        return [one for one in app.exports if one.export.trigger == "attributes"]
    if not ident.endswith(EXPORTS):
        return app.chain(event.prompt_id, event.interaction)
    return [one for one in app.exports if one.export.trigger == "interaction"
            and event.interaction in one.interactions and (one.prompts is None or event.prompt_id in one.prompts)]


def _missing(binding: Any, record: ChainRecord, codec: Codec) -> tuple[str, ...]:
    action = getattr(binding, "action", None)
    if action is None:
        return ()
    return tuple(action.absent(record.attributes, codec.event(record.origin.value).form))


def _guess(record: ChainRecord) -> tuple[str, str]:
    """Without a configuration: a call under way names its binding, and binding ids mostly name their connector."""
    ended = {one.binding_id for one in record.receipts}
    left = [one for one in record.only if one not in ended]
    name = record.started.binding_id if record.started else left[0] if left else UNKNOWN
    connector = name.partition(".")[0]
    return name, connector if connector in catalogue() else UNKNOWN
