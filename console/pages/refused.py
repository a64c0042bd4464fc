"""The page of a request that was not answered as asked."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from console.visit import Console


def refused(request: Request, status: int, title: str, text: str, fields: Mapping[str, str] | None = None) -> Response:
    """Say what went wrong and where to go on; a part of a page gets the message alone."""
    console: Console = request.app.state.console
    template = "refused_part.html" if request.headers.get("HX-Request") == "true" else "refused.html"
    page = console.faces.render(template, visit=None, notice="", title=title, text=text, fields=fields or {})
    return HTMLResponse(page, status)
