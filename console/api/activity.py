"""Outcomes, what is known of an event, and health, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Body
from console.pages import activity as page
from console.pages import health as health_page
from console.pages.letter_scope import app_of, user_shown
from console.security.refusals import Invalid, NotFound
from console.visit import Here, Visit
from processor.model.outcome import ActionResult
from processor.waiting import Account


class OutcomeQuery(page.Asked):
    """Which outcomes; an unknown filter is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    limit: int = Field(50, ge=1, le=500, description="Outcomes of a page.")


class Outcome(BaseModel):
    """How one binding ended for one event in one run; times in milliseconds since 1970."""

    app: str
    at: int
    outcome: str
    reason: str
    user: str = Field(description="*** for whom the scope reveal_payloads is missing.")
    event: str
    run: int
    prompt: str
    interaction: str
    connector: str
    action: str
    binding: str
    code: str
    message: str
    status: int
    reference: str
    began: int
    happened: int


class OutcomePage(BaseModel):
    """Outcomes, newest first."""

    outcomes: list[Outcome]
    before: int = Field(description="Ask for the next page with this; 0 at the end.")


class Open(BaseModel):
    """What is open of an event."""

    run: int
    exports: bool
    cause: str
    connector: str
    binding: str
    since: int
    next_at: int
    attempts: int
    missing: list[str]
    behind: list[str]
    says: list[str]


class EventDetail(BaseModel):
    """What is known of an event."""

    event: str
    outcomes: list[dict[str, Any]] = Field(description="Field for field the records ActionResult.")
    open: list[Open]


class Finding(BaseModel):
    """One thing to be said of health."""

    grade: str = Field(description="good, warn, bad.")
    text: str


class Waits(BaseModel):
    """What waits for the same."""

    app: str
    connector: str
    cause: str
    chains: int
    oldest: int
    oldest_event: str
    next_at: int


class HealthDetail(BaseModel):
    """Whether all is well."""

    grade: str
    sentence: str
    findings: list[Finding]
    lag: dict[str, int]
    median_age_ms: int | None
    slow_age_ms: int | None
    waiting: list[Waits]


class BooksWish(Body):
    """Which books."""

    hours: float = Field(24.0, gt=0, le=744, description="Of the last hours.")


class BooksDetail(BaseModel):
    """The books that were drawn up last."""

    drawing: bool = Field(description="Whether they are being drawn up now.")
    at: float = 0.0
    balanced: bool | None = None
    total: dict[str, int] = {}
    differences: list[dict[str, Any]] = []
    said: str = ""


def outcomes(visit: Here, wanted: Annotated[OutcomeQuery, Query()]) -> OutcomePage:
    """The newest outcomes that fit."""
    activity = page.activity_of(visit)
    found, mistakes = wanted.wanted(app_of(visit), visit.options.clock())
    if mistakes:
        raise Invalid("; ".join(f"{one.field}: {one.text}" for one in mistakes))
    rows = activity.outcomes.newest(found, limit=wanted.limit + 1, before=wanted.before)
    shown = [Outcome(**{**one._asdict(), "user": user_shown(visit, one.user)}) for one in rows[:wanted.limit]]
    return OutcomePage(outcomes=shown, before=rows[wanted.limit - 1].row if len(rows) > wanted.limit else 0)


def event(visit: Here, event: str) -> EventDetail:
    """Outcomes of an event, and what is open of it and why."""
    activity = page.activity_of(visit)
    results, accounts = activity.outcomes.of_event(visit.app, event), activity.chains.of_event(visit.app, event)
    if not results and not accounts:
        raise NotFound("Nothing is kept here of this event, and nothing of it is open.")
    return EventDetail(event=event, outcomes=[_result(visit, one) for one in results], open=list(map(_open, accounts)))


def _result(visit: Visit, one: ActionResult) -> dict[str, Any]:
    return {**one._asdict(), "user_id": user_shown(visit, one.user_id), "detail": dict(one.detail)}


def _open(one: Account) -> Open:
    waiting = one.waiting
    return Open(run=one.record.run, exports=waiting.exports, cause=waiting.cause, connector=waiting.connector,
                binding=waiting.binding, since=waiting.since, next_at=waiting.next_at, attempts=one.record.attempts,
                missing=list(waiting.missing), behind=list(one.behind), says=list(one.says))


def health(visit: Here) -> HealthDetail:
    """Whether all is well, in one sentence, and what it is drawn from."""
    facts = health_page.facts_of(visit)
    first, ages = facts["findings"][0], facts["ages"]
    return HealthDetail(
        grade=first.grade, sentence=first.text, lag=dict(facts["reading"].lag),
        findings=[Finding(grade=one.grade, text=one.text) for one in facts["findings"]],
        median_age_ms=ages.median if ages else None, slow_age_ms=ages.slow if ages else None,
        waiting=[Waits(app=one.app_id, **{name: value for name, value in one._asdict().items() if name != "app_id"})
                 for one in facts["waiting"]])


def books(visit: Here) -> BooksDetail:
    """The books that were drawn up last."""
    watch = health_page.health_of(visit)
    work, drawn = next(iter(watch.works.all("books")), None), watch.books
    found = BooksDetail(drawing=work is not None and work.under_way, said=work.said if work else "")
    if drawn is None:
        return found
    return found.model_copy(update={
        "at": drawn.at, "balanced": drawn.books.balanced, "total": drawn.books.total._asdict(),
        "differences": [one._asdict() for one in drawn.books.differences]})


def draw_up(visit: Here, wish: BooksWish) -> BooksDetail:
    """Begin to draw up the books, from the topics alone."""
    health_page.health_of(visit).draw_up(visit.name, wish.hours).wait(0.4)
    return books(visit)
