"""As Markdown: Parallel Consumer beside the processor, in the cases and in its authors' own set-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.candidates import EXACTLY
from benchmarks.parallel import PARALLEL, PARALLEL_CORE

Runs = Sequence[Mapping[str, Any]]
LATE, WHOLE = ", second half", ", from its first result to its last"


def with_parts(rows: Mapping[str, Runs]) -> dict[str, Runs]:
    """The rows, and behind Parallel Consumer's those of its whole run and of its second half, when its JIT is warm."""
    made: dict[str, Runs] = {}
    for who, runs in rows.items():
        made[who] = runs
        if who == PARALLEL:
            made |= {who + WHOLE: _part(runs, "whole"), who + LATE: _part(runs, "late")}
    return made


def _part(runs: Runs, name: str) -> Runs:
    rate, cpu = f"{name}_per_second", f"{name}_cpu_us"
    return [{**one, "events_per_second": one[rate], "cpu_us": one[cpu], "cores": one[rate] * one[cpu] / 1e6}
            for one in runs]


def against_parallel(rows: Mapping[str, Runs]) -> list[str]:
    """Lines below a case: the processor's figures over Parallel Consumer's; none where that took no part."""
    if PARALLEL not in rows or EXACTLY not in rows:
        return []
    lines = ["", "To Parallel Consumer from its first result to its last (in brackets: to its second half):", "",
             "| candidate | events/s | CPU an event | RSS |", "|---|---|---|---|"]
    for who, runs in rows.items():
        if who.startswith("processor"):
            lines.append(f"| {who} | {_both(runs, rows[PARALLEL], 'events_per_second', 'per_second')} "
                         f"| {_both(runs, rows[PARALLEL], 'cpu_us', 'cpu_us')} "
                         f"| {_highest(runs, 'rss_mb') / _highest(rows[PARALLEL], 'rss_mb'):.2f} |")
    return lines


def _both(ours: Runs, theirs: Runs, field: str, part: str) -> str:
    one = _median(ours, field)
    return f"{one / _median(theirs, f'whole_{part}'):.2f} ({one / _median(theirs, f'late_{part}'):.2f})"


def _median(runs: Runs, field: str) -> float:
    return float(median(one[field] for one in runs)) or 1e-9


def _highest(runs: Runs, field: str) -> float:
    return float(max(one[field] for one in runs)) or 1e-9


def published(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Case H."""
    yield "**H: as Parallel Consumer's authors published: 10,000 events, one partition, 0 to 5 ms of work each**"
    yield ""
    yield ("Seconds from the moment in which the events can be read until the last result can: minimum / median /"
           " maximum. As published: sleeping threads, mocked Kafka clients, another machine.")
    yield ""
    yield "| keys | candidate | seconds | to the processor's | CPU µs an event | as published | results |"
    yield "|---|---|---|---|---|---|---|"
    ours = {row["keys"]: _median(row["runs"], "seconds") for row in rows if row["candidate"] == EXACTLY}
    for row in rows:
        yield _published_row(row, ours.get(row["keys"]))


def _published_row(row: Mapping[str, Any], ours: float | None) -> str:
    runs, who = row["runs"], row["candidate"]
    seconds, cpu = [one["seconds"] for one in runs], _median(runs, "cpu_us")
    return (f"| {row['keys']:,} | {who} | {min(seconds):.2f} / **{median(seconds):.2f}** / {max(seconds):.2f} "
            f"| {f'{median(seconds) / ours:.2f}' if ours else '-'} | {cpu:.0f} "
            f"| {row['theirs'] if who == PARALLEL_CORE else '-'} | {_worst(runs)} |")


def _worst(runs: Runs) -> str:
    words = (("lost", "lost"), ("repeated", "repeated"), ("reordered", "out of order"))
    found = [f"{most:,} {word}" for field, word in words if (most := max(one[field] for one in runs))]
    return ", ".join(found) or "all there, in order"
