"""Static files, which browsers keep, and the sign that the console lives."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from console.faces import statics
from console.security.refusals import NotFound

FOREVER = "public, max-age=31536000, immutable"


async def static(name: str) -> Response:
    """A static file; its address changes with it, so it is kept for ever."""
    found = statics().get(name)
    if found is None:
        raise NotFound(f"There is no file '{name}'.")
    return Response(found.body, headers={"Content-Type": found.kind, "Cache-Control": FOREVER})


async def icon() -> Response:
    """For browsers that ask without being told where it is."""
    return await static("icon.svg")


async def healthy() -> Response:
    """Whether the console answers; for whoever restarts it."""
    return JSONResponse({"healthy": True})
