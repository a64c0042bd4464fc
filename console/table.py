"""Makes routes of a table: a route that is not in it is not there, and none is without its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.responses import HTMLResponse

from console.security.guard import API, Open, Rule, guard

BEARER = HTTPBearer(auto_error=False, description="A token that a Company administrator made.")
NEEDS = {Open.ANYBODY: "Needs no token.", Open.SIGNED_IN: "Needs a token, with any scope."}
"""What routes ask for that no permission guards."""
REFUSALS: dict[int | str, str] = {
    401: "No valid token", 403: "Not allowed", 404: "Not found", 409: "Changed meanwhile", 422: "Not taken",
    503: "Kafka cannot be reached",
}
PROBLEM = {
    "type": "object", "required": ["title", "status", "detail"], "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}, "description": "By field."},
    },
}


class Entry(NamedTuple):
    """One route, and what it asks of whoever takes it."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    rule: Rule
    """A permission, in the app that the path names; or who may take it without one."""
    summary: str = ""
    """For the API's description."""
    status: int = 200
    suffix: str = ""
    """Of its name, where an endpoint has several routes: the API's description tells them apart by it."""


def install(app: FastAPI, entries: Iterable[Entry]) -> None:
    """Give the app these routes, each behind its guard."""
    for one in entries:
        if one.path.startswith(API):
            _api(app, one)
        else:
            app.add_api_route(one.path, one.endpoint, methods=[one.method], dependencies=[Depends(guard(one.rule))],
                              include_in_schema=False, response_class=HTMLResponse, response_model=None,
                              name=_name(one))


def _api(app: FastAPI, one: Entry) -> None:
    needs = NEEDS[one.rule] if isinstance(one.rule, Open) else f"Needs the scope `{one.rule.value}`."
    app.add_api_route(
        one.path, one.endpoint, methods=[one.method], summary=one.summary, description=needs, status_code=one.status,
        dependencies=[Depends(guard(one.rule)), Security(BEARER)], operation_id=_name(one), name=_name(one),
        responses={status: {"description": text, "content": {"application/problem+json": {"schema": PROBLEM}}}
                   for status, text in REFUSALS.items()},
    )


def _name(one: Entry) -> str:
    return f"{one.endpoint.__module__.rpartition('.')[2]}_{one.endpoint.__name__}{one.suffix}"
