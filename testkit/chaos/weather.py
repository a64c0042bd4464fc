"""What befalls whom and when: drawn from a seed, so that a storm can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal, NamedTuple

SLOTS = 4
"""Processors at most."""
Kind = Literal["kill", "halt", "end", "start", "stop", "outage", "broker_halt", "broker_kill"]
SHARES: tuple[tuple[Kind, float], ...] = (
    ("halt", 0.12), ("end", 0.08), ("stop", 0.04), ("start", 0.06), ("outage", 0.04), ("broker_halt", 0.03),
    ("broker_kill", 0.015),
)
"""How often each strikes beside a kill."""


class Blow(NamedTuple):
    """One thing that befalls somebody."""

    at: float
    """Seconds since the beginning."""
    kind: Kind
    slot: int
    """Which processor."""
    lasts: float
    """Of a halt or an outage: seconds; of a kill or end: until it is started again."""
    vendor: str = ""


VENDORS = ("custom_api", "sendgrid", "zendesk", "stripe", "mixpanel")


def storm(seed: int, kills: int, seconds: float) -> list[Blow]:
    """As many kills as wanted, evenly over the time but for chance, and everything else between them."""
    draw = Random(f"storm {seed}")  # noqa: S311 - trouble is drawn, not a secret
    gap = seconds / max(kills, 1)
    found: list[Blow] = []
    for number in range(kills):
        at = (number + draw.random()) * gap
        found.append(Blow(at, "kill", draw.randrange(SLOTS), draw.random() * 1.5))
        found += _besides(draw, at, gap)
    return sorted(found)


def _besides(draw: Random, at: float, gap: float) -> Iterator[Blow]:
    for kind, share in SHARES:
        if draw.random() < share:
            lasts = 1 + draw.random() * (3 if kind == "broker_halt" else 5)
            yield Blow(at + draw.random() * gap, kind, draw.randrange(SLOTS), lasts, draw.choice(VENDORS))
