"""The figures as Markdown: minimum, median and maximum, and ratios of medians to the ceiling of the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

Row = Mapping[str, Any]
HEAD = (
    "| candidate | events/s min / median / max | CPU µs an event | cores | RSS MB | events/s to ceiling"
    " | CPU to ceiling | calls | results |\n|---|---|---|---|---|---|---|---|---|"
)


def table(results: Mapping[str, Any]) -> str:
    """The whole report."""
    parts = [_about(results)]
    parts.extend(_case(name, case) for name, case in results["cases"].items())
    if results.get("latency"):
        parts.append(_latency(results["latency"]))
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
                      *(_row(who, runs, ceiling) for who, runs in rows.items())])


def _row(who: str, runs: Sequence[Row], ceiling: Sequence[Row] | None) -> str:
    rate, cpu = [one["events_per_second"] for one in runs], [one["cpu_us"] for one in runs]
    two = "2 processes" in who
    against = ceiling if ceiling and not two else None
    return (
        f"| {who} | {_three(rate)} | {_three(cpu)} | {median(one['cores'] for one in runs):.2f} "
        f"| {max(one['rss_mb'] for one in runs):.0f} "
        f"| {_ratio(rate, against, 'events_per_second')} | {_ratio(cpu, against, 'cpu_us')} "
        f"| {median(one['calls'] for one in runs):,.0f} | {_worst(runs)} |"
    )


def _three(values: Sequence[float]) -> str:
    return f"{min(values):,.0f} / **{median(values):,.0f}** / {max(values):,.0f}"


def _ratio(values: Sequence[float], ceiling: Sequence[Row] | None, field: str) -> str:
    if not ceiling:
        return "-"
    return f"{median(values) / median(one[field] for one in ceiling):.2f}"


def _worst(runs: Sequence[Row]) -> str:
    """What was wrong in any run."""
    found = []
    for field, word in (("lost", "lost"), ("repeated", "repeated"), ("reordered", "out of order")):
        most = max(one[field] for one in runs)
        if most:
            found.append(f"{most:,} {word}")
    failed = max(one["results"] - one["succeeded"] for one in runs)
    if failed:
        found.append(f"{failed:,} failed")
    return ", ".join(found) or "all there, in order"


def _latency(rows: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["**From produced to result at half of the maximum, vendor at once, milliseconds**", "",
             "| candidate | events/s | p50 | p99 | p99.9 |", "|---|---|---|---|---|"]
    lines.extend(f"| {who} | {one.get('rate', 0):,.0f} | {one.get('p50', '-')} | {one.get('p99', '-')} "
                 f"| {one.get('p99.9', '-')} |" for who, one in rows.items())
    return "\n".join(lines)
