"""That a change was asked for by a page of ours: a token that only our pages know, and the browser's own word."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request

from console.security.sessions import session_of

FIELD = "csrf"
HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def forgery(request: Request, form: FormData, base_url: str = "") -> str:
    """Why a change must be refused; "" where it came from a page of ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "the request comes from another site"
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc not in _own(request, base_url):
        return "the request comes from a page of another origin"
    given = request.headers.get(HEADER) or form.get(FIELD) or ""
    known = session_of(request).csrf
    if not isinstance(given, str) or not known or not hmac.compare_digest(given.encode(), known.encode()):
        return "the form is too old, or not one of ours"
    return ""


def _own(request: Request, base_url: str) -> set[str]:
    return {request.headers.get("host", ""), urlsplit(base_url).netloc} - {""}
