"""`prompt-actions results`: what came of events, newest first, or as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from processor.cli.context import Context, pass_context
from processor.cli.interrupts import until_interrupted
from processor.cli.output import Form, emit, emit_json, output_option, plain, say

if TYPE_CHECKING:
    from processor.model.outcome import ActionResult
    from processor.results import Reader, Wanted

C = TypeVar("C", bound=Callable[..., Any])
COLUMNS = ("time", "app", "event", "user", "binding", "outcome", "reason", "code", "run")
OPTIONS = (
    click.option("--app", default="", help="Of this app."),
    click.option("--user", default="", help="Of this user."),
    click.option("--event", default="", help="Of this event."),
    click.option("--prompt", default="", help="Of this prompt."),
    click.option("--connector", default="", help="Of this connector: stripe."),
    click.option("--action", default="", help="Of this action: apply_coupon, or stripe.apply_coupon."),
    click.option("--outcome", type=click.Choice(["succeeded", "failed", "skipped", "expired"]), default=None,
                 help="That ended so."),
    click.option("--reason", default="", help="That failed for this reason."),
    click.option("--since", default="", help="That ended since then: 2h for so long ago, or a date and time."),
)


def _filters(command: C) -> C:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.group()
def results() -> None:
    """Show what came of events: one outcome for each binding and run."""


@results.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@output_option
@pass_context
def list_(context: Context, /, limit: int, form: Form, **filters: Any) -> None:
    """List outcomes, newest first. The topic is read; --since makes that quick."""
    with _opened(context) as reader:
        found = _newest(reader, _wanted(filters), limit)
    emit([_row(one, form) for one in found], COLUMNS, form)
    say(f"{len(found)} outcomes.")


@results.command()
@_filters
@click.option("-n", "--lines", "number", type=click.IntRange(0), default=10, show_default=True,
              help="Begin with the newest so many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@output_option
@pass_context
def tail(context: Context, /, number: int, form: Form, *, follow: bool, **filters: Any) -> None:
    """Print the newest outcomes in their order, and with --follow what comes."""
    wanted = _wanted(filters)
    with _opened(context) as reader:
        for one in reversed(_newest(reader, wanted, number)):
            _print(one, form)
        if follow:
            with until_interrupted() as ended:
                for one in reader.follow(wanted, ended):
                    _print(one, form)


def _newest(reader: Reader, wanted: Wanted, limit: int) -> list[ActionResult]:
    from processor.cli.reading import progress_on

    with progress_on("Reading outcomes") as progress:
        return reader.newest(wanted, limit, progress)


@contextmanager
def _opened(context: Context) -> Iterator[Reader]:
    from processor.avro.registry import RegistryError
    from processor.cli.reading import codec_of
    from processor.kafka.reader import LogError
    from processor.results import Reader

    try:
        with Reader(context.settings, codec_of(context.settings)) as reader:
            yield reader
            if reader.strange:
                say(f"Note: {reader.strange} records of {context.settings.topics.results} are no results that this"
                    " version can read; they are left out.")
    except (LogError, RegistryError) as error:
        raise click.ClickException(str(error)) from None


def _wanted(filters: dict[str, Any]) -> Wanted:
    from processor.dead_letters.selection import moment
    from processor.results import Wanted

    since = filters.pop("since")
    try:
        begin = moment(since, time.time()) if since else 0
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Wanted(**{name: value or "" for name, value in filters.items()}, since=begin)


def _row(result: ActionResult, form: Form) -> dict[str, Any]:
    from processor.avro.jsonform import to_json
    from processor.dead_letters.selection import spoken

    if form == "json":
        return to_json(result)
    return {"time": spoken(result.finished_at)[5:19], "app": result.app_id, "event": result.event_id,
            "user": result.user_id, "binding": result.binding_id, "outcome": result.outcome, "reason": result.reason,
            "code": result.code, "run": result.run or None}


def _print(result: ActionResult, form: Form) -> None:
    row = _row(result, form)
    if form == "json":
        emit_json(row)
    else:
        click.echo("  ".join(filter(None, (plain(row[name]).replace("\n", " ") for name in COLUMNS))))
