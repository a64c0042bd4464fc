"""A run of replays as its page and the API tell it: from the work in this process, and from what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.letters.office import Letters
from console.letters.work import Busy, Work
from processor.dead_letters import Desk, Options, Plan, Run, Selection

ENDED = ("succeeded", "failed", "closed", "skipped", "gone")


class RunView(NamedTuple):
    """One run."""

    id: str
    state: str
    """One of `STATES`."""
    by: str
    created: int
    selection: Selection | None
    options: Options
    counts: Mapping[str, int]
    failures: Sequence[tuple[str, str, int]]
    plan: Plan | None
    work: Work | None

    @property
    def under_way(self) -> bool:
        """Whether something is done with it now."""
        return self.work is not None and self.work.under_way

    @property
    def letters(self) -> int:
        """How many it has."""
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        """Of those: not waiting to be sent any more."""
        return self.letters - self.counts.get("planned", 0)

    @property
    def ended(self) -> int:
        """Of those: brought to an end."""
        return sum(self.counts.get(one, 0) for one in ENDED)

    @property
    def can_go_on(self) -> bool:
        """Whether it can be made, or gone on with."""
        return not self.under_way and self.state in ("planned", "interrupted", "cut_off", "sent") and self.letters > 0


STATES: Mapping[str, tuple[str, str]] = {
    "planning": ("Being planned", "accent"), "plan_failed": ("Not planned", "bad"), "planned": ("Planned", "accent"),
    "running": ("Running", "accent"), "stopping": ("Stopping", "warn"), "interrupted": ("Stopped", "warn"),
    "cut_off": ("Cut off", "warn"), "sent": ("Waiting for ends", "accent"), "done": ("Done", "good"),
    "abandoned": ("Given up", ""), "failed": ("Failed", "bad"),
}
"""Word, and kind of the badge."""


def view(letters: Letters, desk: Desk, name: str) -> RunView:
    """The run of an id; raises DeskError where there is none."""
    work = letters.works.of(name)
    if work is not None and work.kind == "plan" and work.state != "done":
        state = "planning" if work.under_way else "plan_failed"
        return RunView(name, state, work.by, int(work.began * 1000), None, Options(), {}, (), None, work)
    run = desk.run(name)
    plan = work.result if work is not None and isinstance(work.result, Plan) else None
    counts = work.counts if work is not None and work.under_way and work.counts else desk.counts(name)
    return RunView(name, _state(run, work), run.by, run.created, run.selection, run.options, counts,
                   desk.failures(name), plan, work)


def _state(run: Run, work: Work | None) -> str:
    if work is not None and work.kind == "replay":
        if work.under_way:
            return "stopping" if work.is_stopping() else "running"
        if work.state == "failed":
            return "failed" if run.state in ("done", "abandoned") else "cut_off"
    return "cut_off" if run.state == "running" else run.state


def give_up(desk: Desk, run: RunView) -> bool:
    """Forget a plan, or give a run up; whether it was a plan. Raises Busy where something is done with it."""
    if run.under_way:
        raise Busy("It is under way: stop it first.")
    if run.state in ("planned", "plan_failed"):
        desk.drop(run.id)
        return True
    desk.abandon(run.id)
    return False


class RunLine(NamedTuple):
    """One run in the list of all."""

    run: Run
    state: str
    counts: Mapping[str, int]


def lines(letters: Letters, desk: Desk, app: str) -> list[RunLine]:
    """The runs of an app ("" for all), newest first."""
    return [RunLine(run, _state(run, letters.works.of(run.id)), counts) for run, counts in desk.runs()
            if app in ("", run.selection.app)]
