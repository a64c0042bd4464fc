"""What is measured beside the cases: how long one event and a start take, memory over a million events, case H."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

from benchmarks.candidates import AT_LEAST, CANDIDATES, CEILING, EXACTLY, MARKED, not_compiled
from benchmarks.latency import Load, latency
from benchmarks.memory import EVENTS, million
from benchmarks.place import Place
from benchmarks.published import published
from benchmarks.start import SHAPES, starts
from processor.settings import CheckpointSettings

LOW = 300.0
"""Events a second, of which none waits for another."""
HALF, QUARTER, DOWN = "half of the maximum", "a quarter", "a quarter, and as many for a vendor that is down"
OWN_HALF, FEW = "half of its maximum", "few"
"""Names of loads."""

Tell = Callable[[str], None]


class Asked(NamedTuple):
    """What a measurement is told."""

    results: Mapping[str, Any]
    """Of the cases, from which rates are taken."""
    rounds: int
    scale: float
    tell: Tell


def latencies(place: Place, asked: Asked) -> list[dict[str, Any]]:
    """Every candidate under every load, in turns."""
    rows: dict[tuple[str, str], list[Any]] = {}
    for number in range(asked.rounds):
        for name, load in loads(asked.results):
            found = latency(place, CANDIDATES[name], load)
            rows.setdefault((name, load.name), []).append(found)
            asked.tell(f"latency {number + 1}/{asked.rounds} {name}, {load.name}, {load.rate:,.0f} a second: "
                       f"added {found['added']}, called {found['called']}")
    interval = CheckpointSettings().interval * 1000
    return [{"candidate": name, "load": load, "checkpoint_ms": 0.0 if name == CEILING else interval, "runs": runs}
            for (name, load), runs in rows.items()]


def loads(results: Mapping[str, Any]) -> Iterator[tuple[str, Load]]:
    """Who is measured under what; halves are of the processor's own maximum in this run."""
    ours, marked = _maximum(results, EXACTLY), _maximum(results, MARKED)
    if ours:
        yield from ((name, Load(HALF, ours / 2)) for name in (CEILING, EXACTLY, AT_LEAST))
        yield EXACTLY, Load(QUARTER, ours / 4)
        yield EXACTLY, Load(DOWN, ours / 4, down=True)
    if marked:
        yield MARKED, Load(OWN_HALF, marked / 2)
    yield from ((name, Load(FEW, LOW)) for name in (CEILING, EXACTLY, AT_LEAST, MARKED))


def _maximum(results: Mapping[str, Any], name: str) -> float:
    """Events a second in case A; 0 where that was not measured."""
    runs = results["cases"].get("A", {}).get("candidates", {}).get(name, ())
    return median(one["events_per_second"] for one in runs) if runs else 0.0


def start(place: Place, asked: Asked) -> list[dict[str, Any]]:
    """Starts, with nothing and with a million attributes to restore."""
    rows = []
    for shape in SHAPES:
        scaled = shape._replace(users=int(shape.users * asked.scale))
        runs = [one._asdict() for one in starts(place, scaled, asked.rounds)]
        rows.append(scaled._asdict() | {"runs": runs})
        asked.tell(f"start, {scaled}: ready after {[round(one['ready'], 2) for one in runs]} s")
    return rows


def memory(place: Place, asked: Asked) -> list[dict[str, Any]]:
    """One run of a million events."""
    looks = [one._asdict() for one in million(place, int(EVENTS * asked.scale))]
    for one in looks:
        asked.tell(f"memory after {one['events']:,} events: {one['rss_mb']:.0f} MB")
    return looks


BESIDE: Mapping[str, Callable[[Place, Asked], list[dict[str, Any]]]] = {
    "H": published, "latency": latencies, "start": start, "memory": memory,
}
"""By name; each gives rows."""


def measure_beside(place: Place, name: str, asked: Asked) -> list[dict[str, Any]]:
    """One of them; nothing where the processor is not compiled."""
    if why := not_compiled():
        asked.tell(f"{name} is left out: {why}")
        return []
    return BESIDE[name](place, asked)
