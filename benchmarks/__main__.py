"""Runs the benchmark: `python -m benchmarks` (below an hour), `--quick` for eight minutes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.beside import BESIDE, Asked, measure_beside
from benchmarks.candidates import CANDIDATES, CEILING, EXACTLY, ROOT, Candidate
from benchmarks.cases import CASES, Case, candidates_of, run
from benchmarks.machine import machine, versions
from benchmarks.place import Place, open_place
from benchmarks.table import table

FOLDER = Path(__file__).parent


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Cases A and B, ceiling and processor only.")
@click.option("--cases", "names", default="", help="Letters of the cases to run, A to H.")
@click.option("--beside", default="", help=f"What to measure beside the cases: {', '.join(BESIDE)}. Default: all,"
              " where no cases are named.")
@click.option("--rounds", default=3, show_default=True, help="How often each candidate runs.")
@click.option("--only", default="", help="Run only candidates whose name holds this.")
@click.option("--scale", default=1.0, show_default=True, help="Of the number of events.")
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER / "results.json", help="Where results go.")
def main(quick: bool, names: str, beside: str, rounds: int, only: str, scale: float, out: Path) -> None:
    """Run, write results.json and the table beside it."""
    everything = not (quick or names or beside)
    cases = [CASES[one] for one in ("".join(CASES) if everything else "AB" if quick else names) if one not in BESIDE]
    others = [one for one in BESIDE if everything or one in (*names, *beside.split(","))]
    with open_place() as place:
        results: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%d"), "rounds": rounds, "scale": scale, "machine": machine(),
            "versions": versions(ROOT), "vendor": place.vendors.name, "cases": {}, "left_out": {},
        }
        _warm(place)
        for case in cases:
            taking_part = [one for one in candidates_of(case, quick=quick) if only in one.name]
            results["cases"][case.name] = _case(place, case, taking_part, rounds, scale, results["left_out"])
            _write(results, out)
        for one in others:
            results[one] = measure_beside(place, one, Asked(results, rounds, scale, _say))
            _write(results, out)
    click.echo(table(results))


def _warm(place: Place) -> None:
    """A broker's first runs cost several times what later ones do: two are thrown away."""
    for name in (CEILING, EXACTLY):
        _say(f"warming up: {name}")
        run(place, CASES["A"], CANDIDATES[name], scale=0.5)


def _case(place: Place, case: Case, candidates: Sequence[Candidate], rounds: int, scale: float,
          left_out: dict[str, str]) -> dict[str, Any]:
    """All rounds of a case, the candidates in turns."""
    rows: dict[str, list[Any]] = {}
    for number in range(rounds):
        for one in candidates:
            why_not = one.why_not() or ("no such vendor" if case.vendor not in place.vendors.urls else "")
            if why_not:
                left_out[one.name] = why_not
                continue
            measured = run(place, case, one, scale=scale)
            rows.setdefault(one.name, []).append(measured._asdict())
            _say(f"{case.name} {number + 1}/{rounds} {one.name}: {measured.events_per_second:,.0f} events/s, "
                 f"{measured.cpu_us:.1f} us, {measured.cores:.2f} cores (others {measured.others:.2f}), "
                 f"{measured.rss_mb:.0f} MB, {measured.calls:,} calls, {measured.correct}")
    return {"title": case.title, "candidates": rows}


def _write(results: dict[str, Any], out: Path) -> None:
    out.write_text(json.dumps(results, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(results))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
