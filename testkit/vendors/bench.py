"""A vendor that does nothing, for measuring clients: POST /bench/ok, with `?delay_ms=` if it shall take its time."""

from __future__ import annotations

from testkit.vendors.exchange import JSON_HEADER, Answer, Ask
from testkit.vendors.vendor import Vendor

OK = Answer(200, b'{"id":"x"}', JSON_HEADER)


class Bench(Vendor):
    """Answers 200 at once and keeps nothing."""

    name = "bench"

    def handle(self, ask: Ask) -> Answer:  # noqa: ARG002 - whatever is asked
        """The same answer for everyone."""
        return OK


def delay(ask: Ask) -> float:
    """Seconds that a request wants to wait for its answer."""
    if "delay_ms=" not in ask.query_string:
        return 0.0
    try:
        return max(0.0, float(ask.value("delay_ms", "0"))) / 1000
    except ValueError:
        return 0.0
