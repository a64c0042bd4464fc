"""What the processors tell of themselves at their ports: metrics, and whether they take events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import requests
from prometheus_client.parser import text_string_to_metric_families

from processor.metrics import PREFIX

SECONDS = 2.0
MOST_BYTES = 4 << 20
BY_CONNECTOR = ("in_flight_calls", "connector_paused", "circuits_open")
SUMS = ("books_events_in", "books_events_finished", "books_events_parked", "books_events_in_flight",
        "books_bindings_planned", "books_outcomes", "in_flight_chains")
BATCHES = 64 << 10


class Processor(NamedTuple):
    """One processor, as it was when it was asked last."""

    url: str
    answers: bool
    ready: bool
    why: str
    """Why it is not ready, or does not answer; in its own words where it has some."""
    version: str = ""
    sums: Mapping[str, float] = {}
    by_connector: Mapping[tuple[str, str], float] = {}
    """By metric and connector."""
    differed: bool = False
    """Whether its books did not balance at the look before either."""

    @property
    def balanced(self) -> bool:
        """Whether its own books balance at this moment."""
        sums = self.sums
        gone = sums.get("books_events_finished", 0) + sums.get("books_events_parked", 0)
        return (sums.get("books_events_in", 0) == gone + sums.get("books_events_in_flight", 0)
                and sums.get("books_bindings_planned", 0) == sums.get("books_outcomes", 0))

    @property
    def differs(self) -> bool:
        """Whether its books differ at two looks in turn: once can be that it was asked between two numbers."""
        return self.answers and self.differed and not self.balanced


def ask(url: str, session: requests.Session) -> Processor:
    """Ask one processor; never raises for what is away."""
    try:
        text = _read(session, url)
        ready = session.get(url.removesuffix("/metrics") + "/ready", timeout=SECONDS) if url.endswith("/metrics") \
            else None
    except (requests.RequestException, ValueError) as error:
        return Processor(url, answers=False, ready=False, why=f"does not answer ({type(error).__name__})")
    good = ready is None or ready.ok
    try:
        return _parsed(url, text, ready=good, why="" if good or ready is None else ready.text.strip()[:200])
    except ValueError:
        return Processor(url, answers=False, ready=False, why="answers with something else than metrics")


def _read(session: requests.Session, url: str) -> str:
    with session.get(url, timeout=SECONDS, stream=True, headers={"Accept": "text/plain"}) as answer:
        answer.raise_for_status()
        body = b""
        for some in answer.iter_content(BATCHES):
            body += some
            if len(body) > MOST_BYTES:
                raise ValueError("too long")
    return body.decode("utf-8", "replace")


def _parsed(url: str, text: str, *, ready: bool, why: str) -> Processor:
    sums: dict[str, float] = {}
    by_connector: dict[tuple[str, str], float] = {}
    version = ""
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            name = one.name.removeprefix(PREFIX)
            if name in SUMS:
                sums[name] = sums.get(name, 0) + one.value
            elif name in BY_CONNECTOR:
                by_connector[name, one.labels.get("connector", "")] = one.value
            elif name == "build_info":
                version = one.labels.get("version", "")
    return Processor(url, answers=True, ready=ready, why=why, version=version, sums=sums, by_connector=by_connector)
