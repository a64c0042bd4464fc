"""The audit: who did what, when, with before and after; secrets never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from console.visit import Here, Visit
from processor.access import ANY_APP, Permission
from processor.config.content_changes import Change, changes, said

READ = 2000
SHOWN = 100


class Line(NamedTuple):
    """One record, for the page."""

    at: int
    by: str
    did: str
    app: str
    subject: str
    why: str
    changes: Sequence[Change]


def page(visit: Here, by: str = "", did: str = "", q: str = "", skip: int = 0) -> Response:
    """The newest records that fit; company-wide ones for those who may see the company's."""
    read = visible(visit)
    found = [one for one in read if fits(one, by, did, q)]
    skip = max(skip, 0)
    return visit.page(
        "audit.html", lines=[_line(one) for one in found[skip:skip + SHOWN]], by=by, did=did, q=q, skip=skip,
        more=skip + SHOWN if len(found) > skip + SHOWN else 0, shown=SHOWN,
        words=sorted({str(one.get("did", "")) for one in read} - {""}))


def visible(visit: Visit) -> list[Mapping[str, Any]]:
    """The newest records about the app, and about the company for eyes that see it."""
    apps = (visit.app, "", None) if visit.may(Permission.SEE_AUDIT, ANY_APP) else (visit.app,)
    return [one for one in visit.options.audit.newest(READ) if one.get("app") in apps]


def fits(record: Mapping[str, Any], by: str, did: str, words: str) -> bool:
    """Whether a record is one of those asked for."""
    if by and by.lower() not in str(record.get("by", "")).lower():
        return False
    if did and record.get("did") != did:
        return False
    text = " ".join(map(str, record.values())).lower() if words else ""
    return all(word in text for word in words.lower().split())


def _line(record: Mapping[str, Any]) -> Line:
    return Line(int(record.get("at", 0)), str(record.get("by", "")), str(record.get("did", "")),
                str(record.get("app", "")), str(record.get("subject", "")), str(record.get("why", "")),
                _changes(record))


def _changes(record: Mapping[str, Any]) -> list[Change]:
    """What the record says of it: differences that were noted then, else those of its before and after."""
    after = record.get("after") or {}
    noted = after.get("changes")
    if isinstance(noted, list):
        return [_noted(one) for one in noted if isinstance(one, Mapping)]
    return changes(record.get("before") or {}, after)


def _noted(one: Mapping[str, Any]) -> Change:
    where = " ".join(str(one[name]) for name in ("part", "name") if one.get(name))
    kind = str(one.get("kind") or "")
    what = f"{where} {one.get('what') or ''}".strip()
    if kind in ("added", "removed"):
        return Change(f"{what} {kind}".strip(), said(one.get("before")), said(one.get("after")))
    return Change(what, said(one.get("before")), said(one.get("after")))
