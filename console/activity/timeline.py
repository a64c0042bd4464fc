"""The time line of one event: what each binding came to in each run, and how long what took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from processor.model.outcome import ActionResult


class Step(NamedTuple):
    """One binding in one run."""

    result: ActionResult
    waited: int
    """Milliseconds between the end of the step before (or the event itself) and its first call; -1: not known."""
    took: int
    """Milliseconds from its first call to its end; -1 where no call was made."""


class RunLine(NamedTuple):
    """One run of the event's chain, or of its exports."""

    number: int
    exports: bool
    steps: Sequence[Step]
    missing: int
    """Bindings whose outcome is not there (yet)."""

    @property
    def title(self) -> str:
        """In words."""
        what = "Exports" if self.exports else "The chain"
        return f"{what}, replay {self.number}" if self.number else what


def timeline(results: Iterable[ActionResult]) -> list[RunLine]:
    """The runs of an event, each in the order of its bindings."""
    runs: dict[tuple[int, bool], list[ActionResult]] = {}
    for one in results:
        runs.setdefault((one.run, one.position < 0), []).append(one)
    return [_run(number, found, exports=exports) for (number, exports), found in sorted(runs.items())]


def _run(number: int, found: list[ActionResult], *, exports: bool) -> RunLine:
    found = sorted(found, key=lambda one: (one.position, one.finished_at))
    planned = max((one.planned for one in found), default=0)
    steps: list[Step] = []
    before = found[0].event_time if found and not number else 0
    for one in found:
        called = one.started_at > 0
        waited = max(0, one.started_at - before) if called and before else -1
        steps.append(Step(one, waited, max(0, one.finished_at - one.started_at) if called else -1))
        before = found[0].event_time if exports else one.finished_at
    return RunLine(number, exports, steps, max(0, planned - len(found)))
