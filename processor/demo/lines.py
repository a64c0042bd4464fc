"""The demo without a terminal: plain lines, every failure, a sample of what went well."""

from __future__ import annotations

from collections.abc import Callable

from processor.demo.face import View, clean, ending, short, took, why
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult

SAMPLE_EVERY = 1.0
STATUS_EVERY = 5.0
MOST_FAILURES = 200
"""Lines about failures; a demo that goes on for hours must not fill a disk."""


class Lines:
    """Writes lines."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._seen: set[tuple[str, str, str]] = set()
        self._sampled_at = -SAMPLE_EVERY
        self._told_at = 0.0
        self._failures = 0
        self._phase = ""
        self._address = ""
        self._circuits: tuple[str, ...] = ()

    def note(self, at: float, text: str) -> None:
        """Something that the demo itself did."""
        self._write(f"{at:6.1f} s  {text}")

    def heard(self, at: float, facts: ActionResult | DeadLetter) -> None:
        """Every failure; of the rest the first of its kind, and now and then one."""
        if isinstance(facts, DeadLetter):
            if not facts.failures:
                origin = facts.origin
                place = f"{origin.topic} {origin.partition}:{origin.offset}"
                self._failure(at, f"{'undecodable':<24} {place}  {facts.message}")
        elif facts.outcome == "failed":
            self._failure(at, f"{_line(facts)}  {why(facts)}")
        elif self._is_sample(at, facts):
            self.note(at, _line(facts))

    def _failure(self, at: float, text: str) -> None:
        self._failures += 1
        if self._failures <= MOST_FAILURES:
            self.note(at, text)
        if self._failures == MOST_FAILURES:
            self.note(at, "further failures are only counted")

    def _is_sample(self, at: float, result: ActionResult) -> bool:
        kind = (result.connector, result.action, ending(result))
        if kind in self._seen and (at - self._sampled_at < SAMPLE_EVERY or self._failures > MOST_FAILURES):
            return False
        self._seen.add(kind)
        self._sampled_at = at
        return True

    def turn(self, view: View) -> None:
        """A line when a phase begins, metrics are served, a circuit opens or closes, and every few seconds."""
        if view.phase != self._phase:
            self._phase = view.phase
            self.note(view.at, view.phase)
        if view.address and view.address != self._address:
            self._address = view.address
            self.note(view.at, f"metrics {view.address}/metrics")
        for name in set(view.pulse.circuits) ^ set(self._circuits):
            is_open = name in view.pulse.circuits
            self.note(view.at, f"circuit of {name} opened: its chains are parked until a probe passes" if is_open
                      else f"circuit of {name} closed: its chains go on")
        self._circuits = view.pulse.circuits
        if view.at - self._told_at >= STATUS_EVERY:
            self._told_at = view.at
            pulse, tally = view.pulse, view.tally
            self.note(view.at, f"-- {tally.published} interactions published, {tally.outcomes} outcomes, "
                      f"{pulse.parked} parked, {pulse.in_flight} in flight, {pulse.retries} retries, "
                      f"{len(tally.letters)} dead letters")

    def close(self) -> None:
        """Nothing is open."""


def _line(result: ActionResult) -> str:
    what = f"{short(result.connector)}.{result.action}"
    parts = (f"{ending(result):<24} {what:<31} {result.app_id} {result.user_id}",
             f"{result.prompt_id}/{result.interaction}" if result.prompt_id else "", clean(result.reference),
             took(result))
    return "  ".join(part for part in parts if part)
