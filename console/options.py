"""What the console stands on: given from outside, so that tests, the demo and the command each bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from console.activity import Activity
from console.health import Health
from console.letters import Letters
from processor.audit.record import Audited
from processor.config import secrets
from processor.config.keyring import Keyring
from processor.config.store import Store
from processor.control.checking import Dial
from processor.model.attributes import AttributesState
from processor.settings import ConsoleSettings
from processor.waiting.tally import Group


class AuditLog(Protocol):
    """Where it is written who did what, and read again."""

    def write(self, audited: Audited) -> None:
        """Add a record; it is durable when this returns."""

    def newest(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest records first, as `Audited` has them."""


class NoAudit:
    """For tests that do not ask for it: a list in memory."""

    def __init__(self) -> None:
        self.records: list[Audited] = []

    def write(self, audited: Audited) -> None:
        """Add a record."""
        self.records.append(audited)

    def newest(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest records first."""
        return [one._asdict() for one in reversed(self.records[-limit:])]


def nothing_waits(_app: str) -> Sequence[Group]:
    """Where nobody can tell what waits."""
    return ()


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """Everything that the console is given."""

    store: Store
    dialling: Callable[[], AbstractContextManager[Dial]] = field(repr=False)
    """Opens a way to vendors, for connection tests and pick lists."""
    settings: ConsoleSettings = field(default_factory=ConsoleSettings)
    keyring: Callable[[], Keyring] = field(default=secrets.keyring, repr=False)
    """Seals what people type into secret fields; without keys, only references can be entered."""
    freshness: float = 1.0
    """Seconds for which pages may show what was read; changes are always made of what is there."""
    audit: AuditLog = field(default_factory=NoAudit)
    waiting: Callable[[str], Sequence[Group]] = nothing_waits
    """What waits in an app, by connector and cause; quick, since pages ask for it."""
    known: Mapping[str, Connector] = field(default_factory=catalogue, repr=False)
    attributes: Callable[[str, str], AttributesState | None] | None = field(default=None, repr=False)
    """What is synced about a user of an app, which may take seconds and raise LogError; None without Kafka."""
    join_grace: float = 30.0
    """Seconds for which the processors wait for attributes that are missing."""
    letters: Letters | None = field(default=None, repr=False)
    """Dead letters; None where the console has no Kafka."""
    activity: Activity | None = field(default=None, repr=False)
    """Late outcomes and what waits; None where the console has no Kafka."""
    health: Health | None = field(default=None, repr=False)
    """Lag, processors, books; None where the console has no Kafka."""
    clock: Callable[[], float] = time.time
