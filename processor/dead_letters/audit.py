"""The audit: who did what to which letter or user, when, with what was before and after; no personal data."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from processor.dead_letters.index import letter_id
from processor.model.dead_letter import DeadLetter

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
    """`replayed`, `published again`, `closed`, `forgot`, and the ends of runs."""
    app: str
    subject: str
    """A letter's id, a run's id, or the digest of a user."""
    event: str
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def line(self) -> bytes:
        """As JSON."""
        return orjson.dumps(self._asdict())


def of_letter(who: Actor, did: str, key: bytes, before: DeadLetter, after: DeadLetter | None, why: str) -> Audited:
    """What was done to a letter."""
    now = int(time.time() * 1000)
    return Audited(who.name, who.host, now, did, before.app_id, letter_id(key), before.event_id, why, _state(before),
                   {} if after is None else _state(after))


def of_run(who: Actor, did: str, run: str, why: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Audited:
    """What was done with a whole run of replays."""
    return Audited(who.name, who.host, int(time.time() * 1000), did, "", run, "", why, before, after)


def digest_of_user(app_id: str, user_id: str) -> str:
    """By which an audit names a user: the same for the same user, and not to be read back."""
    return blake2b(f"{app_id}:{user_id}".encode(), digest_size=8).hexdigest()


def append(folder: Path, audited: Audited) -> None:
    """Where there is no topic for it, the audit is a file of JSON lines."""
    with (folder / FILE).open("ab") as file:
        file.write(audited.line() + b"\n")


def _state(letter: DeadLetter) -> dict[str, Any]:
    return {"state": letter.state, "reason": letter.reason, "replays": letter.replays, "note": letter.note}
