"""`prompt-actions dead-letters`: find, understand, replay, close and export what failed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import Form, emit, emit_json, output_option, plain, say
from processor.cli.replaying import replay, runs
from processor.cli.selecting import confirmed, opened, selection, selection_options, state_option

if TYPE_CHECKING:
    from processor.dead_letters import Desk, Entry, Group
    from processor.model.dead_letter import DeadLetter

COLUMNS = ("id", "time", "app", "event", "user", "action", "reason", "code")
GROUP_COLUMNS = ("letters", "app", "action", "reason", "code", "state", "last")
SHORT_ID = 10
SHORT_TIME = slice(5, 16)
"""Month to minute: the rest is told by `show` and in JSON."""


@click.group("dead-letters")
def dead_letters() -> None:
    """Find, understand, replay, close and export what failed."""


dead_letters.add_command(replay)
dead_letters.add_command(runs)


@dead_letters.command("list")
@selection_options
@state_option("open")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Letters of a page.")
@click.option("--after", default="", metavar="ID", help="Go on behind this letter: the last one of the page before.")
@output_option
@pass_context
def list_(context: Context, /, state: str, limit: int, after: str, form: Form, **filters: Any) -> None:
    """List letters, newest first, page by page."""
    wanted = selection(state, filters)
    with opened(context) as desk:
        try:
            found = desk.list(wanted, limit=limit, after=after)
        except ValueError:
            raise click.UsageError(f"--after: no letter has the id '{after}'; take one as `list` shows it") from None
        emit([_row(one, form) for one in found], COLUMNS, form)
        total = desk.index.count(wanted)
    more = f" Next page: --after {found[-1].id[:SHORT_ID]}" if len(found) == limit and total > limit else ""
    say(f"{len(found)} of {total} letters ({wanted.said()}).{more}")


def _row(entry: Entry, form: Form) -> dict[str, Any]:
    from processor.dead_letters.selection import spoken

    row = {**entry._asdict(), "key": entry.key.decode("utf-8", "backslashreplace"), "time": spoken(entry.at)}
    if form == "table":
        row["id"] = entry.id[:SHORT_ID]
        row["action"] = f"{entry.connector}.{entry.action}" if entry.connector else ""
        row["time"] = row["time"][SHORT_TIME]
    return row


@dead_letters.command()
@click.argument("letter", metavar="ID")
@click.option("--now", is_flag=True, help="Also read the attributes that the user has now.")
@output_option
@pass_context
def show(context: Context, letter: str, *, now: bool, form: Form) -> None:
    """Tell what happened, why, who must act and how, and what a replay would do.

    ID is a letter's id or its first digits, an event's id, or the key of the record.
    """
    with opened(context) as desk:
        entry = desk.find(letter)
        found = desk.letter(entry)
        if form == "json":
            emit_json(_as_json(desk, entry, found))
            return
        from processor.dead_letters.telling import told

        attributes = desk.attributes_now(found) if now and found.user_id else None
        click.echo(plain("\n".join(told(entry.key, found, desk.verdict(found), attributes))))


def _as_json(desk: Desk, entry: Entry, letter: DeadLetter) -> dict[str, Any]:
    from processor.avro.jsonform import to_json
    from processor.dead_letters.telling import ACT, WHY

    verdict = desk.verdict(letter)
    return {
        "id": entry.id, "partition": entry.partition, "offset": entry.offset, **to_json(letter),
        "why": WHY.get(letter.reason, ""), "who_must_act": ACT.get(letter.reason, ""),
        "replay": verdict and {**verdict._asdict(), "reruns": [one._asdict() for one in verdict.reruns]},
    }


@dead_letters.command()
@selection_options
@state_option("all")
@output_option
@pass_context
def stats(context: Context, /, state: str, form: Form, **filters: Any) -> None:
    """Count letters by app, action, reason, code and state, the most numerous first."""
    from processor.dead_letters.selection import spoken

    wanted = selection(state, filters)
    with opened(context) as desk:
        groups = desk.stats(wanted)
    rows = [{**one._asdict(), "first": spoken(one.first), "last": spoken(one.last), **_named(one, form)}
            for one in groups]
    emit(rows, GROUP_COLUMNS, form)
    say(f"{sum(one.letters for one in groups)} letters ({wanted.said()}).")


def _named(group: Group, form: Form) -> dict[str, str]:
    from processor.dead_letters.selection import spoken

    whole = f"{group.connector}.{group.action}" if group.connector else ""
    return {"action": whole, "last": spoken(group.last)[SHORT_TIME]} if form == "table" else {}


@dead_letters.command()
@selection_options
@state_option("all")
@click.option("--form", "kind", type=click.Choice(["json", "csv", "avro"]), default="json", show_default=True,
              help="JSON lines and Avro hold all of a letter, CSV what lists show.")
@click.option("--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="A file; else standard output.")
@click.option("--hide-personal", is_flag=True, help="Write *** for personal data.")
@pass_context
def export(
    context: Context, /, state: str, kind: str, path: Path | None, *, hide_personal: bool, **filters: Any,
) -> None:
    """Write letters to a file, newest first."""
    from processor.dead_letters.exporting import Form as Kind

    wanted = selection(state, filters)
    if kind == "avro" and hide_personal:
        raise click.UsageError("Avro holds letters byte for byte: --hide-personal needs json or csv")
    if kind == "avro" and path is None and sys.stdout.isatty():
        raise click.UsageError("Avro is no text: name a file by --to")
    with opened(context) as desk:
        if path is None:
            count = desk.export(wanted, cast("Kind", kind), sys.stdout.buffer, hide=hide_personal)
        else:
            with path.open("wb") as out:
                count = desk.export(wanted, cast("Kind", kind), out, hide=hide_personal)
    say(f"{count} letters written ({wanted.said()}).")


@dead_letters.command()
@selection_options
@state_option("open")
@click.option("--because", "reason", required=True, help="Why; it stays with the letters and in the audit.")
@click.option("--as", "as_whom", default="", help="Who decides. Default: the operating system's user.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def close(context: Context, /, state: str, reason: str, as_whom: str, *, yes: bool, **filters: Any) -> None:
    """Close letters that nobody will replay."""
    from processor.cli.reading import progress_on

    wanted = selection(state, filters)
    with opened(context, as_whom=as_whom) as desk:
        total = desk.index.count(wanted)
        if not total:
            say(f"No letter matches ({wanted.said()}).")
            return
        confirmed(f"Close {total} letters ({wanted.said()})?", yes=yes)
        with progress_on("Closing") as progress:
            count = desk.close(wanted, reason, *([progress] if progress else []))
    say(f"{count} letters closed.")
