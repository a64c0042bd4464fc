"""Where a visit begins: the app that was last looked at, else the first one."""

from __future__ import annotations

from starlette.responses import Response

from console.security.paths import local
from console.visit import Here

THEMES = ("auto", "light", "dark")
THEME = "prompt-actions-theme"
YEAR = 31_536_000


def home(visit: Here) -> Response:
    """Go to the first app of the visitor; to the page of apps where there is none."""
    apps = visit.apps
    return visit.to(f"/apps/{apps[0]}/connectors") if apps else visit.to("/apps")


def theme(visit: Here) -> Response:
    """Dark or light, remembered in a cookie of its own."""
    wanted = visit.text("theme")
    response = visit.to(local(visit.text("back")))
    if wanted in THEMES:
        response.set_cookie(THEME, wanted, max_age=YEAR, path="/", samesite="lax", secure=visit.console.https)
    return response
