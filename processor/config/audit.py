"""What the audit says of a version that was applied; secrets never."""

from __future__ import annotations

import socket
from typing import Any

from processor.audit.record import Audited
from processor.config.content import Compiler
from processor.config.content_changes import changes
from processor.config.difference import difference
from processor.config.errors import ConfigErrors
from processor.config.store import COMPANY, Version


def of_version(made: Version, before: Version | None, compiler: Compiler) -> Audited:
    """Who applied it, and what differs from the version before."""
    return Audited(
        made.by, socket.gethostname(), made.at, "removed" if made.content is None else "configured",
        "" if made.name == COMPANY else made.name, f"{made.name}@{made.number}", "", made.note,
        _told(before) if before else {}, {**_told(made), "changes": _changes(made, before, compiler)})


def _told(version: Version) -> dict[str, Any]:
    return {"number": version.number, "digest": version.digest}


def _changes(made: Version, before: Version | None, compiler: Compiler) -> list[dict[str, Any]]:
    earlier = before.content if before else None
    if made.name == COMPANY:
        return [{"app": "", "part": "company", **one._asdict()} for one in changes(earlier, made.content)]
    try:
        old, new = (compiler.alone(made.name, one) for one in (earlier, made.content))
    except ConfigErrors:
        return []  # what was there before does not compile here: its digest stands for it
    return [one._asdict() for one in difference(old, new)]
