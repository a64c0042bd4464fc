"""The routes of those who watch and mend: dead letters, replays, activity, health; of one app, and of all together."""

from __future__ import annotations

from collections.abc import Iterator

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


OPERATIONS: tuple[Entry, ...] = (
    *_pages("/apps/{app}"), *_pages(""),
    Entry("GET", "/apps/{app}/activity/{event:path}", activity.show, Permission.SEE_ACTIVITY),
    Entry("POST", "/health/books", health.draw_up, Permission.SEE_HEALTH),
    Entry("POST", "/health/books/stop", health.stop_drawing, Permission.SEE_HEALTH),
)
"""Letters that could not be read belong to no app: only the pages of all apps show them."""
