"""The prompts of an app: found by words, a page at a time; and a new one."""

from __future__ import annotations

import re

from starlette.responses import Response

from console import editing
from console.prompts.listing import listing
from console.visit import Here, Visit
from console.words import INTERACTIONS
from processor.access import Permission
from processor.config.errors import ConfigErrors

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
"""Of prompts that are made here; others can be called as apps like."""


def listed(visit: Here, q: str = "", page: int = 1) -> Response:
    """The list."""
    return _page(visit, q, page)


def make(visit: Here) -> Response:
    """Make a prompt without actions; its page is where they are added."""
    name, title = visit.text("id").strip(), visit.text("title").strip()
    if not ID.fullmatch(name):
        return _page(visit, wrong="Letters, digits and _ . : -, a letter or digit first, at most 200: the id that"
                                  " events name the prompt by.", status=422)
    if name in (visit.content.get("prompts") or {}):
        return _page(visit, wrong=f"There is a prompt '{name}' already.", status=409)
    try:
        editing.put(visit, ("prompts", name), {"title": title} if title else {}, base=visit.version.number,
                    note=f"prompt {name}: made")
    except editing.Clash:
        return _page(visit, wrong=f"Somebody else has just made a prompt '{name}'.", status=409)
    except ConfigErrors as found:
        return _page(visit, wrong="; ".join(map(str, found.errors)), status=422)
    return visit.to(f"/apps/{visit.app}/prompts/{name}", f"{title or name} is made. Add its first action.")


def _page(visit: Visit, words: str = "", page: int = 1, *, wrong: str = "", status: int = 200) -> Response:
    content = visit.content
    return visit.page(
        "prompts.html", status, found=listing(content, words, page), q=words, wrong=wrong, interactions=INTERACTIONS,
        typed={name: visit.text(name) for name in ("id", "title")}, any=bool(content.get("prompts")),
        may_make=visit.may(Permission.CHANGE_BINDINGS) and not visit.options.store.read_only,
        has_active=any((one or {}).get("active", True) for one in (content.get("connectors") or {}).values()))
