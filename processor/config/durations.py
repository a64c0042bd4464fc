"""Lengths of time as people write them: `90s`, `15m`, `3d`."""

from __future__ import annotations

import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
EXAMPLES = "a number with a unit: 500ms, 90s, 15m, 12h, 3d or 2w"
_FORM = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d|w)\s*", re.ASCII)

SCHEMA = {
    "type": "string", "format": "length-of-time",
    "pattern": r"^\s*[0-9]{1,12}(\.[0-9]{1,9})?\s*(ms|s|m|h|d|w)\s*$",
}
"""A length of time in JSON Schema."""


def seconds(text: str) -> float:
    """The seconds that `text` means; raises ValueError where it is no length of time."""
    match = _FORM.fullmatch(text)
    if not match:
        raise ValueError(f"no length of time; write {EXAMPLES}")
    return float(match[1]) * UNITS[match[2]]


def spoken(value: float) -> str:
    """`value` seconds in the largest unit that gives a whole number."""
    for unit in ("w", "d", "h", "m", "s"):
        count = value / UNITS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{value * 1000:g}ms" if value < 1 else f"{value:g}s"
