"""`prompt-actions waiting`: what waits, for what and since when; and for one event why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, emit_json, output_option, plain, say

if TYPE_CHECKING:
    from processor.waiting import Account, Group
    from processor.waiting.reading import Found

COLUMNS = ("app", "connector", "cause", "chains", "oldest", "waits", "next_try", "oldest_event")
CAUSES = ("retry", "limit", "circuit", "settings", "attributes", "order", "running")


@click.command()
@click.option("--app", default="", help="Only of this app.")
@click.option("--connector", default="", help="Only chains whose next binding is of this connector.")
@click.option("--cause", type=click.Choice(CAUSES), default=None, help="Only chains that wait for this.")
@click.option("--event", "event_id", metavar="ID", help="Tell of this event what it has done, what it waits for and"
                                                        " why, and what can be done.")
@output_option
@pass_context
def waiting(context: Context, app: str, connector: str, cause: str | None, event_id: str | None, form: Form) -> None:
    """Show how many chains wait, by app and connector, for what, since when, and when they are tried next.

    Read from the topic of open chains, while the processors run.
    """
    from processor.cli.reading import configuration_of, progress_on
    from processor.kafka.reader import LogError
    from processor.waiting import Wanted, read_event, read_summary

    if event_id and (connector or cause):
        raise click.UsageError("--event stands alone, but for --app")
    settings = context.settings
    configuration = configuration_of(context, "which connector comes next is told only where the records name it")
    try:
        with progress_on("Reading") as progress:
            if event_id:
                found = read_event(settings, event_id, app=app, configuration=configuration, progress=progress)
            else:
                groups = read_summary(settings, Wanted(app, connector, cause or ""), configuration=configuration,
                                      progress=progress)
    except LogError as error:
        raise click.ClickException(str(error)) from None
    if event_id:
        _show_event(event_id, found, form)
    else:
        _show_groups(groups, form)


def _show_groups(groups: list[Group], form: Form) -> None:
    now = time.time()
    emit([_row(one, now) for one in groups], COLUMNS, form)
    total = sum(one.chains for one in groups)
    say(f"{total} {'waits' if total == 1 else 'wait'}." if total else "Nothing waits.")


def _row(group: Group, now: float) -> dict[str, Any]:
    from processor.waiting.account import spoken

    return {
        "app": group.app_id, "connector": group.connector, "cause": group.cause, "chains": group.chains,
        "oldest": spoken(group.oldest), "waits": _length(now - group.oldest / 1000),
        "next_try": spoken(group.next_at) if group.next_at else None, "oldest_event": group.oldest_event,
        "oldest_ms": group.oldest, "next_try_ms": group.next_at,
    }


def _length(seconds: float) -> str:
    """A length of time in its two largest units."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _show_event(event_id: str, found: Found, form: Form) -> None:
    if found.accounts:
        for one in found.accounts:
            emit_json(_as_json(one)) if form == "json" else click.echo(_as_text(one))
        return
    from processor.waiting.account import spoken

    for app, part, at in found.ended:
        if form == "json":
            emit_json({"app": app, "event": event_id, "part": part, "state": "ended", "ended_ms": at})
        whose = "its chain" if part == "chain" else "the last of its exports"
        say(f"Event {event_id} of app {app}: {whose} ended at {spoken(at)}.")
    if found.ended:
        say(f"It waits for nothing. Its outcomes: `prompt-actions results list --event {event_id}`; what failed"
            " is among the dead letters.")
    if not found.ended:
        say(f"Nothing is open of event {event_id}, and it did not end within the window of remembered ids. Either it "
            "has not come yet, its id or --app is another, nothing is bound to it, or it ended long ago.")
        raise SystemExit(FAILED)


def _as_json(one: Account) -> dict[str, Any]:
    where, record = one.waiting, one.record
    return {
        "app": where.app_id, "event": record.event_id, "run": record.run, "part": _part(one), "state": record.state,
        "cause": where.cause, "connector": where.connector, "binding": where.binding, "since_ms": where.since,
        "next_try_ms": where.next_at, "attempts": record.attempts, "first_failed_ms": record.first_failed_at,
        "missing": list(where.missing), "behind": list(one.behind), "config_version": record.config_version,
        "done": [{"binding": done.binding_id, "outcome": done.outcome, "reason": done.reason,
                  "reference": done.reference, "finished_ms": done.finished_at} for done in one.done],
        "says": one.says,
    }


def _part(one: Account) -> str:
    return "exports" if one.waiting.exports else "chain"


def _as_text(one: Account) -> str:
    from processor.waiting.account import spoken

    where, record = one.waiting, one.record
    replay = f", replay {record.run}" if record.run else ""
    came = f"It came at {spoken(record.origin.timestamp)} and waits since {spoken(where.since)}."
    lines = [f"Event {record.event_id} of app {where.app_id}{replay}: its {_part(one)}.", came]
    lines += [f"  done: {done.binding_id}: {done.outcome}{_reference(done)} at {spoken(done.finished_at)}"
              for done in one.done] or ["  done: nothing yet"]
    return plain("\n".join([*lines, *one.says, ""]))


def _reference(done: Any) -> str:
    told = done.reference or done.reason
    return f" ({told})" if told else ""
