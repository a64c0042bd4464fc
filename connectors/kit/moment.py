"""Times as vendors write them, in seconds since 1970."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any


def moment(value: Any) -> float:
    """Seconds since 1970 of a time in ISO 8601 (without an offset: UTC) or in seconds; 0 where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0.0
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return _iso(str(value))
    return seconds if math.isfinite(seconds) else 0.0


def _iso(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
