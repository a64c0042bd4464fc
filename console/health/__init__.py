"""Health: is all well, in one sentence, and what it is drawn from."""

from console.health.verdict import Facts, Finding, judge
from console.health.watching import Health, Reading

__all__ = ["Facts", "Finding", "Health", "Reading", "judge"]
