"""As Markdown: what was measured beside the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.table_parallel import published

Row = Mapping[str, Any]
Runs = Sequence[Row]
MB = 1 << 20


def table_beside(results: Mapping[str, Any]) -> list[str]:
    """The parts of the report; none for what was not measured."""
    parts = (("H", published), ("latency", _latency), ("start", _start), ("memory", _memory))
    return ["\n".join(lines(results[name])) for name, lines in parts if results.get(name)]


def middle(runs: Runs, group: str, name: str) -> float | None:
    """The median of a percentile; None where it was not measured."""
    found = [one[group][name] for one in runs if one[group]]
    return median(found) if found else None


def _latency(rows: Runs) -> Iterator[str]:
    yield "**How long one event takes, vendor answers at once, milliseconds**"
    yield ""
    yield "Added: from produced to a result that is committed, as a reader outside sees it, less what the vendor took."
    yield "Called: from the broker's time of the event to the call's arrival at the vendor."
    yield "Cores: of the candidate, of the process that publishes, of the one that reads, of all but the candidate."
    yield ""
    yield ("| candidate | load | events/s | added p50 | p99 min / median / max | p99.9 | p99 in checkpoint intervals"
           " | called p50 | p99 min / median / max | p99.9 | cores | missing |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        runs = row["runs"]
        yield (f"| {row['candidate']} | {row['load']} | {runs[0]['rate']:,.0f} | {_percentiles(runs, 'added')} "
               f"| {_intervals(row)} | {_percentiles(runs, 'called')} | {_cores(runs)} "
               f"| {max(one['missing'] for one in runs):,} |")


def _percentiles(runs: Runs, group: str) -> str:
    if middle(runs, group, "p50") is None:
        return "- | - | -"
    p99 = [one[group]["p99"] for one in runs if one[group]]
    return (f"{middle(runs, group, 'p50'):.1f} | {min(p99):.1f} / **{median(p99):.1f}** / {max(p99):.1f} "
            f"| {middle(runs, group, 'p99.9'):.1f}")


def _intervals(row: Row) -> str:
    """The 99th percentile of what is added, in intervals between two checkpoints."""
    p99 = middle(row["runs"], "added", "p99")
    return f"{p99 / row['checkpoint_ms']:.1f} of {row['checkpoint_ms']:.0f} ms" if p99 and row["checkpoint_ms"] else "-"


def _cores(runs: Runs) -> str:
    return ", ".join(f"{median(one[name] for one in runs):.2f}" for name in ("cores", "generator", "reader", "others"))


def _start(rows: Runs) -> Iterator[str]:
    yield "**Start without local state, seconds since exec, min / median / max**"
    yield ""
    yield ("| to be restored | first word | partitions assigned | restored | events are taken | `/ready` says so"
           " | users/s | attributes/s |")
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        runs = row["runs"]
        steps = " | ".join(_three([one[name] for one in runs])
                           for name in ("first_word", "assigned", "restored", "events", "ready"))
        what = f"{row['users']:,} users with {row['attributes']} attributes" if row["users"] else "nothing"
        rate = median(map(users_a_second, runs))
        rates = f"{rate:,.0f} | {rate * row['attributes']:,.0f}" if row["users"] else "- | -"
        yield f"| {what} | {steps} | {rates} |"


def users_a_second(run: Row) -> float:
    """How many users' attributes a start restored a second."""
    seconds: float = run["restored"] - run["assigned"]
    return run["records"] / seconds if seconds else 0.0


def _three(values: Sequence[float]) -> str:
    return f"{min(values):.2f} / **{median(values):.2f}** / {max(values):.2f}"


def _memory(rows: Runs) -> Iterator[str]:
    yield "**Memory and disk in one run of case A, exactly once**"
    yield ""
    yield "| events | seconds | RSS MB | of it in no file | state MB | changelogs MB | results MB |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        yield (f"| {row['events']:,} | {row['seconds']:.0f} | {row['rss_mb']:.0f} | {row['own_mb']:.0f} "
               f"| {row['state_bytes'] / MB:.1f} | {row['changelog_bytes'] / MB:.1f} "
               f"| {row['results_bytes'] / MB:.1f} |")
    yield ""
    yield "Bytes an event, from the first row to the last: " + ", ".join(
        f"{what} {bytes_an_event(rows, field):.0f}" for what, field in (
            ("state on disk", "state_bytes"), ("changelogs", "changelog_bytes"), ("results", "results_bytes"))) + "."


def bytes_an_event(rows: Runs, field: str) -> float:
    """What each event between the first and the last look added."""
    first, last = rows[0], rows[-1]
    return float(last[field] - first[field]) / max(1, last["events"] - first["events"])
