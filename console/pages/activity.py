"""Activity: outcomes as they come, by filters that stand in the address; and the time line of one event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from console.activity import Activity, OutcomeFilter
from console.activity.timeline import timeline
from console.letters.filters import Mistake, time_of
from console.letters.words import REASONS, STATES
from console.pages.letter_scope import app_of, at_desk, base_of, user_shown
from console.security.refusals import NotFound
from console.visit import Here, Visit
from console.words import INTERACTIONS
from processor.access import Permission
from processor.dead_letters import Entry, Selection
from processor.model.outcome import ActionResult

PAGE = 50
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "succeeded": ("Succeeded", "good"), "failed": ("Failed", "bad"), "skipped": ("Skipped", ""),
    "expired": ("Expired", "warn"),
}
"""Word, and kind of the badge."""
NOTES = {"accepted": "taken, not confirmed", "already_done": "was done already"}
LOOK_EVERY = 0.5
SIGN_EVERY = 15.0
MOST_STREAMS = 200


class Asked(BaseModel):
    """The filters of the list, as they stand in its address."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    app: str = Field("", description="Of this app.")
    find: str = Field("", description="Of this user, or of this event.")
    prompt: str = Field("", description="Of this prompt.")
    interaction: str = Field("", description="Of this interaction: accept.")
    user: str = Field("", description="Of this user.")
    event: str = Field("", description="Of this event.")
    connector: str = Field("", description="Of this connector: stripe.")
    action: str = Field("", description="Of this action: apply_coupon.")
    outcome: str = Field("", description="succeeded, failed, skipped, expired.")
    reason: str = Field("", description="Why it failed: rejected, misconfigured ...")
    since: str = Field("", description="That ended since then: 2h for so long ago, or a date and time.")
    until: str = Field("", description="That ended before then.")
    before: int = Field(0, ge=0, description="Behind this row: the last one of the page before.")

    def wanted(self, app: str, now: float) -> tuple[OutcomeFilter, list[Mistake]]:
        """What is meant within an app ("" for all), and what cannot be taken."""
        mistakes: list[Mistake] = []
        since, until = (time_of(name, getattr(self, name), now, mistakes) for name in ("since", "until"))
        names = {name: getattr(self, name).strip() for name in OutcomeFilter._fields
                 if name not in ("app", "since", "until")}
        return OutcomeFilter(app or self.app.strip(), **names, since=since, until=until), mistakes

    def address(self, **changes: Any) -> str:
        """The filters as the query of an address, others in the place of some."""
        return urlencode({name: value for name, value in {**self.model_dump(), **changes}.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for."""
        return any(self.model_dump(exclude={"before"}).values())


def activity_of(visit: Visit) -> Activity:
    """What happened; raises NotFound where the console does not know."""
    found = visit.options.activity
    if found is None:
        raise NotFound("This console knows no activity: it was started without Kafka.")
    return found


def listed(visit: Here, filters: Annotated[Asked, Query()]) -> Response:
    """The newest outcomes that fit; htmx asks for the list alone when something new is told."""
    if visit.options.activity is None:
        return visit.page("activity_unknown.html")
    activity, now = activity_of(visit), visit.options.clock()
    wanted, mistakes = filters.wanted(app_of(visit), now)
    wrong = {one.field: one.text for one in mistakes}
    rows = [] if wrong else activity.outcomes.newest(wanted, limit=PAGE + 1, before=filters.before)
    facts: dict[str, Any] = {
        "filters": filters, "wrong": wrong, "rows": rows[:PAGE], "more": rows[PAGE - 1].row if len(rows) > PAGE else 0,
        "base": base_of(visit), "of_app": app_of(visit), "outcomes": OUTCOMES, "reasons": REASONS, "notes": NOTES,
        "interactions": INTERACTIONS, "user_shown": lambda user: user_shown(visit, user),
        "lately": activity.lately(app_of(visit), int(now * 1000)),
    }
    if visit.partial:
        return visit.part("activity_rows.html", **facts)
    return visit.page(
        "activity.html", 422 if wrong else 200, **facts, condition=activity.results.condition,
        live=not filters.before and not wrong)


class Known(NamedTuple):
    """The facts of an event, from wherever it is known."""

    user: str
    prompt: str
    interaction: str
    happened: int


def show(visit: Here, event: str) -> Response:
    """The time line of one event: outcomes, what is open and why, letters."""
    if not app_of(visit):
        raise NotFound("An event belongs to an app: open it from there.")
    activity = activity_of(visit)
    results = activity.outcomes.of_event(visit.app, event)
    accounts = activity.chains.of_event(visit.app, event)
    letters = _letters(visit, event)
    if not results and not accounts and not letters:
        return visit.page("event_unknown.html", 404, event=event, base=base_of(visit),
                          since=activity.lately(app_of(visit), int(visit.options.clock() * 1000)).since)
    known = _known(results, letters)
    return visit.page(
        "event.html", event=event, runs=timeline(results), accounts=accounts, letters=letters, known=known,
        user=user_shown(visit, known.user or next((one.record.user_id for one in accounts), "")), base=base_of(visit),
        outcomes=OUTCOMES, reasons=REASONS, notes=NOTES, letter_states=STATES, interactions=INTERACTIONS)


def _known(results: list[ActionResult], letters: list[Entry]) -> Known:
    for one in results:
        return Known(one.user_id, one.prompt_id, one.interaction, one.event_time)
    for letter in letters:
        return Known(letter.user, letter.prompt, "", 0)
    return Known("", "", "", 0)


def _letters(visit: Visit, event: str) -> list[Entry]:
    if visit.options.letters is None or not visit.may(Permission.SEE_DEAD_LETTERS):
        return []
    with at_desk(visit) as desk:
        return desk.list(Selection(app=visit.app, event=event), limit=20)


# live


async def stream(visit: Here) -> Response:
    """Tells the browser that there is something new, so that it asks for the list again."""
    activity = visit.options.activity
    if activity is None or activity.closing:
        return Response(status_code=204)  # whereupon browsers do not come again
    if activity.streams >= MOST_STREAMS:
        return Response(status_code=503)
    return StreamingResponse(_words(activity, app_of(visit)), media_type="text/event-stream",
                             headers={"X-Accel-Buffering": "no"})


async def _words(activity: Activity, app: str) -> AsyncIterator[str]:
    activity.streams += 1
    try:
        seen, end, sign = activity.new[app], time.monotonic() + activity.life, time.monotonic() + SIGN_EVERY
        yield "retry: 2000\n: here\n\n"
        while time.monotonic() < end and not activity.closing:
            await asyncio.sleep(LOOK_EVERY)
            if activity.new[app] != seen:
                seen = activity.new[app]
                yield f"event: changed\ndata: {seen}\n\n"
            elif time.monotonic() > sign:
                sign = time.monotonic() + SIGN_EVERY
                yield ": here\n\n"
    finally:
        activity.streams -= 1
