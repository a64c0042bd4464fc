"""`python -m testkit.crash --at Committer.submit:2:before [--stop] -- run`: a processor that ends at a point."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from processor.cli.main import main as processor
from testkit.crash import in_hand
from testkit.crash.point import Point, halted, install, killed


@click.command()
@click.option("--at", "places", multiple=True, metavar="POINT", help="Class.method:call:before, or ...:after.")
@click.option("--stop", is_flag=True, help="Stand still (SIGSTOP) instead of ending (SIGKILL).")
@click.option("--noting", type=click.Path(path_type=Path), help="Keep there which call was being written last.")
@click.argument("command", nargs=-1, required=True)
def main(places: tuple[str, ...], noting: Path | None, *, stop: bool, command: tuple[str, ...]) -> None:
    """Run `prompt-actions COMMAND` until it comes to a point."""
    if noting is not None:
        in_hand.note(noting)
    for place in places:
        install(Point.read(place), halted if stop else killed)
    sys.argv = ["prompt-actions", *command]
    processor()


if __name__ == "__main__":
    main()
