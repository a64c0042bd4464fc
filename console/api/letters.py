"""Dead letters, for programs: found, counted, understood, revealed, closed, replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Body
from console.letters import Filters, Work
from console.letters.detail import detail_of, reveal
from console.letters.office import TooSlowError
from console.letters.run_view import RunView, give_up, lines
from console.pages.letter_scope import app_of, at_desk, closing_of, entry_of, letters_of, run_of, user_shown
from console.security.refusals import Conflict, Invalid
from console.visit import Here, Visit
from processor.dead_letters import Desk, Entry, Group, Options, Selection

SHORT_WAIT = 0.4


class LetterFilters(Filters):
    """Which letters; an unknown filter is a mistake, since without it more would be meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LetterQuery(LetterFilters):
    """A page of the list."""

    limit: int = Field(50, ge=1, le=500, description="Letters of a page.")


class Letter(BaseModel):
    """A letter as lists show it; times in milliseconds since 1970."""

    id: str
    state: str
    at: int = Field(description="When it failed.")
    app: str
    prompt: str
    user: str = Field(description="*** for whom the scope reveal_payloads is missing.")
    event: str
    replays: int
    connector: str
    action: str
    reason: str
    code: str
    message: str


class LetterPage(BaseModel):
    """Letters, newest first."""

    letters: list[Letter] = Field(description="Up to `limit`; fewer, even none, where no more were found in time.")
    after: str = Field(description="Ask for the next page with this; empty at the end, and only there.")
    looked_back_to: int | None = Field(
        description="When the oldest letter failed that was looked at, where the time was over before the page was"
                    " full; else null.")


class LetterGroup(BaseModel):
    """Letters that failed alike."""

    app: str
    connector: str
    action: str
    reason: str
    code: str
    state: str
    letters: int
    first: int
    last: int


class LetterDetail(BaseModel):
    """A letter in full."""

    id: str
    why: str
    who_must_act: str
    replay: dict[str, Any] | None = Field(description="What a replay would do; null where that cannot be told here.")
    record: dict[str, Any] = Field(description="Field for field the record DeadLetter.")


class LettersWish(Body):
    """Which letters something is done with."""

    letters: LetterFilters = LetterFilters()
    all: bool = Field(False, description="Needed where no filter is given: all open letters are meant then.")


class CloseWish(LettersWish):
    """Letters to be closed."""

    because: str = Field(min_length=1, max_length=300, description="Stays with the letters and in the audit.")


class ReplayWish(LettersWish):
    """Letters to be replayed, and how."""

    only_failed: bool = Field(False, description="Leave out what was skipped behind a failure.")
    as_they_were: bool = Field(False, description="With the attributes of then.")
    after_checking: bool = Field(False, description="Somebody looked at the vendor: what is in doubt did not happen.")
    force: bool = Field(False, description="Also what was replayed or closed before.")
    rate: float = Field(50.0, ge=0.1, le=1000, description="Letters a second, for the plan's duration.")


class StartWish(Body):
    """How quickly a run is made."""

    rate: float = Field(50.0, ge=0.1, le=1000, description="Letters a second, at most.")


class WorkSummary(BaseModel):
    """Work under way, or ended."""

    id: str
    state: str = Field(description="under way, done, stopped, failed.")
    seen: int
    total: int
    said: str = ""


class Run(BaseModel):
    """A run of replays."""

    id: str
    state: str = Field(description="planning, plan_failed, planned, running, stopping, interrupted, cut_off, sent,"
                                   " done, abandoned.")
    by: str
    created: int
    letters: str = Field(description="The filter in words.")
    counts: dict[str, int]
    failures: list[tuple[str, str, int]] = []
    plan: dict[str, Any] | None = None
    said: str = ""


# looking


def listed(visit: Here, wanted: Annotated[LetterQuery, Query()]) -> LetterPage:
    """Letters, newest first, page by page.

    Each answer takes a bounded time: a filter that few of many letters fit (a text, a state) is looked for in a part of
    them, and the page may hold fewer letters than its limit. Ask again with `after` as long as it is not empty: all
    pages together hold every letter that fits, once.
    """
    with at_desk(visit) as desk:
        try:
            found = letters_of(visit).look(desk, selection_of(visit, wanted), wanted.limit, wanted.after)
        except ValueError:
            raise Invalid("after: there is no such letter.") from None
    return LetterPage(letters=[_letter(visit, one) for one in found.entries], after=found.next,
                      looked_back_to=found.back_to or None)


def counted(visit: Here, wanted: Annotated[LetterFilters, Query()]) -> list[LetterGroup]:
    """How many letters failed alike, the most numerous first; all of them, or a refusal after five seconds."""
    with at_desk(visit) as desk:
        try:
            return _groups(letters_of(visit).groups(desk, selection_of(visit, wanted)))
        except TooSlowError:
            raise Invalid("Counting these takes too long: leave out text and times.") from None


def _groups(found: Iterable[Group]) -> list[LetterGroup]:
    return [LetterGroup(**one._asdict()) for one in found]


def show(visit: Here, letter: str) -> LetterDetail:
    """One letter, its personal data masked."""
    with at_desk(visit) as desk:
        return _detail(desk, entry_of(visit, desk, letter), revealed=False)


