"""What would run for a user: a dry run over the attributes that are synced, or over others; nothing is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit.event import Event, Value
from console.prompts.checking import beside
from console.prompts.draft import Read
from console.visit import Visit
from processor.avro.registry import RegistryError
from processor.control.explaining import Step, exports, steps
from processor.kafka.reader import LogError

EVENT = "tried"
"""Id of the event that is made up."""
NOT_READ = "This console reads no attributes, so only those typed here count."


class Wish(NamedTuple):
    """What is tried."""

    user: str
    interaction: str
    form: Mapping[str, str] = {}
    attributes: Mapping[str, Value] = {}
    """Beside those that are synced, or in their place; "" takes one away."""
    ago: float = 0.0
    """Seconds since the interaction."""


class Tried(NamedTuple):
    """What would happen."""

    chain: Sequence[Step]
    exports: Sequence[Step]
    known: Sequence[str] | None
    """Names of the attributes that are synced; None where nothing is known of the user."""
    at: int = 0
    """Milliseconds since 1970, when they changed last."""
    trouble: str = ""
    """Why it could not be read what is synced."""


def tried(visit: Visit, prompt: str, raw: Read, wish: Wish) -> Tried:
    """Run it dry; raises ConfigErrors where the prompt is not sound."""
    app = beside(visit, prompt, raw)
    synced, at, trouble = _synced(visit, wish.user)
    merged = {**(synced or {}), **wish.attributes}
    now = visit.options.clock()
    event = Event(EVENT, app.id, wish.user, prompt, wish.interaction, round((now - wish.ago) * 1000), form=wish.form)
    return Tried(steps(app, event, merged, now, grace=visit.options.join_grace), exports(app, event, merged, now),
                 None if synced is None else sorted(synced), at, trouble)


def _synced(visit: Visit, user: str) -> tuple[Mapping[str, Any] | None, int, str]:
    read = visit.options.attributes
    if read is None:
        return None, 0, NOT_READ
    try:
        found = read(visit.app, user)
    except (LogError, RegistryError) as error:
        return None, 0, f"What is synced could not be read: {error}."
    return (None, 0, "") if found is None else (found.attributes, found.time, "")
