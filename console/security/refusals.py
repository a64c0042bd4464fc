"""Why a request is not answered as asked, and how that is told: as a page, as a redirect, as JSON."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from processor.config.errors import ConfigErrors
from processor.config.store import ReadOnlyError, StoreError

PROBLEM = "application/problem+json"


class Refusal(Exception):
    """A request that is not answered as asked; the text is for the person who made it."""

    status = 400
    title = "That did not work"


class Unauthorised(Refusal):
    """No token, or none of ours."""

    status = 401
    title = "No valid token"


class Forbidden(Refusal):
    """Their role does not have it, or it was not they who asked."""

    status = 403
    title = "Not allowed"


class NotFound(Refusal):
    """There is no such thing."""

    status = 404
    title = "Not found"


class Conflict(Refusal):
    """Somebody else changed it meanwhile."""

    status = 409
    title = "Changed meanwhile"


class Invalid(Refusal):
    """What was sent cannot be taken."""

    status = 422
    title = "Not taken"


class SignInFirst(Exception):
    """Nobody is signed in; the text is where to go on afterwards."""


def install(app: FastAPI) -> None:
    """Tell each refusal in the form that its asker reads."""
    app.add_exception_handler(SignInFirst, _sign_in)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(ConfigErrors, _unsound)
    app.add_exception_handler(StoreError, _no_store)
    app.add_exception_handler(ReadOnlyError, _read_only)


def _sign_in(request: Request, refusal: Exception) -> Response:
    path = f"/sign-in?next={quote(str(refusal), safe='/')}"
    if request.headers.get("HX-Request") == "true":
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
    fields = {one.field or one.file: f"{one.message} ({one.hint})" if one.hint else one.message for one in found}
    return told(request, 422, "Not taken", "This would be no sound configuration; nothing was changed.", fields)


def _no_store(request: Request, error: Exception) -> Response:
    return told(request, 503, "The configuration cannot be reached", f"{error}. Nothing was changed; try again.")


def _read_only(request: Request, error: Exception) -> Response:  # noqa: ARG001 - its words are those of the store
    return told(request, 409, "Read-only here", "The configuration is files under version control: change it there."
                " Nothing was changed.")


def told(request: Request, status: int, title: str, text: str, fields: dict[str, str] | None = None) -> Response:
    """A refusal as a page, or as JSON (RFC 9457) where the API was asked."""
    if request.url.path.startswith("/api/"):
        body = {"type": "about:blank", "title": title, "status": status, "detail": text}
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({**body, "errors": fields} if fields else body, status, headers, PROBLEM)
    from console.pages.refused import refused  # noqa: PLC0415 - pages stand above this module

    return refused(request, status, title, text, fields)
