"""`prompt-actions books`: whether everything that came in is accounted for, from the durable records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, emit_json, output_option, say

if TYPE_CHECKING:
    from processor.books import Books

COLUMNS = ("partition", "records", "undecodable", "forwarded", "duplicates", "unbound", "untraced", "events", "units",
           "finished", "parked", "lost", "planned", "outcomes", "in_flight")
DIFFERENCE_COLUMNS = ("kind", "partition", "app_id", "event_id", "says")


def moment(_context: click.Context, option: click.Parameter, value: str | None) -> float:
    """A time (ISO 8601 with a zone) or how long ago (90m, 2d), in seconds since 1970; 0 where none is given."""
    from datetime import datetime

    from processor.config.durations import seconds

    if value is None:
        return 0.0
    try:
        return time.time() - seconds(value)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter("write how long ago (90m, 2d), or a time with its zone (2027-01-15T08:00:00Z)",
                                 param=option)
    return found.timestamp()


@click.command()
@click.option("--since", callback=moment, metavar="TIME", help="Leave out earlier events: how long ago (90m, 2d), or an"
                                                               " ISO 8601 time with its zone.")
@output_option
@pass_context
def books(context: Context, since: float, form: Form) -> None:
    """Draw up the books: events in = finished + parked + set aside, bindings planned = outcomes.

    Computed from the topics alone, while the processors run. Exit code 1, with every difference named, where it does
    not balance.
    """
    from processor.avro.registry import RegistryError
    from processor.books import read_books
    from processor.cli.reading import codec_of, configuration_of, progress_on
    from processor.kafka.reader import LogError

    settings = context.settings
    configuration = configuration_of(context, "events without any trace cannot be called lost")
    try:
        with progress_on("Reading") as progress:
            found = read_books(settings, configuration=configuration, codec=codec_of(settings), since=since,
                               progress=progress)
    except (LogError, RegistryError) as error:
        raise click.ClickException(str(error)) from None
    _show(found, form)
    if not found.balanced:
        raise SystemExit(FAILED)


def _show(found: Books, form: Form) -> None:
    if form == "json":
        emit_json(_as_json(found))
    else:
        emit([_row(one) for one in (*found.partitions, found.total)], COLUMNS, form)
        if found.differences:
            emit([one._asdict() for one in found.differences], DIFFERENCE_COLUMNS, form, "What does not balance")
    for note in found.notes:
        say(f"Note: {note}.")
    if found.total.untraced:
        say(f"Note: {found.total.untraced} events have no trace; only the configuration tells whether they should.")
    say(_conclusion(found))


def _row(one: Any) -> dict[str, Any]:
    return {**one._asdict(), "partition": "all" if one.partition < 0 else one.partition}


def _as_json(found: Books) -> dict[str, Any]:
    return {
        "balanced": found.balanced, "total": _row(found.total), "partitions": [_row(one) for one in found.partitions],
        "difference_count": found.difference_count, "differences": [one._asdict() for one in found.differences],
        "notes": list(found.notes),
    }


def _conclusion(found: Books) -> str:
    total = found.total
    if found.balanced:
        return (f"The books balance: {total.units} chains and exports = {total.finished} finished + {total.parked} "
                f"open; {total.planned} bindings planned = {total.outcomes} outcomes; "
                f"{total.in_flight} offsets in flight.")
    return (f"The books do not balance: {found.difference_count} differences. Run it again to rule out that something "
            "was just moving; what stays is a bug: report it with the log and the version.")
