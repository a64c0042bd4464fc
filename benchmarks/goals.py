"""The goals, beside what a run showed: ratios of medians within the run; a goal that was not measured has no row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.beside import DOWN, FEW, HALF, OWN_HALF, QUARTER
from benchmarks.candidates import AT_LEAST, CEILING, EXACTLY, EXACTLY_2, FAUST, MARKED, QUIX, THREADS
from benchmarks.parallel import PARALLEL
from benchmarks.table_beside import middle, users_a_second

Results = Mapping[str, Any]
Runs = Sequence[Mapping[str, Any]]
USUAL = (THREADS, QUIX, FAUST)


class Goal(NamedTuple):
    """One of them."""

    what: str
    measured: float
    limit: float
    at_most: bool = False
    """Whether the limit is the most, and not the least."""

    @property
    def reached(self) -> bool:
        """Whether it is."""
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


def goals(results: Results) -> list[Goal]:
    """All that this run says something about."""
    return [*_rates(results), *_java(results), *_published(results), *_memory(results), *_latency(results),
            *_start(results)]


def table_of_goals(results: Results) -> list[str]:
    """As Markdown; nothing where nothing was measured."""
    rows = [f"| {one.what} | {'at most' if one.at_most else 'at least'} {_number(one.limit)} "
            f"| {_number(one.measured)} | {'yes' if one.reached else '**no**'} |" for one in goals(results)]
    head = ["**Goals**", "", "| what | wanted | measured | reached |", "|---|---|---|---|"]
    return ["\n".join(head + rows)] if rows else []


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _runs(results: Results, case: str, name: str) -> Runs:
    found: Runs = results["cases"].get(case, {}).get("candidates", {}).get(name, ())
    return found


def _middle(results: Results, case: str, name: str, field: str = "events_per_second") -> float:
    """The median of a field; 0 where it was not measured."""
    runs = _runs(results, case, name)
    return median(one[field] for one in runs) if runs else 0.0


def _ratio(what: str, value: float, to: float, limit: float, *, at_most: bool = False) -> Iterator[Goal]:
    """A goal about two figures, where both are there."""
    if value and to:
        yield Goal(what, value / to, limit, at_most)


def _best(results: Results, case: str) -> float:
    """Events a second of the best of the usual ways."""
    return max(_middle(results, case, name) for name in USUAL)


def _rates(results: Results) -> Iterator[Goal]:
    def ours(case: str, field: str = "events_per_second") -> float:
        return _middle(results, case, EXACTLY, field)

    for case in "AB":
        yield from _ratio(f"{case}: events/s to the ceiling's", ours(case), _middle(results, case, CEILING), 0.7)
        yield from _ratio(f"{case}: the ceiling's CPU an event to ours", _middle(results, case, CEILING, "cpu_us"),
                          ours(case, "cpu_us"), 0.7)
        yield from _ratio(f"{case}: events/s to the best usual way", ours(case), _best(results, case), 7)
        yield from _ratio(f"{case}: exactly_once to at_least_once, events/s", ours(case),
                          _middle(results, case, AT_LEAST), 0.8)
    yield from _ratio("C: calls/s to the ceiling's", ours("C"), _middle(results, "C", CEILING), 0.75)
    yield from _ratio("D: items/s to the ceiling's", ours("D"), _middle(results, "D", CEILING), 0.7)
    yield from _ratio("D: items/s to the best usual way, an event a request", ours("D"), _best(results, "A"), 20)
    yield from _ratio("D: items/s to the best usual way, a hundred a request too", ours("D"), _best(results, "D"), 20)
    yield from _ratio("E: successes a second to B's", _successes(results, "E"), _successes(results, "B"), 0.9)
    yield from _ratio("F: events/s to A's", ours("F"), ours("A"), 0.9)
    yield from _ratio("G: events/s of the healthy vendor to A's", ours("G"), ours("A"), 0.8)


def _successes(results: Results, case: str) -> float:
    runs = _runs(results, case, EXACTLY)
    return median(one["events_per_second"] * one["succeeded"] / max(1, one["results"]) for one in runs) if runs else 0.0


def _java(results: Results) -> Iterator[Goal]:
    """Two of our processes beside the best of Parallel Consumer, which takes both cores."""
    names = [name for name in results["cases"].get("A", {}).get("candidates", {}) if name.startswith(PARALLEL)]
    best = max(names, key=lambda name: _middle(results, "A", name), default="")
    for what, field, limit in (("events/s", "events_per_second", 1.0), ("CPU an event", "cpu_us", 0.75),
                               ("memory", "rss_mb", 0.25)):
        yield from _ratio(f"A: {what} of two processes to {best}'s", _middle(results, "A", EXACTLY_2, field),
                          _middle(results, "A", best, field), limit, at_most=field != "events_per_second")


def _published(results: Results) -> Iterator[Goal]:
    """Case H, row by row: the best of theirs in seconds, over ours."""
    seconds: dict[int, dict[str, float]] = {}
    for row in results.get("H", ()):
        seconds.setdefault(row["keys"], {})[row["candidate"]] = median(one["seconds"] for one in row["runs"])
    for keys, found in seconds.items():
        best = min((one for name, one in found.items() if name.startswith(PARALLEL)), default=0.0)
        yield from _ratio(f"H: seconds of {PARALLEL} to ours, {keys:,} keys", best, found.get(EXACTLY, 0.0), 1)


def _memory(results: Results) -> Iterator[Goal]:
    ours, ceiling = (_middle(results, "B", name, "rss_mb") for name in (EXACTLY, CEILING))
    if ours and ceiling:
        yield Goal("B: MB above the ceiling's", ours - ceiling, 120, at_most=True)
    if looks := results.get("memory"):
        yield Goal(f"MB after {looks[-1]['events']:,} events to those after {looks[0]['events']:,}",
                   looks[-1]["rss_mb"] / looks[0]["rss_mb"], 1.1, at_most=True)


def _latency(results: Results) -> Iterator[Goal]:
    rows = {(one["candidate"], one["load"]): one for one in results.get("latency", ())}

    def at_most(what: str, candidate: str, load: str, which: tuple[str, str], limit: float,
                intervals: float = 0.0) -> Iterator[Goal]:
        row = rows.get((candidate, load))
        found = middle(row["runs"], *which) if row else None
        if row and found is not None:
            yield Goal(f"{what}, ms", found, limit + intervals * row["checkpoint_ms"], at_most=True)

    yield from at_most("added at half of the maximum, p99", EXACTLY, HALF, ("added", "p99"), 0, 3)
    yield from at_most("the vendor is called at half of the maximum, p50", EXACTLY, HALF, ("called", "p50"), 5)
    yield from at_most("the vendor is called at half of the maximum, p99", EXACTLY, HALF, ("called", "p99"), 30)
    for load in (OWN_HALF, FEW):
        yield from at_most(f"calls that need a mark, {load}, p50", MARKED, load, ("called", "p50"), 5, 1)
        yield from at_most(f"calls that need a mark, {load}, p99", MARKED, load, ("called", "p99"), 30, 1)
    quiet, beside = ((middle(row["runs"], "added", "p99") if (row := rows.get((EXACTLY, load))) else None)
                     for load in (QUARTER, DOWN))
    yield from _ratio("G: p99 beside a vendor that is down to the p99 without", beside or 0.0, quiet or 0.0, 1.2,
                      at_most=True)


def _start(results: Results) -> Iterator[Goal]:
    for row in results.get("start", ()):
        if not row["users"]:
            ready = median(one["ready"] for one in row["runs"])
            yield Goal("start with nothing to restore, s", ready, 1.5, at_most=True)
        else:
            rate = median(map(users_a_second, row["runs"])) * row["attributes"]
            yield Goal(f"attributes a second, {row['users']:,} users with {row['attributes']}", rate, 100_000)
