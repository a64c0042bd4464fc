"""What a candidate is told: where the topics and the vendor are, and how much may be in flight."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

VARIABLE = "BENCH_TASK"


class Task(NamedTuple):
    """One run of one candidate, handed over in the environment."""

    servers: str
    group: str
    interactions: str
    attributes: str
    results: str
    url: str
    in_flight: int
    steps: int = 1
    """Calls an event, one after another."""
    items: int = 1
    """Events a call."""
    users: int = 5000
    """Whose attributes are known."""

    @classmethod
    def given(cls, environment: Mapping[str, str]) -> Task:
        """The task in the environment."""
        return cls(**json.loads(environment[VARIABLE]))

    def environment(self) -> dict[str, str]:
        """The environment that hands it over."""
        return {VARIABLE: json.dumps(self._asdict())}
