"""How a request that is not answered as asked is told: as a page, as a redirect, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from console.letters import Busy
from console.security.csrf import SAFE
from console.security.guard import API
from console.security.refusals import Conflict, Refusal, SignInFirst
from console.visit import Console
from processor.audit.topic import AuditError
from processor.config.errors import ConfigErrors
from processor.config.store import ReadOnlyError, StoreError
from processor.dead_letters import DeskError
from processor.kafka.reader import LogError

PROBLEM = "application/problem+json"
BESIDE = {"HX-Retarget": "#notice", "HX-Reselect": "[role=alert]", "HX-Reswap": "innerHTML show:window:top"}
"""For htmx: what was typed stays on the page, and why it was not taken stands above it."""


def install(app: FastAPI) -> None:
    """Tell each refusal in the form that its asker reads."""
    app.add_exception_handler(SignInFirst, _sign_in)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(ConfigErrors, _unsound)
    app.add_exception_handler(StoreError, _no_store)
    app.add_exception_handler(DeskError, _not_now)
    app.add_exception_handler(Busy, _not_now)
    app.add_exception_handler(LogError, _no_kafka)
    app.add_exception_handler(AuditError, _no_audit)
    app.add_exception_handler(ReadOnlyError, _read_only)


def _sign_in(request: Request, refusal: Exception) -> Response:
    path = f"/sign-in?next={quote(str(refusal), safe='/')}"
    if _is_htmx(request):
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def _refused(request: Request, refusal: Exception) -> Response:
    status, title = getattr(refusal, "status", 400), getattr(refusal, "title", "That did not work")
    return told(request, status, title, str(refusal), getattr(refusal, "fields", None))


def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    words = {404: ("Not found", "There is no such page."), 405: ("Not allowed", "That cannot be done here.")}
    title, text = words.get(status, ("That did not work", str(getattr(error, "detail", ""))))
    return told(request, status, title, text)


def _unreadable(request: Request, error: Exception) -> Response:
    """What FastAPI found; the input itself is not repeated, since it may hold a secret."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    fields = {".".join(map(str, one["loc"][1:])): one["msg"] for one in found}
    return told(request, 422, "Not taken", "Some values cannot be taken.", fields)


def _unsound(request: Request, error: Exception) -> Response:
    found = error.errors if isinstance(error, ConfigErrors) else ()
    fields = {one.field or one.file: one.said for one in found}
    return told(request, 422, "Not taken", "This would be no sound configuration; nothing was changed.", fields)


def _no_store(request: Request, error: Exception) -> Response:
    return told(request, 503, "The configuration cannot be reached", f"{error}. Nothing was changed; try again.")


def _not_now(request: Request, error: Exception) -> Response:
    return told(request, Conflict.status, Conflict.title, str(error))


def _no_kafka(request: Request, error: Exception) -> Response:
    return told(request, 503, "Kafka cannot be reached", f"{error}. Nothing was changed; try again.")


def _no_audit(request: Request, error: Exception) -> Response:
    return told(request, 503, "Not done", f"It could not be written to the audit: {error}. Try again.")


def _read_only(request: Request, _error: Exception) -> Response:
    return told(request, 409, "Read-only here", "The configuration is files under version control: change it there."
                " Nothing was changed.")


def told(request: Request, status: int, title: str, text: str, fields: Mapping[str, str] | None = None) -> Response:
    """A refusal as a page, or as JSON (RFC 9457) where the API was asked."""
    if request.url.path.startswith(API):
        body = {"type": "about:blank", "title": title, "status": status, "detail": text}
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({**body, "errors": fields} if fields else body, status, headers, PROBLEM)
    return _page(request, status, title, text, fields or {})


def _page(request: Request, status: int, title: str, text: str, fields: Mapping[str, str]) -> Response:
    """What went wrong and where to go on; a part of a page gets the message alone."""
    console: Console = request.app.state.console
    template = "refused_part.html" if _is_htmx(request) else "refused.html"
    page = console.faces.render(template, visit=None, notice="", title=title, text=text, fields=fields)
    beside = BESIDE if _is_htmx(request) and request.method not in SAFE else None
    return HTMLResponse(page, status, beside)


def _is_htmx(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"
