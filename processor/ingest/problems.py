"""What is wrong with a request, as RFC 9457 has it: `application/problem+json`, each mistake with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from processor.avro.jsonform import Problem

MEDIA_TYPE = "application/problem+json"
SHOWN = 50
"""Mistakes that are told at once."""


class Wrong(NamedTuple):
    """One mistake in a body."""

    at: str
    """A JSON pointer."""
    what: str
    allowed: str = ""
    nearest: str = ""


class Refusal(Exception):
    """A request that is not taken; nothing of it was published, unless its detail says so."""

    def __init__(
        self, status: int, code: str, detail: str, wrong: Iterable[Wrong] = (), *, retry_after: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.wrong = tuple(wrong)
        self.headers = dict(headers or {})
        if retry_after:
            self.headers["Retry-After"] = str(retry_after)

    def response(self) -> Response:
        """As HTTP has it."""
        body: dict[str, Any] = {"type": f"urn:prompt-actions:{self.code}", "title": self.code.replace("_", " "),
                                "status": self.status, "detail": self.detail}
        if self.wrong:
            body["errors"] = [{name: value for name, value in one._asdict().items() if value or name == "at"}
                              for one in self.wrong[:SHOWN]]
        return Response(orjson.dumps(body), self.status, self.headers, MEDIA_TYPE)


def wrong_at(base: str, problem: Problem) -> Wrong:
    """A problem of a record's form, with its place in the body."""
    where = "/".join(map(escaped, problem.field.split(".", 1)))
    return Wrong(f"{base}/{where}", problem.what, problem.allowed, problem.nearest)


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer."""
    safe = name.encode("utf-8", "replace").decode()
    return safe.replace("~", "~0").replace("/", "~1")[:200]
