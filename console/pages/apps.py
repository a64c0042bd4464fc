"""The apps: which there are, and a new one."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from console import editing
from console.security.refusals import Conflict
from console.visit import Here, Visit
from processor.access import Permission
from processor.config.errors import ConfigErrors


class Listed(NamedTuple):
    """One app, for the page."""

    id: str
    title: str
    version: int
    at: int
    by: str
    connectors: int
    prompts: int


def page(visit: Here) -> Response:
    """The apps that the visitor has any right in."""
    return _page(visit)


def _page(visit: Visit, status: int = 200, error: str = "") -> Response:
    return visit.page("apps.html", status, error=error, apps=[_listed(visit, one) for one in visit.apps],
                      can_make=visit.may(Permission.CHANGE_APPS) and not visit.options.store.read_only,
                      typed={name: visit.text(name) for name in ("id", "title")})


def _listed(visit: Visit, name: str) -> Listed:
    version = visit.console.reads.current(name)
    if version is None:
        return Listed(name, name, 0, 0, "", 0, 0)
    content = version.content or {}
    return Listed(name, visit.title_of(name), version.number, version.at, version.by,
                  len(content.get("connectors") or {}), len(content.get("prompts") or {}))


def make(visit: Here) -> Response:
    """Make an app, empty at first."""
    name, title = visit.text("id").strip(), visit.text("title").strip()
    content = {"app": {"title": title or name}, "connectors": {}, "prompts": {}}
    try:
        editing.make_app(visit, name, content)
    except Conflict as refused:
        return _page(visit, 409, str(refused))
    except ConfigErrors as found:
        return _page(visit, 422, "; ".join(one.said for one in found.errors))
    return visit.to(f"/apps/{name}/connectors", f"{title or name} is made. Set up its first connector.")
