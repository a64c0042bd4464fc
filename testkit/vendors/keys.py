"""Idempotency keys as vendors keep them: first answer stored, repeats recognised, misuse refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from testkit.vendors.exchange import Answer

Verdict = Literal["new", "same", "other", "busy"]


@dataclass(slots=True)
class Kept:
    """What is kept under a key."""

    digest: bytes
    answer: Answer
    until: float
    busy_until: float = 0.0


class KeyStore:
    """Answers by key for `lifetime` seconds."""

    def __init__(self, clock: Callable[[], float], lifetime: float) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._kept: dict[str, Kept] = {}

    def find(self, key: str, digest: bytes) -> tuple[Verdict, Answer | None]:
        """`same`: give the answer again. `other`: used with other parameters. `busy`: the first still runs."""
        kept = self._kept.get(key)
        now = self._clock()
        if kept is None or kept.until <= now:
            return "new", None
        if kept.digest != digest:
            return "other", None
        return ("busy", None) if kept.busy_until > now else ("same", kept.answer)

    def keep(self, key: str, digest: bytes, answer: Answer) -> None:
        """Store the first answer."""
        self._kept[key] = Kept(digest, answer, self._clock() + self._lifetime)

    def hold(self, key: str, seconds: float) -> None:
        """The request with this key runs for so long yet."""
        if key in self._kept:
            self._kept[key].busy_until = self._clock() + seconds

    def replace(self, key: str, answer: Answer) -> None:
        """Keep another answer than the one that was worked out."""
        if key in self._kept:
            self._kept[key].answer = answer

    def forget(self) -> None:
        """Drop all keys."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
