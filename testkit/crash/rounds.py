"""Which points are tried, and many trials side by side against one broker."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import NamedTuple

import click

from testkit.crash import trial, zombie
from testkit.crash.point import Point, Side
from testkit.crash.provoked import PROVOKED
from testkit.crash.steps import ENDED_AT
from testkit.kafka.broker import Broker
from testkit.kafka.local import LocalKafka

SIDES: tuple[Side, Side] = ("before", "after")
AT_ONCE = 12
"""Trials side by side: they wait most of their time, for sessions to end."""
TELLING = (
    "Producer.init_transactions", "Consumer.incremental_assign", "Restore.step", "Takeover.step", "Transport.start",
    "Transport.wait", "Sender.completed", "Runner.answered", "Exporter.answered", "Parking.park", "Parking.wake",
    "Ledger.outcome", "Ledger.event_ended", "Committer.submit", "Producer.produce",
    "Producer.send_offsets_to_transaction", "Producer.commit_transaction", "Store.commit", "Loop.drain",
    "Consumer.close",
)
"""Steps around which most changes from in memory to durable, or from ours to the vendor's."""
NOT_FIRST = ("Store.load",)
"""Steps to which a process comes only where another one was before it."""


class Finding(NamedTuple):
    """What a trial came to."""

    points: Sequence[Point]
    seed: int
    wrong: Sequence[str]
    in_doubt: int

    def __str__(self) -> str:
        told = "\n    ".join(self.wrong[:12])
        return f"seed {self.seed}, {' '.join(map(str, self.points))}: {len(self.wrong)} things are wrong\n    {told}"


Run = Callable[[Broker, Path, int, Sequence[Point]], trial.Trial]


def points(steps: Iterable[str] = ENDED_AT, sides: Iterable[Side] = SIDES) -> list[Point]:
    """The points at these steps."""
    return [Point(step, ENDED_AT[step], side) for step in steps for side in sides]


def shared_out(wanted: Sequence[Point], trials: int, seed: int) -> list[list[Point]]:
    """Points in the order of a seed, as evenly as can be; none that needs a predecessor stands first."""
    order = list(wanted)
    Random(seed).shuffle(order)  # noqa: S311 - a test's order
    order.sort(key=lambda point: point.step.startswith(NOT_FIRST))
    return [share for number in range(trials) if (share := order[number::trials])]


def run(broker: Broker, folder: Path, wanted: Sequence[Point], *, seed: int, stop: bool = False,
        trials: int = AT_ONCE, how: Run | None = None) -> list[Finding]:
    """Try all of these points; with `stop` as zombies."""
    one = how or (zombie.run if stop else trial.run)

    def tried(number: int, share: Sequence[Point]) -> Finding:
        place = folder / f"trial-{number}"
        place.mkdir(parents=True)
        ended = one(broker, place, seed + number, share)
        return Finding(share, seed + number, ended.wrong, ended.in_doubt)

    shares = shared_out(wanted, trials, seed)
    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(tried, range(len(shares)), shares))


@click.command()
@click.option("--seed", default=1, show_default=True, help="Of the order of points, the loads and the faults.")
@click.option("--kills/--no-kills", default=True, help="Kill at every step, before and after it.")
@click.option("--zombies/--no-zombies", default=True, help="Stand still before every step.")
def main(seed: int, *, kills: bool, zombies: bool) -> None:
    """Try all points against a broker of its own. Exit code 1: something was wrong."""
    began, found = time.monotonic(), []
    with LocalKafka() as kafka, tempfile.TemporaryDirectory(prefix="crash-") as folder:
        broker = Broker(kafka.bootstrap_servers, "local", kafka)
        for wanted, stop in ((kills, False), (zombies, True)):
            if wanted:
                sides: tuple[Side, ...] = ("before",) if stop else SIDES
                place = Path(folder) / ("zombies" if stop else "kills")
                steps = [step for step in ENDED_AT if not (stop and step in PROVOKED)]
                found += run(broker, place, points(steps, sides), seed=seed, stop=stop)
    wrong = [one for one in found if one.wrong]
    for one in wrong:
        click.echo(one)
    click.echo(f"seed {seed}: {sum(len(one.points) for one in found)} points of {len(ENDED_AT)} steps, "
               f"{len(wrong)} trials with something wrong, {time.monotonic() - began:.0f} s")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
