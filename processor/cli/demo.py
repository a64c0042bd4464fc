"""`prompt-actions demo`: the main job at work, without Kafka or an account."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from processor.cli.context import Context, pass_context
from processor.cli.interrupts import hearing
from processor.cli.output import FAILED

if TYPE_CHECKING:
    from processor.demo.face import Face

MOST_A_SECOND = 40
"""The billing vendor's limit in the example is 20 calls a second: more would only queue there."""
MOST_INDENT = 45


@click.command()
@click.option("--seconds", type=click.FloatRange(10, 3600), default=20.0, show_default=True,
              help="How long it takes, about.")
@click.option("--rate", type=click.FloatRange(1, MOST_A_SECOND), default=12.0, show_default=True,
              help="Interactions a second.")
@click.option("--seed", type=int, default=7, show_default=True, help="Where chance begins: the same users and events.")
@click.option("--keep", is_flag=True, help="Go on until Ctrl-C, with a gentle stream.")
@click.option("--kafka", "servers", metavar="HOST:PORT", default="",
              help="A real broker, with topics of the demo's own. Default: a broker inside this process.")
@click.option("--keep-topics", is_flag=True, help="Let the topics on the real broker stay.")
@click.option("--save", type=click.Path(path_type=Path, file_okay=False),
              help="Leave log, results and dead letters in this folder.")
@pass_context
def demo(context: Context, seconds: float, rate: float, seed: int, servers: str, save: Path | None, *, keep: bool,
         keep_topics: bool) -> None:
    """Run the real processor on an embedded broker against emulated vendors, and watch it.

    Two example apps, a hundred made-up users, every kind of interaction, and scripted trouble: an outage, a rate
    limit, a lost answer, a missing coupon, unsynced attributes, a message that cannot be read. At the end the books
    are checked: exit code 0 if they balance, every event has its outcomes, and no vendor saw an effect twice; else 1.
    """
    from processor.demo.show import DemoError, Interrupts, show
    from processor.demo.stage import Wish
    from processor.kafka.admin import KafkaUnreachableError, TopicChangeError
    from processor.settings import KafkaSettings
    from testkit.kafka.errors import NoKafka

    kafka = context.settings.kafka if servers else KafkaSettings()
    wish = Wish(seconds, rate, seed, keep, servers, kafka, keep_topics, save)
    interrupts = Interrupts()
    try:
        with hearing(interrupts):
            good = show(wish, _face, _say, interrupts)
    except (DemoError, KafkaUnreachableError, TopicChangeError, NoKafka, OSError) as error:
        raise click.ClickException(str(error)) from error
    if not good:
        click.echo("The demo did not keep its promises: see BAD above.", err=True)
        raise SystemExit(FAILED)


def _face() -> Face:
    from rich.console import Console

    console = Console()
    if console.is_terminal and not console.is_dumb_terminal and not os.environ.get("CI"):
        from processor.demo.screen import Screen

        return Screen(console)
    from processor.demo.lines import Lines

    return Lines(click.echo)


def _say(line: str) -> None:
    """A heading stands out; on a terminal, long lines are folded under their beginning."""
    is_heading = not line.startswith(" ")
    styled = is_heading and not os.environ.get("NO_COLOR")
    if sys.stdout.isatty():
        line = textwrap.fill(line, shutil.get_terminal_size().columns - 1, subsequent_indent=" " * _indent(line),
                             break_long_words=False, break_on_hyphens=False)
    click.echo(("\n" if is_heading else "") + (click.style(line, bold=True) if styled else line))


def _indent(line: str) -> int:
    """Where the text of a line in two columns begins; else, a little further than the line."""
    column = re.match(r" +\S.*?  +", line)
    return column.end() if column and column.end() < MOST_INDENT else 4
