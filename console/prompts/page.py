"""The frame that all pages of one prompt share: its draft, its addresses, what the visitor may do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from console.prompts.draft import Draft
from console.visit import Visit
from console.words import INTERACTIONS
from processor.access import Permission


def path_of(visit: Visit, prompt: str) -> str:
    """The address of a prompt's page."""
    return f"/apps/{visit.app}/prompts/{quote(prompt)}"


def may_change(visit: Visit) -> bool:
    """Whether the visitor may change prompts here."""
    return visit.may(Permission.CHANGE_BINDINGS) and not visit.options.store.read_only


def page(visit: Visit, now: Draft, view: str, status: int = 200, **facts: Any) -> Response:
    """A page of the prompt; `view` is the template of its inner part."""
    name = quote(now.prompt)
    return visit.page(
        "prompt.html", status, view=view, draft=now, title=now.now.get("title") or now.prompt,
        interactions=INTERACTIONS, path=path_of(visit, now.prompt), try_path=f"/apps/{visit.app}/try/{name}",
        history_path=f"/apps/{visit.app}/prompt-history/{name}", may_change=may_change(visit), **facts)
