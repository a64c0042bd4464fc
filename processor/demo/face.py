"""What the demo shows of itself, whoever shows it: a live picture on a terminal, or plain lines."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from processor.demo.pulse import Pulse
from processor.demo.tally import Tally
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult

SHORT_NAMES = {"salesforce_marketing_cloud": "salesforce", "apple_app_store": "app_store"}
REASON_WORDS = {
    "missing_attributes": "missing attributes", "in_doubt": "in doubt",
}
CAUSES = {
    "circuit": "circuit open", "retry": "retry", "limit": "rate limit", "attributes": "attributes", "order": "order",
    "settings": "settings",
}


class View(NamedTuple):
    """Everything at one moment."""

    phase: str
    at: float
    """Seconds since the demo began."""
    tally: Tally
    pulse: Pulse
    where: str
    """The broker."""
    address: str
    """Of metrics and probes."""


class Face(Protocol):
    """Shows what happens."""

    def note(self, at: float, text: str) -> None:
        """Something that the demo itself did."""

    def heard(self, at: float, facts: ActionResult | DeadLetter) -> None:
        """Something that the processor told."""

    def turn(self, view: View) -> None:
        """Bring it up to date; called several times a second."""

    def close(self) -> None:
        """Nothing more is to be shown."""


def short(connector: str) -> str:
    """A connector's name that fits into a column."""
    return SHORT_NAMES.get(connector, connector)


def took(result: ActionResult) -> str:
    """How long a binding took, readable; nothing where it never began."""
    if not result.started_at or result.outcome in ("skipped", "expired"):
        return ""
    milliseconds = max(0, result.finished_at - result.started_at)
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def why(result: ActionResult) -> str:
    """Why a binding failed: the reason, and the vendor's or our words."""
    reason = REASON_WORDS.get(result.reason, result.reason)
    return f"{reason}: {clean(result.message)}" if result.message else reason


def clean(text: str) -> str:
    """Text of others without what could steer a terminal."""
    return "".join(one if one.isprintable() else " " for one in text)


def ending(result: ActionResult) -> str:
    """The outcome, with its note."""
    return f"{result.outcome} ({result.note.replace('_', ' ')})" if result.note else result.outcome


def waits(pulse: Pulse) -> list[str]:
    """What had to wait so far, the commonest first."""
    rows = sorted(pulse.waits.items(), key=lambda row: -row[1])
    return [f"{short(connector) or 'chains'}: {CAUSES.get(cause, cause)} ×{count}"  # noqa: RUF001
            for (connector, cause), count in rows]
