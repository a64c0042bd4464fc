"""The figures as Markdown: minimum, median and maximum, and ratios of medians to the ceiling of the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.goals import table_of_goals
from benchmarks.table_beside import table_beside
from benchmarks.table_parallel import against_parallel, with_parts

Row = Mapping[str, Any]
TWO = ", 2 processes"
HEAD = (
    "| candidate | events/s min / median / max | CPU µs an event | of it librdkafka's threads | cores | RSS MB"
    " | events/s to ceiling | CPU to ceiling | calls | results |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(results: Mapping[str, Any]) -> str:
    """The whole report."""
    parts = [_about(results)]
    parts.extend(_case(name, case) for name, case in results["cases"].items())
    parts.extend([*table_beside(results), *table_of_goals(results)])
    if results.get("left_out"):
        parts.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in results["left_out"].items()) + ".")
    return "\n\n".join(parts) + "\n"


def _about(results: Mapping[str, Any]) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in results["versions"].items())
    return f"Measured {results['at']}, {results['rounds']} rounds. Machine: {machine}.\n\nVersions: {versions}."


def _case(name: str, case: Mapping[str, Any]) -> str:
    rows = case["candidates"]
    ceiling = rows.get("ceiling")
    return "\n".join([f"**{name}: {case['title']}**", "", HEAD,
                      *(_row(who, runs, ceiling) for who, runs in with_parts(rows).items()), *_two(rows),
                      *against_parallel(rows)])


def _two(rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """What a second process brings."""
    found = [f"{who} {_ratio(_rates(runs), one, 'events_per_second')} times" for who, runs in rows.items()
             if (one := rows.get(who.removesuffix(TWO))) and who.endswith(TWO)]
    return ["", "Against one process of the same: " + ", ".join(found) + "."] if found else []


def _rates(runs: Sequence[Row]) -> list[float]:
    return [one["events_per_second"] for one in runs]


def _row(who: str, runs: Sequence[Row], ceiling: Sequence[Row] | None) -> str:
    rate, cpu = _rates(runs), [one["cpu_us"] for one in runs]
    against = ceiling if ceiling and not who.endswith(TWO) else None
    return (
        f"| {who} | {_three(rate)} | {_three(cpu)} | {_librdkafka(runs)} | {median(one['cores'] for one in runs):.2f} "
        f"| {max(one['rss_mb'] for one in runs):.0f} "
        f"| {_ratio(rate, against, 'events_per_second')} | {_ratio(cpu, against, 'cpu_us')} "
        f"| {median(one['calls'] for one in runs):,.0f} | {_worst(runs)} |"
    )


def _librdkafka(runs: Sequence[Row]) -> str:
    """Their CPU; a candidate on another client has none."""
    took = median(one.get("librdkafka_us", 0.0) for one in runs)
    return f"{took:.1f}" if took else "-"


def _three(values: Sequence[float]) -> str:
    return f"{min(values):,.0f} / **{median(values):,.0f}** / {max(values):,.0f}"


def _ratio(values: Sequence[float], ceiling: Sequence[Row] | None, field: str) -> str:
    if not ceiling:
        return "-"
    return f"{median(values) / median(one[field] for one in ceiling):.2f}"


def _worst(runs: Sequence[Row]) -> str:
    """What was wrong in any run."""
    found = []
    missing = "not done in time" if any(one.get("unfinished") for one in runs) else "lost"
    for field, word in (("lost", missing), ("repeated", "repeated"), ("reordered", "out of order")):
        most = max(one[field] for one in runs)
        if most:
            found.append(f"{most:,} {word}")
    failed = max(one["results"] - one["succeeded"] for one in runs)
    if failed:
        found.append(f"{failed:,} failed")
    return ", ".join(found) or "all there, in order"
