"""`prompt-actions config apply|history|rollback`: versions of apps on the config topic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, SOME_FAILED, Form, emit, output_option, say
from processor.cli.planning import folder_option, opened, plans, plans_of, secrets_option, show, there

if TYPE_CHECKING:
    from processor.config.planning import Plan
    from processor.config.store import Version
    from processor.config.topic_store import TopicStore

APPLIED = ("app", "version", "digest", "by", "note")
HISTORY = ("version", "at", "by", "note", "digest", "live")
as_option = click.option("--as", "as_whom", default="", help="Who decides. Default: the operating system's user.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("apply")
@folder_option
@click.option("--app", "apps", multiple=True, help="Only this app. Can be repeated.")
@click.option("--remove", "removed", multiple=True, help="Remove this app from the topic. Can be repeated.")
@click.option("--base", type=click.IntRange(0), help="Only if this is the app's version now (0: none); with one --app."
                                                     " Default: the version that the plan was made against.")
@click.option("--note", default="", help="Why; it stays in the history and the audit.")
@as_option
@yes_option
@secrets_option
@output_option
@pass_context
def apply(
    context: Context, folder: Path | None, apps: tuple[str, ...], removed: tuple[str, ...], base: int | None,
    note: str, as_whom: str, form: Form, *, yes: bool, lenient: bool,
) -> None:
    """Put the folder's apps live on the config topic, each whole or not at all; every process has it in a second.

    Shows the plan and asks. An app that somebody else changed meanwhile is left as it is, and the command fails.
    """
    if base is not None and len(apps) + len(removed) != 1:
        raise click.UsageError("--base is the version of one app: name it with --app or --remove")
    with opened(context, folder, lenient=lenient) as (store, compiler):
        found, kept = plans(store, compiler, apps) if apps or not removed else ([], [])
        found += plans_of(store, compiler, dict.fromkeys(there(store, removed)))
        show(context, found, [name for name in kept if name not in removed], form)
        put_live(store, found, base, note, as_whom, form, yes=yes)
    tell_who_reads(context)


@click.command("rollback")
@click.argument("app")
@click.option("--to", "number", type=click.IntRange(1), required=True, help="The version whose content it gets back.")
@click.option("--base", type=click.IntRange(0), help="Only if this is the app's version now.")
@click.option("--note", default="", help="Why.")
@as_option
@yes_option
@secrets_option
@output_option
@pass_context
def rollback(
    context: Context, app: str, number: int, base: int | None, note: str, as_whom: str, form: Form, *, yes: bool,
    lenient: bool,
) -> None:
    """Give an app the content of an earlier version back, as a new version."""
    with opened(context, lenient=lenient) as (store, compiler):
        version = store.version(app, number)
        if version is None:
            kept = ", ".join(str(one.number) for one in store.history(app)) or "none"
            raise click.UsageError(f"version {number} of '{app}' is not kept; kept are: {kept}")
        found = plans_of(store, compiler, {app: version.content})
        show(context, found, (), form)
        put_live(store, found, base, f"back to version {number}{f': {note}' if note else ''}", as_whom, form, yes=yes)


@click.command("history")
@click.argument("app")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many versions.")
@output_option
@pass_context
def history(context: Context, app: str, limit: int, form: Form) -> None:
    """Show an app's versions on the config topic, newest first: who applied them, when and why."""
    from processor.config.errors import nearest

    with opened(context) as (store, _):
        found = store.history(app, limit)
        if not found:
            raise click.UsageError(f"no app '{app}' on {store.where} ({nearest(app, store.names())})")
        emit([_row(one, live=one is found[0]) for one in found], HISTORY, form)


def _row(one: Version, *, live: bool) -> dict[str, Any]:
    from processor.waiting.account import spoken

    return {"app": one.name, "version": one.number, "at": spoken(one.at), "by": one.by, "note": one.note,
            "digest": one.digest or "removed", "live": live, "at_ms": one.at}


def put_live(
    store: TopicStore, found: Sequence[Plan], base: int | None, note: str, as_whom: str, form: Form, *, yes: bool,
) -> None:
    """Ask, then apply each; one that is refused does not stop the others."""
    changing = [one for one in found if not one.empty]
    if base is not None:
        _check_base(found, base)
    if not changing:
        say("Nothing to apply.")
        return
    if not yes:
        click.confirm(f"Apply this to {store.where}?", abort=True, err=True)
    made = [_applied(store, one, note, as_whom) for one in changing]
    emit([{"app": one.name, "version": one.number, "digest": one.digest, "by": one.by, "note": one.note}
          for one in made if one is not None], APPLIED, form)
    if None in made:
        raise SystemExit(SOME_FAILED if any(made) else FAILED)


def _check_base(found: Sequence[Plan], base: int) -> None:
    for one in found:
        if one.base != base:
            raise click.ClickException(f"{one.name} is at version {one.base}, not {base}: look at what was changed "
                                       "meanwhile (config history, config plan), then apply again")


def _applied(store: TopicStore, plan: Plan, note: str, as_whom: str) -> Version | None:
    from processor.audit.record import actor
    from processor.config.store import ConflictError

    try:
        made = store.apply(plan.name, plan.content, base=plan.base, by=actor(as_whom).name, note=note)
    except ConflictError as error:
        say(f"Error: {error}.")
        return None
    say(f"{made.name} is at version {made.number}.")
    return made


def tell_who_reads(context: Context) -> None:
    """Say where nobody would take what was applied."""
    if context.settings.config_source == "files":
        say("Note: with these settings processors read the folder; set config_source: topic for those that are to"
            " follow the topic.")
