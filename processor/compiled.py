"""Whether the hot path that runs was compiled: the same sources, as C or interpreted."""

from __future__ import annotations

from processor.engine import loop


def engine() -> str:
    """`compiled` or `interpreted`."""
    return "interpreted" if str(loop.__file__).endswith(".py") else "compiled"
