"""What the audit says of letters and of users; no personal data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from processor.audit.record import Actor, Audited
from processor.dead_letters.index import letter_id
from processor.model.dead_letter import DeadLetter


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


def _state(letter: DeadLetter) -> dict[str, Any]:
    return {"state": letter.state, "reason": letter.reason, "replays": letter.replays, "note": letter.note}
