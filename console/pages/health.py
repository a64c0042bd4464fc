"""Health: one sentence, then age and lag, connectors, what waits, the processors, the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from console.health import Facts, Health, Reading, judge
from console.pages.letter_scope import app_of, base_of
from console.security.refusals import Invalid, NotFound
from console.visit import Here, Visit
from processor.waiting import Group

CAUSES: Mapping[str, str] = {
    "retry": "A further try", "limit": "Room at the vendor", "circuit": "A vendor that is down",
    "settings": "Settings to be mended", "attributes": "Attributes not synced", "order": "An earlier chain of the user",
}
HOURS = (1.0, 24.0, 168.0)


class Line(NamedTuple):
    """One connector in use."""

    id: str
    title: str
    app: str
    active: bool
    rate: float
    concurrency: int
    waiting: Sequence[Group]
    busy: int | None
    """Calls under way, of all apps; None where no processor was asked."""
    open_circuits: int


def show(visit: Here) -> Response:
    """The page."""
    if visit.options.health is None:
        return visit.page("health_unknown.html")
    return visit.page("health.html", **facts_of(visit))


def facts_of(visit: Visit) -> dict[str, Any]:
    """All that the page and the API tell."""
    health = health_of(visit)
    now, activity = visit.options.clock(), visit.options.activity
    ages = activity.lately(app_of(visit), int(now * 1000)).ages if activity else None
    waiting = waiting_of(visit)
    titles = {one.id: one.title for one in visit.options.known.values()}
    conditions = (activity.results.condition, activity.open.condition) if activity else ()
    trouble = next((one.trouble for one in conditions if one.trouble), "")
    findings = judge(Facts(health.reading, waiting, ages, health.books, titles, trouble, base_of(visit), now))
    return {
        "findings": findings, "reading": health.reading, "ages": ages, "waiting": waiting, "causes": CAUSES,
        "titles": titles, "lines": _lines(visit, health.reading, waiting), "base": base_of(visit), "now": now,
        "of_app": app_of(visit), "books": health.books, "drawing": next(iter(health.works.all("books")), None),
        "hours": HOURS,
    }


def health_of(visit: Visit) -> Health:
    """What watches; raises NotFound where there is nothing."""
    found = visit.options.health
    if found is None:
        raise NotFound("This console knows no health: it was started without Kafka.")
    return found


def waiting_of(visit: Visit) -> Sequence[Group]:
    """What waits in the app, or in all."""
    if visit.options.activity is not None:
        return visit.options.activity.waiting(app_of(visit))
    apps = [app_of(visit)] if app_of(visit) else visit.console.reads.names()
    return [one for app in apps for one in visit.options.waiting(app)]


def _lines(visit: Visit, reading: Reading, waiting: Sequence[Group]) -> list[Line]:
    office = visit.options.letters
    configuration = office.configured.configuration if office else None
    found = []
    for name, app in (configuration.apps.items() if configuration else ()):
        if app_of(visit) not in ("", name):
            continue
        for one in app.connectors.values():
            groups = [each for each in waiting if each.app_id == name and each.connector == one.connector.id]
            found.append(Line(one.connector.id, one.connector.title, name, one.active, one.limits.rate,
                              one.limits.concurrency, groups, _told_by(reading, "in_flight_calls", one.connector.id),
                              _told_by(reading, "circuits_open", one.connector.id) or 0))
    return found


def _told_by(reading: Reading, metric: str, connector: str) -> int | None:
    answering = [one for one in reading.processors if one.answers]
    return int(sum(one.by_connector.get((metric, connector), 0) for one in answering)) if answering else None


def draw_up(visit: Here) -> Response:
    """Begin to draw up the books."""
    try:
        hours = float(visit.text("hours") or 24)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 31:
        raise Invalid("Hours: a number above 0, up to 744.")
    health_of(visit).draw_up(visit.name, hours).wait(0.4)
    return visit.to("/health#books")


def stop_drawing(visit: Here) -> Response:
    """Stop it."""
    for one in health_of(visit).works.all("books"):
        one.stop()
        one.wait(0.4)
    return visit.to("/health#books")
