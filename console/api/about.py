"""The description of the API, for programs and for people."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from console.visit import Here


def openapi(visit: Here) -> Response:
    """OpenAPI 3.1; tells no more than the documentation does."""
    return JSONResponse(visit.request.app.openapi())


def page(visit: Here) -> Response:
    """What there is, by path, with the scope that each asks for."""
    found: list[dict[str, Any]] = [
        {"method": method.upper(), "path": path, "summary": one.get("summary", ""), "needs": one.get("description", "")}
        for path, methods in visit.request.app.openapi()["paths"].items() for method, one in methods.items()]
    return visit.page("api.html", operations=found)
