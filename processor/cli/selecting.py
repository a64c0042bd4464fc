"""What commands of dead letters share: the filters, the desk, and who acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from processor.cli.context import Context
from processor.cli.output import say

if TYPE_CHECKING:
    from processor.dead_letters import Desk, Selection

C = TypeVar("C", bound=Callable[..., Any])
STATES = ("open", "replayed", "succeeded", "closed", "all")
OPTIONS = (
    click.option("--app", default="", help="Of this app."),
    click.option("--connector", default="", help="Of this connector: stripe."),
    click.option("--action", default="", help="Of this action: apply_coupon, or stripe.apply_coupon."),
    click.option("--reason", default="", help="rejected, misconfigured, missing_attributes, unavailable, in_doubt, "
                                              "undecodable, broken."),
    click.option("--code", default="", help="With this code of the vendor, or of ours."),
    click.option("--prompt", default="", help="Of this prompt."),
    click.option("--interaction", default="", help="Of this interaction: accept."),
    click.option("--user", default="", help="Of this user."),
    click.option("--event", default="", help="Of this event."),
    click.option("--since", default="", help="That failed since then: 2h for so long ago, or a date and time."),
    click.option("--from", "from_", default="", help="The same as --since."),
    click.option("--until", default="", help="That failed before then."),
    click.option("--text", default="", help="With this text in what the failures say."),
    click.option("--id", "ids", multiple=True, help="With this id, or these first digits of it. Can be repeated."),
)


def selection_options(command: C) -> C:
    """Add the filters; the command gets them under their names, and `selection` makes one of them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def state_option(default: str) -> Callable[[C], C]:
    """Add `--state`."""
    return click.option("--state", type=click.Choice(STATES), default=default, show_default=True,
                        help="Letters that stand so.")


def selection(state: str, values: dict[str, Any]) -> Selection:
    """The filters as they were typed; raises click.UsageError."""
    from processor.dead_letters import Selection, moment

    now = time.time()
    since = values.pop("since") or values.pop("from_", "")
    values.pop("from_", "")
    until = values.pop("until")
    ids = tuple(values.pop("ids"))
    if any(not one or set(one) - set("0123456789abcdef") for one in ids):
        raise click.UsageError(f"--id takes ids as `list` shows them, not {', '.join(ids)}")
    try:
        begin, end = (moment(text, now) if text else 0 for text in (since, until))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Selection(**values, since=begin, until=end, ids=ids, states=() if state == "all" else (state,))


@contextmanager
def opened(context: Context, *, as_whom: str = "", needs_configuration: bool = False) -> Iterator[Desk]:
    """The desk, with its index brought up to date; problems are told as a person can mend them."""
    from processor.avro.registry import RegistryError
    from processor.cli.reading import codec_of, configuration_of, progress_on
    from processor.config.source import load_configuration
    from processor.dead_letters import Desk, DeskError, actor
    from processor.kafka.reader import LogError

    settings = context.settings
    configuration = load_configuration(settings, context.environ) if needs_configuration \
        else configuration_of(context, "what a replay would do is not told")
    try:
        with Desk(settings, codec_of(settings), actor(as_whom), configuration) as desk:
            with progress_on("Reading dead letters") as progress:
                desk.follow(progress)
            if desk.index.strange:
                say(f"Note: {desk.index.strange} records of {settings.topics.dead_letters} are no letters that this "
                    "version can read; they are left out.")
            yield desk
    except (LogError, DeskError, RegistryError) as error:
        raise click.ClickException(str(error)) from None


def confirmed(question: str, *, yes: bool) -> None:
    """Ask, unless `--yes` was typed; refuse where nobody can be asked."""
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: look at the plan, then add --yes")
    click.confirm(question, abort=True, err=True)