def unmask(visit: Here, letter: str) -> LetterDetail:
    """The same with personal data; the look is audited."""
    with at_desk(visit) as desk:
        entry = entry_of(visit, desk, letter)
        visit.options.audit.write(reveal(visit.name, entry, visit.options.clock()))
        return _detail(desk, entry, revealed=True)


def _detail(desk: Desk, entry: Entry, *, revealed: bool) -> LetterDetail:
    detail = detail_of(desk, entry, revealed=revealed)
    verdict = detail.verdict
    replay = verdict and {**verdict._asdict(), "reruns": [one._asdict() for one in verdict.reruns]}
    return LetterDetail(id=entry.id, why=detail.why, who_must_act=detail.act, replay=replay, record=dict(detail.letter))


def _letter(visit: Visit, entry: Entry) -> Letter:
    plain = {name: value for name, value in entry._asdict().items() if name in Letter.model_fields}
    return Letter(**{**plain, "user": user_shown(visit, entry.user)})


def selection_of(visit: Visit, wanted: Filters) -> Selection:
    """What is meant, within the app; raises Invalid."""
    found, mistakes = wanted.selection(app_of(visit), visit.options.clock())
    if mistakes:
        raise Invalid("; ".join(f"{one.field}: {one.text}" for one in mistakes))
    return found


def _meant(visit: Visit, wish: LettersWish) -> Selection:
    if not wish.all and not wish.letters.ids and not wish.letters.narrowed:
        raise Invalid('letters: name some filter or ids, or say "all": true.')
    return selection_of(visit, wish.letters)


# deciding


def close(visit: Here, wish: CloseWish) -> WorkSummary:
    """Close letters that nobody will replay."""
    selection = _meant(visit, wish)
    work = letters_of(visit).close_letters(visit.name, app_of(visit), selection, wish.because.strip())
    work.wait(SHORT_WAIT)
    return _work(work)


def closing(visit: Here, work: str) -> WorkSummary:
    """How far a closing is."""
    return _work(closing_of(visit, work))


def _work(work: Work) -> WorkSummary:
    return WorkSummary(id=work.id, state=work.state, seen=work.seen, total=work.total, said=work.said)


# replaying


def runs(visit: Here) -> list[Run]:
    """The runs that were made from this console, newest first."""
    with at_desk(visit) as desk:
        return [Run(id=one.run.id, state=one.state, by=one.run.by, created=one.run.created,
                    letters=one.run.selection.said(), counts=dict(one.counts))
                for one in lines(letters_of(visit), desk, app_of(visit))]


def plan(visit: Here, wish: ReplayWish) -> Run:
    """Plan a replay; nothing happens before the run is started."""
    selection = _meant(visit, wish)
    options = Options(wish.only_failed, wish.as_they_were, wish.after_checking, wish.force)
    if options.force and wish.letters.state == "open":
        selection = selection._replace(states=())
    with at_desk(visit) as desk:
        other = desk.unfinished(selection)
    if other is not None:
        raise Conflict(f"Run {other.id} of the same filter is not finished: start it again, or abandon it.")
    work = letters_of(visit).plan(visit.name, app_of(visit), selection, options, wish.rate)
    work.wait(SHORT_WAIT)
    return run(visit, work.id)


def run(visit: Here, run: str) -> Run:
    """One run: its plan, its progress, its report."""
    with at_desk(visit) as desk:
        return _run(run_of(visit, desk, run))


def start(visit: Here, run: str, wish: StartWish) -> Run:
    """Make a planned run, or go on with one that was stopped."""
    with at_desk(visit) as desk:
        found = run_of(visit, desk, run)
    if not found.can_go_on or found.selection is None:
        raise Conflict("This run cannot be made now: it is under way, over, or has no letters.")
    work = letters_of(visit).replay(visit.name, app_of(visit), run, found.selection.said(), wish.rate)
    work.wait(SHORT_WAIT)
    with at_desk(visit) as desk:
        return _run(run_of(visit, desk, run))


def stop(visit: Here, run: str) -> Run:
    """Stop between two steps."""
    with at_desk(visit) as desk:
        work = run_of(visit, desk, run).work
        if work is not None:
            work.stop()
            work.wait(SHORT_WAIT)
        return _run(run_of(visit, desk, run))


def abandon(visit: Here, run: str) -> WorkSummary:
    """Forget a plan, or give a run up: what was not sent stays as it is."""
    with at_desk(visit) as desk:
        found = run_of(visit, desk, run)
        give_up(desk, found)
    return WorkSummary(id=run, state="done", seen=found.sent, total=found.letters)


def _run(found: RunView) -> Run:
    work = found.work
    return Run(id=found.id, state=found.state, by=found.by, created=found.created,
               letters=found.selection.said() if found.selection else work.about if work else "",
               counts=dict(found.counts), failures=list(found.failures), said=work.said if work else "",
               plan=_plan(found.plan._asdict()) if found.plan else None)


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {**plan,
            "calls": [{"app": app, "connector": connector, "bindings": count}
                      for (app, connector), count in plan["calls"].items()],
            "repeats": [{"action": action, "kept_safe_by": how, "bindings": count}
                        for (action, how), count in plan["repeats"].items()]}
