"""Tells what the engine does: a log line for what failed, a sampled one for what succeeded, and who else listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from processor.log import EventLog, EventName, sampled

if TYPE_CHECKING:
    from processor.engine.chain import Chain
    from processor.model.dead_letter import DeadLetter

Listener = Callable[[str, Any, Any], None]
"""(kind, chain or None, facts); called in the loop, so it must be quick."""


class Report:
    """Called by the engine for every outcome, dead letter and event of its own life."""

    def __init__(self, sample: float, listener: Listener | None = None) -> None:
        self._sample = sample
        self._events = EventLog(sample)
        self._log = structlog.get_logger()
        self._listener = listener

    def __call__(self, kind: str, chain: Chain | None, facts: Any) -> None:
        """Tell one thing."""
        if kind == "outcome":
            if chain is not None and facts.outcome == "succeeded" and sampled(facts.event_id, self._sample):
                self._events.succeeded(EventName(facts.app_id, facts.event_id, facts.run), lambda: {
                    "connector": facts.connector, "action": facts.action, "attempts": facts.attempts})
        elif kind in ("dead_letter", "undecodable"):
            self._dead_letter(facts)
        else:
            self._log.info(kind, **(facts if isinstance(facts, dict) else {"facts": facts}))
        if self._listener is not None:
            self._listener(kind, chain, facts)

    def _dead_letter(self, letter: DeadLetter) -> None:
        if not letter.failures:
            self._log.warning("message undecodable", topic=letter.origin.topic, partition=letter.origin.partition,
                              offset=letter.origin.offset, message=letter.message)
            return
        for failed in letter.failures:
            self._events.failed(
                EventName(letter.app_id, letter.event_id, letter.run), connector=failed.connector,
                action=failed.action, reason=failed.reason, code=failed.code, message=failed.message,
                attempts=failed.attempts, status=failed.status, request_id=failed.request_id)
