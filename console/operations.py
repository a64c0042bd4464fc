"""The routes of those who watch and mend: dead letters, replays, activity, health; of one app, and of all together."""

from __future__ import annotations

from collections.abc import Iterator

from console.api import activity as activity_api
from console.api import letters as letters_api
from console.pages import activity, dead_letters, health, replays
from console.table import Entry
from processor.access import Permission

SEE, CLOSE, REPLAY = Permission.SEE_DEAD_LETTERS, Permission.CLOSE_DEAD_LETTERS, Permission.REPLAY


def _pages(base: str) -> Iterator[Entry]:
    yield Entry("GET", f"{base}/activity", activity.listed, Permission.SEE_ACTIVITY)
    yield Entry("GET", f"{base}/activity-stream", activity.stream, Permission.SEE_ACTIVITY)
    yield Entry("GET", f"{base}/health", health.show, Permission.SEE_HEALTH)
    letters, letter, run = f"{base}/dead-letters", f"{base}/dead-letters/{{letter}}", f"{base}/replays/{{run}}"
    yield Entry("GET", letters, dead_letters.listed, SEE)
    yield Entry("POST", f"{letters}/close", dead_letters.close, CLOSE)
    yield Entry("GET", f"{base}/closings/{{work}}", dead_letters.closing, SEE)
    yield Entry("POST", f"{base}/closings/{{work}}/stop", dead_letters.stop_closing, CLOSE)
    yield Entry("GET", letter, dead_letters.show, SEE)
    yield Entry("POST", f"{letter}/reveal", dead_letters.unmask, Permission.REVEAL_PAYLOADS)
    yield Entry("POST", f"{letter}/edit", replays.edit, REPLAY)
    yield Entry("GET", f"{base}/replays", replays.listed, SEE)
    yield Entry("POST", f"{base}/replays", replays.plan, REPLAY)
    yield Entry("GET", run, replays.show, SEE)
    yield Entry("POST", f"{run}/start", replays.start, REPLAY)
    yield Entry("POST", f"{run}/stop", replays.stop, REPLAY)
    yield Entry("POST", f"{run}/abandon", replays.abandon, REPLAY)


def _api(base: str, where: str, suffix: str = "") -> Iterator[Entry]:
    letters, letter, run = f"{base}/dead-letters", f"{base}/dead-letters/{{letter}}", f"{base}/replays/{{run}}"
    api, happened = letters_api, activity_api
    for method, path, endpoint, rule, summary, status in (
        ("GET", letters, api.listed, SEE, "Dead letters", 200),
        ("GET", f"{letters}/counts", api.counted, SEE, "How many letters failed alike", 200),
        ("POST", f"{letters}/close", api.close, CLOSE, "Close letters", 202),
        ("GET", f"{base}/closings/{{work}}", api.closing, SEE, "How far a closing is", 200),
        ("GET", letter, api.show, SEE, "One dead letter, masked", 200),
        ("POST", f"{letter}/reveal", api.unmask, Permission.REVEAL_PAYLOADS, "One dead letter; audited", 200),
        ("GET", f"{base}/replays", api.runs, SEE, "Runs of replays", 200),
        ("POST", f"{base}/replays", api.plan, REPLAY, "Plan a replay", 202),
        ("GET", run, api.run, SEE, "A run of replays", 200),
        ("POST", f"{run}/start", api.start, REPLAY, "Make a run, or go on with it", 202),
        ("POST", f"{run}/stop", api.stop, REPLAY, "Stop a run", 200),
        ("POST", f"{run}/abandon", api.abandon, REPLAY, "Forget a plan, or give a run up", 200),
        ("GET", f"{base}/outcomes", happened.outcomes, Permission.SEE_ACTIVITY, "The newest outcomes", 200),
        ("GET", f"{base}/health", happened.health, Permission.SEE_HEALTH, "Whether all is well", 200),
    ):
        yield Entry(method, path, endpoint, rule, f"{summary}, {where}", status, suffix)


OPERATIONS: tuple[Entry, ...] = (
    *_pages("/apps/{app}"), *_pages(""),
    Entry("GET", "/apps/{app}/activity/{event:path}", activity.show, Permission.SEE_ACTIVITY),
    Entry("POST", "/health/books", health.draw_up, Permission.SEE_HEALTH),
    *_api("/api/v1/apps/{app}", "of an app"), *_api("/api/v1", "of all apps", "_of_all_apps"),
    Entry("GET", "/api/v1/apps/{app}/events/{event:path}", activity_api.event, Permission.SEE_ACTIVITY,
          "What is known of an event"),
    Entry("GET", "/api/v1/books", activity_api.books, Permission.SEE_HEALTH, "The books that were drawn up last"),
    Entry("POST", "/api/v1/books", activity_api.draw_up, Permission.SEE_HEALTH, "Draw up the books", 202),
    Entry("POST", "/health/books/stop", health.stop_drawing, Permission.SEE_HEALTH),
)
"""Letters that could not be read belong to no app: only the pages of all apps show them."""
