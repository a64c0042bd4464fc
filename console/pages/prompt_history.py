"""What became of a prompt, version by version; an earlier one is brought back as a draft."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from console.editing import part_of
from console.prompts import draft
from console.prompts.draft import Draft
from console.prompts.page import page
from console.security.refusals import NotFound
from console.visit import Here, Visit
from processor.config.content_changes import Change, changes
from processor.config.store import Version

LOOKED_AT = 6
"""Versions of the app that one page looks at: each has to be read whole, which takes 10 ms for 5,000 prompts."""


class Past(NamedTuple):
    """A version in which the prompt changed."""

    version: Version
    changes: Sequence[Change]
    is_there: bool
    """Whether the prompt is there in it."""


def show(visit: Here, prompt: str, before: int = 0) -> Response:
    """The newest changes first."""
    live = draft.live_of(visit, prompt)
    current = visit.version.number
    start = min(before - 1, current) if before > 0 else current
    past = list(_past(visit, prompt, start))
    if live is None and not past and before == 0:
        raise NotFound(f"There is no prompt '{prompt}' in {visit.app_title}, and none is remembered.")
    oldest = start - LOOKED_AT
    more = oldest if oldest > 0 and visit.options.store.version(visit.app, oldest) is not None else 0
    return page(visit, Draft(prompt, live, current, live), "prompt_history.html", past=past, current=current,
                more=more + 1 if more else 0, looked_at=LOOKED_AT)


def _past(visit: Visit, prompt: str, start: int) -> Iterator[Past]:
    newer = visit.options.store.version(visit.app, start)
    for number in range(start - 1, start - LOOKED_AT - 1, -1):
        if newer is None:
            return
        older = visit.options.store.version(visit.app, number) if number > 0 else None
        after, before = _prompt(newer, prompt), _prompt(older, prompt)
        if after != before and (older is not None or newer.number == 1):
            yield Past(newer, changes(before, after), after is not None)
        newer = older


def _prompt(version: Version | None, prompt: str) -> Any:
    return part_of(version.content if version else None, ("prompts", prompt))
