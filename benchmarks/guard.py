"""A guard against changes that make an event dear: its CPU as a ratio to the ceiling's of the same run.

Fails where the ratio is more than twice the one that is kept in guard.json; `--keep` writes a new one there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import click

from benchmarks.candidates import CANDIDATES, CEILING, EXACTLY, INTERPRETED
from benchmarks.cases import CASES, run
from benchmarks.place import Place, open_place

KEPT = Path(__file__).parent / "guard.json"
MARGIN = 2.0
SCALE = 0.4
GUARDED = {"compiled": EXACTLY, "interpreted": INTERPRETED}
ROUNDS = 3
"""Of which the median counts; the candidates run in turns, so that both see the same machine."""


@click.command(help=__doc__)
@click.option("--keep", is_flag=True, help="Write the ratios of this run to guard.json.")
def main(keep: bool) -> None:
    """Measure, compare, and end with 1 where an event costs too much."""
    measured = {name: one for name, one in GUARDED.items() if not CANDIDATES[one].why_not()}
    with open_place() as place:
        for name in (CEILING, *measured.values()):
            run(place, CASES["A"], CANDIDATES[name], scale=SCALE / 2)
        ratios = _ratios(place, measured)
    if keep:
        KEPT.write_text(json.dumps(ratios) + "\n")
    kept = json.loads(KEPT.read_text())
    for name, ratio in ratios.items():
        click.echo(f"CPU of an event, {name}: {ratio:.2f} of the ceiling's; allowed is {kept[name] * MARGIN:.2f}")
    sys.exit(any(ratio > kept[name] * MARGIN for name, ratio in ratios.items()))


def _ratios(place: Place, measured: Mapping[str, str]) -> dict[str, float]:
    costs: dict[str, list[float]] = {CEILING: []} | {one: [] for one in measured.values()}
    for _ in range(ROUNDS):
        for name, found in costs.items():
            found.append(run(place, CASES["A"], CANDIDATES[name], scale=SCALE).cpu_us)
    click.echo("us an event: " + ", ".join(f"{name} {median(found):.1f}" for name, found in costs.items()), err=True)
    return {name: round(median(costs[one]) / median(costs[CEILING]), 2) for name, one in measured.items()}


if __name__ == "__main__":
    main()
