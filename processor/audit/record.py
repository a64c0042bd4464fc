"""One thing that was done, as the audit keeps it: JSON, without personal data and without secrets."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

FILE = "audit.jsonl"


class Actor(NamedTuple):
    """Who acts."""

    name: str
    """As whom: given, or the operating system's user."""
    host: str


def actor(given: str = "") -> Actor:
    """Whoever runs this process, or whom that one names."""
    try:
        name = given or getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor(name, socket.gethostname())


class Audited(NamedTuple):
    """One thing that was done."""

    by: str
    host: str
    at: int
    """Milliseconds since 1970."""
    did: str
    """`replayed`, `published again`, `closed`, `forgot`, `configured`, `removed`, and the ends of runs."""
    app: str
    subject: str
    """A letter's id, a run's id, the digest of a user, or an app with its version."""
    event: str
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def line(self) -> bytes:
        """As JSON."""
        return orjson.dumps(self._asdict())


def append(folder: Path, audited: Audited) -> None:
    """Where there is no topic for it, the audit is a file of JSON lines."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("ab") as file:
        file.write(audited.line() + b"\n")
