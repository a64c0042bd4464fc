"""One version of an app's configuration, as it travels."""

from __future__ import annotations

from typing import NamedTuple


class ConfigVersion(NamedTuple):
    """Field for field the Avro record ConfigVersion."""

    name: str
    """The app's id, or `@company`."""
    number: int
    """From 1, without gaps."""
    digest: str
    at: int
    """Milliseconds since 1970."""
    by: str = ""
    note: str = ""
    content: bytes | None = None
    """JSON; None where the app was removed."""
