"""How load lies on partitions and limits on processes, for docs/scaling.md: `python -m benchmarks.scaling`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from processor.engine.shares import shares
from processor.kafka.murmur2 import partition_of

USERS = 1_000_000
PARTITIONS = (12, 48, 192)
PROCESSES = (10, 50, 150)
LIMIT = 100.0
"""Calls a second that a vendor takes of one app; most take about as many."""
SKEWS = (0.0, 0.5, 1.0)
"""Of how often users act: none, or by Zipf's law with this exponent."""


def busiest(partitions: int, users: int, skew: float) -> float:
    """The load of the fullest partition, as a multiple of the mean."""
    loads = [0.0] * partitions
    for number in range(users):
        loads[partition_of(b"app:user-%d" % number, partitions)] += (number + 1) ** -skew
    return max(loads) * partitions / sum(loads)


def used(limit: float, wants: Mapping[str, float]) -> float:
    """The part of a limit that is used, where these processes want so many calls a second."""
    given = shares(limit, wants)
    return sum(min(given[name].rate, want) for name, want in wants.items()) / min(limit, sum(wants.values()))


def uneven(processes: int, demand: float) -> Mapping[str, float]:
    """Half of the demand at one process, the rest spread: a hot partition of one app."""
    rest = demand / 2 / max(1, processes - 1)
    return {f"p{number}": rest if number else demand / 2 for number in range(processes)}


def rows() -> Sequence[str]:
    """The tables, a line a row."""
    lines = [f"fullest partition, {USERS:,} users, times the mean, by skew {SKEWS}:"]
    lines += [f"  {one} partitions: " + ", ".join(f"{busiest(one, USERS, skew):.2f}" for skew in SKEWS)
              for one in PARTITIONS]
    lines.append(f"part of a limit of {LIMIT:.0f} a second that is used, half of the demand at one process:")
    lines += [f"  {one} processes: " + ", ".join(f"demand {demand:.0f}: {used(LIMIT, uneven(one, demand)):.2f}"
                                                for demand in (50.0, 100.0, 400.0)) for one in PROCESSES]
    return lines


@click.command(help=__doc__)
def main() -> None:
    """Print them."""
    for line in rows():
        click.echo(line)


if __name__ == "__main__":
    main()
