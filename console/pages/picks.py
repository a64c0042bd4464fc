"""What there is to pick for a field, read from the vendor once the page is there; the field takes any text."""

from __future__ import annotations

import re

from starlette.responses import Response

from console.pages.asked import connector_of
from console.prompts.picks import picked
from console.security.refusals import NotFound
from console.visit import Here

FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,199}")


def part(visit: Here, connector: str, name: str, field: str = "picks") -> Response:
    """The list of a field, and a word beside it."""
    one = connector_of(visit, connector)
    if name not in one.options or not FIELD.fullmatch(field):
        raise NotFound(f"{one.title} has no list '{name}'.")
    return visit.part("prompt_picks.html", found=picked(visit, one, name), connector=one, field=field)
