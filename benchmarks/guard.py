"""A guard against changes that make an event dear: its CPU as a ratio to the ceiling's of the same run.

Fails where the ratio is more than twice the one that is kept in guard.json; `--keep` writes a new one there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import click

from benchmarks.candidates import CANDIDATES, CEILING, EXACTLY
from benchmarks.cases import CASES, run
from benchmarks.place import Place, open_place

KEPT = Path(__file__).parent / "guard.json"
MARGIN = 2.0
SCALE = 0.4
ROUNDS = 3
"""Of which the median counts; the candidates run in turns, so that both see the same machine."""


@click.command(help=__doc__)
@click.option("--keep", is_flag=True, help="Write the ratio of this run to guard.json.")
def main(keep: bool) -> None:
    """Measure, compare, and end with 1 where an event costs too much."""
    with open_place() as place:
        for name in (CEILING, EXACTLY):
            run(place, CASES["A"], CANDIDATES[name], scale=SCALE / 2)
        ratio = _ratio(place)
    if keep:
        KEPT.write_text(json.dumps({"cpu_to_ceiling": round(ratio, 2)}) + "\n")
    allowed = json.loads(KEPT.read_text())["cpu_to_ceiling"] * MARGIN
    click.echo(f"CPU of an event: {ratio:.2f} of the ceiling's; allowed is {allowed:.2f}")
    sys.exit(ratio > allowed)


def _ratio(place: Place) -> float:
    costs: dict[str, list[float]] = {CEILING: [], EXACTLY: []}
    for _ in range(ROUNDS):
        for name, found in costs.items():
            found.append(run(place, CASES["A"], CANDIDATES[name], scale=SCALE).cpu_us)
    click.echo("us an event: " + ", ".join(f"{name} {median(found):.1f}" for name, found in costs.items()), err=True)
    return median(costs[EXACTLY]) / median(costs[CEILING])


if __name__ == "__main__":
    main()
