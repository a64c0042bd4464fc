"""Where a visitor may be sent: to pages of ours only."""

from __future__ import annotations

import re

HOME = "/"
_LOCAL = re.compile(r"/(?![/\\])[\w\-./~%?=&+,:@!$*();]*", re.ASCII)


def local(path: str | None, default: str = HOME) -> str:
    """`path` where it is a path of this console, else `default`: no address of somebody else's is followed."""
    if not path or "\\" in path or not _LOCAL.fullmatch(path):
        return default
    return default if path.startswith("/sign-") else path
