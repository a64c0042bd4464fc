"""What the engine can be told: bounds, waits and policies, in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from processor.engine.circuit import CircuitPolicy
from processor.engine.retry import RetryPolicy

LARGEST: Final = 3_500_000
"""Bytes of a message that a topic is taken to accept where the broker does not tell."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of the topics that the engine reads and writes."""

    interactions: str = "prompt.interactions"
    attributes: str = "user.attributes"
    replays: str = "prompt-actions.replays"
    results: str = "action.results"
    dead_letters: str = "action.dead-letters"
    attributes_changelog: str = "prompt-actions.attributes"
    chains: str = "prompt-actions.chains"
    finished: str = "prompt-actions.finished"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Times in seconds, sizes in bytes."""

    topics: Topics = field(default_factory=Topics)
    partitions: int = 4
    max_in_flight: int = 2000
    """Events in memory: running, waiting for their turn, or waiting for a short retry."""
    max_in_flight_bytes: int = 64 << 20
    checkpoint_interval: float = 0.1
    checkpoint_gap: float = 0.005
    join_grace: float = 30.0
    park_after: float = 5.0
    """A wait longer than this leaves memory: the chain is parked."""
    parked_in_memory: int = 50_000
    """Parked chains that memory knows, some 0.7 kB each; what is parked beyond them lies on disk alone."""
    misconfigured_grace: float = 86400.0
    misconfigured_pause: float = 30.0
    """Seconds between two probes of a connector whose settings are refused."""
    drain: float = 40.0
    future_tolerance: float = 86400.0
    max_value_bytes: int = 1_000_000
    largest: Mapping[str, int] = field(default_factory=dict)
    """By topic: the largest message, with key and headers, that it accepts; one more would stop all checkpoints."""
    stall: float = 15.0
    """A turn of the loop longer than this sends nothing until a checkpoint has committed."""
    timeout: float = 30.0
    max_response_bytes: int = 1 << 20
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    circuit: CircuitPolicy = field(default_factory=CircuitPolicy)

    def room(self, topic: str) -> int:
        """The largest message that a topic accepts."""
        return self.largest.get(topic, LARGEST)
