"""Scripted trouble: rules that make an emulator answer late, wrongly, partly or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Literal, get_args

from testkit.vendors.exchange import Ask

Kind = Literal["answer", "delay", "reset", "half_body", "wrong_json", "inner_error", "slow_body", "silence"]
KINDS: tuple[str, ...] = get_args(Kind)
TAKEN_BY_DEFAULT = frozenset({"delay", "half_body", "wrong_json", "slow_body"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: which requests it hits, and what becomes of them.

    Kinds: `answer` (a status of your choice), `delay` (the true answer, late), `reset` (the connection breaks),
    `half_body` (half the answer, then the end), `wrong_json` (200, and no JSON), `inner_error` (the vendor's
    form of a failure inside a success), `slow_body` (a byte at a time), `silence` (no answer, ever).
    """

    kind: Kind = "answer"
    vendor: str = ""
    """Empty: every vendor."""
    method: str = ""
    path: str = ""
    """A regular expression, searched in the path below the vendor's prefix."""
    contains: str = ""
    """A text that stands in the target or the body: one user, one coupon."""
    share: float = 1.0
    """The part of the matching requests that it hits, drawn by seeded chance."""
    times: int = 0
    """How often it hits before it is used up; 0: always."""
    skip: int = 0
    """How many matching requests pass before it begins."""
    taken: bool | None = None
    """Whether the vendor takes the request, so that the effect happens; None: as is usual for the kind."""
    status: int = 503
    body: Any = None
    """For `answer`: JSON, or text; None: the vendor's own error body for the status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    """Seconds to wait, told in the header that the vendor uses for it."""
    delay: float = 0.0
    """Seconds before anything of the above."""
    gap: float = 0.02
    """Seconds between two bytes of a slow body."""
    stored: bool = False
    """For `answer`: what is sent is kept under the idempotency key too, as Stripe does with a 500."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind '{self.kind}' is not one of {', '.join(KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"fault share {self.share} does not lie between 0 and 1")
        re.compile(self.path)

    @property
    def takes(self) -> bool:
        """Whether the effect happens."""
        return self.kind in TAKEN_BY_DEFAULT if self.taken is None else self.taken


class _Rule:
    """A fault with its count of matches and hits."""

    def __init__(self, number: int, fault: Fault, seed: int) -> None:
        self.number = number
        self.fault = fault
        self.seen = 0
        self.hits = 0
        self._pattern = re.compile(fault.path)
        self._chance = Random(f"{seed}:{number}")  # noqa: S311 - trouble is drawn, not a secret

    def strikes(self, ask: Ask) -> bool:
        """Whether this request is hit; counts it."""
        if not self._matches(ask):
            return False
        self.seen += 1
        if self.seen <= self.fault.skip or (self.fault.times and self.hits >= self.fault.times):
            return False
        if self.fault.share < 1.0 and self._chance.random() >= self.fault.share:
            return False
        self.hits += 1
        return True

    def _matches(self, ask: Ask) -> bool:
        fault = self.fault
        if fault.vendor not in ("", ask.vendor) or fault.method not in ("", ask.method):
            return False
        if fault.path and not self._pattern.search(ask.path):
            return False
        return not fault.contains or fault.contains in ask.target or fault.contains.encode() in ask.body


class FaultBook:
    """The rules in force; the first that strikes decides."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._next = 1
        self._rules: dict[int, _Rule] = {}

    def add(self, fault: Fault) -> int:
        """Put a rule into force; returns its number."""
        number = self._next
        self._next += 1
        self._rules[number] = _Rule(number, fault, self._seed)
        return number

    def strike(self, ask: Ask) -> Fault | None:
        """The fault that hits this request, if any does."""
        for rule in self._rules.values():
            if rule.strikes(ask):
                return rule.fault
        return None

    def clear(self, number: int | None = None) -> None:
        """End one rule, or all."""
        if number is None:
            self._rules.clear()
        else:
            self._rules.pop(number, None)

    def restart(self, seed: int | None = None) -> None:
        """End all rules and let chance begin anew."""
        self._rules.clear()
        self._next = 1
        if seed is not None:
            self._seed = seed

    def report(self) -> list[dict[str, Any]]:
        """Every rule with how many requests it saw and hit."""
        return [{"number": rule.number, "seen": rule.seen, "hits": rule.hits, **asdict(rule.fault)}
                for rule in self._rules.values()]

    @property
    def empty(self) -> bool:
        """Whether no rule is in force."""
        return not self._rules
