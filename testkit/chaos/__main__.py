"""`make chaos`: a storm, and whether anything was lost, repeated silently, or done out of order."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import click

from testkit.chaos.storm import Account, Plan, Storm

SHOWN = 40


@click.command()
@click.option("--seed", type=int, help="Of a storm to be repeated; without it another one each time.")
@click.option("--events", default=50_000, show_default=True, help="Interactions that are published.")
@click.option("--kills", default=500, show_default=True, help="How often a processor is killed (SIGKILL).")
@click.option("--minutes", default=25.0, show_default=True, help="How long the storm lasts; at most 50.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Where logs are kept.")
def main(seed: int | None, events: int, kills: int, minutes: float, keep: Path | None) -> None:
    """Kill, stop, and starve processors for a while, then see whether the books balance. Exit code 1: they do not."""
    plan = Plan(seed if seed is not None else random.SystemRandom().randrange(1_000_000), events, kills, minutes * 60)
    click.echo(f"seed {plan.seed}: {events} events, {kills} kills, {minutes:g} minutes")
    with tempfile.TemporaryDirectory(prefix="storm-") as own:
        folder = keep or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        with Storm(plan, folder, click.echo) as storm:
            account = storm.rage()
            _tell(account, storm)
    raise SystemExit(1 if account.wrong else 0)


def _tell(account: Account, storm: Storm) -> None:
    for name, number in account.counts.items():
        click.echo(f"  {number:>8} {name}")
    for one in storm.odd()[:3]:
        click.echo(f"  note: {one}")
    for one in account.wrong[:SHOWN]:
        click.echo(f"  WRONG: {one}")
    verdict = f"{len(account.wrong)} things are wrong" if account.wrong else (
        "nothing lost, nothing repeated silently, order kept, one outcome a binding, the books balance")
    click.echo(f"seed {account.plan.seed}, {account.seconds:.0f} s: {verdict}")


if __name__ == "__main__":
    main()
