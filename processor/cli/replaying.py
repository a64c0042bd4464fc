"""`prompt-actions dead-letters replay`: plan, ask, run at a rate, stop and go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.interrupts import ENDS, until_interrupted
from processor.cli.output import FAILED, SOME_FAILED, Form, emit, emit_json, output_option, say
from processor.cli.selecting import confirmed, opened, selection, selection_options, state_option

if TYPE_CHECKING:
    from processor.dead_letters import Desk, Options, Plan, Report, Selection

RATE = 50.0
STOPPING = "Stopping after the step under way ..."
RUN_COLUMNS = ("run", "state", "by", "created", "filter", "letters")


@click.command()
@selection_options
@state_option("open")
@click.option("--rate", type=click.FloatRange(0.1), default=RATE, show_default=True, help="Letters a second at most.")
@click.option("--only-failed", is_flag=True, help="Run the failed bindings, not those skipped behind them.")
@click.option("--attributes", type=click.Choice(["now", "as-they-were"]), default="now", show_default=True,
              help="Which attributes of the user are used.")
@click.option("--after-checking", is_flag=True, help="Somebody looked at the vendor: what is in doubt did not happen.")
@click.option("--force", is_flag=True, help="Also letters that were replayed or closed before.")
@click.option("--edit", is_flag=True, help="Edit the message of the one letter that could not be read, then replay it.")
@click.option("--plan", "only_plan", is_flag=True, help="Show the plan and end.")
@click.option("--resume", default="", metavar="RUN", help="Go on with a run that was stopped.")
@click.option("--abandon", default="", metavar="RUN", help="Give a run up; what was not sent stays as it is.")
@click.option("--as", "as_whom", default="", help="Who decides. Default: the operating system's user.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--patience", type=click.FloatRange(0), default=30.0, show_default=True,
              help="Seconds without any end after which the ends are not waited for any more.")
@output_option
@pass_context
def replay(
    context: Context, /, state: str, rate: float, attributes: str, resume: str, abandon: str, as_whom: str,
    patience: float, form: Form, *, only_failed: bool, after_checking: bool, force: bool, edit: bool, only_plan: bool,
    yes: bool, **filters: Any,
) -> None:
    """Replay letters: a plan first, then a question, then the run.

    Each chain begins at its failed step; what succeeded is not done again. Ctrl-C stops between two letters, and
    --resume goes on. Exit code 3: some letters failed again, were left out, or have not ended yet.
    """
    from processor.dead_letters import Options

    wanted = selection("all" if force and state == "open" else state, filters)
    options = Options(only_failed, attributes == "as-they-were", after_checking, force)
    with opened(context, as_whom=as_whom, needs_configuration=True) as desk:
        if abandon:
            desk.abandon(abandon)
            say(f"Run {abandon} is given up.")
            return
        run = resume or _planned(desk, wanted, options, rate, form, edit=edit, only_plan=only_plan, yes=yes)
        if run:
            _make(desk, run, rate, patience, form)


def _planned(
    desk: Desk, wanted: Selection, options: Options, rate: float, form: Form, *, edit: bool, only_plan: bool, yes: bool,
) -> str:
    """The run that was planned and agreed to; "" where there is none."""
    edited = _edited(desk, wanted) if edit else None
    plan = desk.plan(wanted, options, rate, edited)
    try:
        _show(plan, wanted, rate, form)
        if only_plan or not plan.letters:
            desk.drop(plan.run)
            return ""
        confirmed(f"Replay {plan.letters} letters?", yes=yes)
    except click.exceptions.Exit:
        raise
    except (click.Abort, click.UsageError):
        desk.drop(plan.run)
        raise
    return plan.run


def _show(plan: Plan, wanted: Selection, rate: float, form: Form) -> None:
    if form == "json":
        emit_json({
            **plan._asdict(), "calls": [{"app": app, "connector": connector, "bindings": count}
                                        for (app, connector), count in plan.calls.items()],
            "repeats": [{"action": action, "kept_safe_by": how, "bindings": count}
                        for (action, how), count in plan.repeats.items()]})
        return
    for line in _told(plan, wanted, rate):
        click.echo(line)


def _told(plan: Plan, wanted: Selection, rate: float) -> Iterator[str]:
    yield f"Plan of run {plan.run} ({wanted.said()})"
    yield f"  {plan.letters} letters would be replayed, oldest first"
    yield f"  {plan.chains} from their failed step on, {plan.published} messages published again"
    for (app, connector), count in sorted(plan.calls.items()):
        yield f"  calls   {count} bindings of {connector} for {app}"
    if plan.expired:
        yield f"  expired {plan.expired} bindings are too old and end as expired, without a call"
    for (action, how), count in sorted(plan.repeats.items()):
        yield f"  repeats {count} of {action} may have happened before; kept from happening twice by: {how}"
    for why, count in sorted(plan.refused.items(), key=lambda one: -one[1]):
        yield f"  left out {count}: {why}"
    yield f"  at {rate:g} letters a second and today's limits it takes about {_length(plan.seconds)}"


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds) + 1, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _make(desk: Desk, run: str, rate: float, patience: float, form: Form) -> None:
    with _bar() as (told, tell), until_interrupted(lambda: tell(STOPPING), ENDS) as stop:
        report = desk.replay(run, rate, stop=stop, progress=told, patience=patience)
    _tell(report, form)
    left = report.counts.get("sent", 0) + report.counts.get("planned", 0)
    unhappy = report.counts.get("failed", 0) + report.counts.get("skipped", 0) + report.counts.get("gone", 0)
    if left or unhappy:
        raise SystemExit(SOME_FAILED if report.counts.get("succeeded") or left else FAILED)


def _tell(report: Report, form: Form) -> None:
    if form == "json":
        emit_json({**report._asdict(), "counts": dict(report.counts)})
    counts = report.counts
    ends = ", ".join(f"{counts[name]} {name}" for name in ("succeeded", "failed", "closed", "skipped", "gone")
                     if counts.get(name))
    say(f"Run {report.run}: {ends or 'nothing has ended yet'}.")
    for reason, code, count in report.failures:
        say(f"  failed again: {count} {reason}, {code}")
    if counts.get("sent"):
        say(f"  {counts['sent']} are on their way and have not ended; `dead-letters replay --resume {report.run}` waits"
            " on, `prompt-actions waiting` says what holds them")
    if not report.finished:
        say(f"  stopped: {counts.get('planned', 0)} letters were not sent; `dead-letters replay --resume {report.run}`"
            " goes on")


@contextmanager
def _bar() -> Iterator[Any]:
    """A bar on a terminal's standard error, for what was sent and what has ended; and a way to talk above it."""
    import sys

    if not sys.stderr.isatty():
        yield (lambda _counts: None), say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=Console(stderr=True)) as bar:
        sent, ended = bar.add_task("sent ", total=None), bar.add_task("ended", total=None)

        def told(counts: Counter[str]) -> None:
            total = sum(counts.values())
            bar.update(sent, completed=total - counts["planned"], total=total)
            bar.update(ended, completed=total - counts["planned"] - counts["sent"], total=total)

        yield told, bar.console.print  # what goes past the bar, is wiped out by it


def _edited(desk: Desk, wanted: Selection) -> bytes:
    """The one letter's message as somebody mended it, in an editor."""
    import orjson

    from processor.avro.jsonform import JsonFormError, event_from_json
    from processor.dead_letters.editing import draft

    found = desk.list(wanted, limit=2)
    if len(found) != 1 or found[0].reason != "undecodable":
        raise click.UsageError("--edit takes one letter that could not be read: name it by --id")
    text = draft(desk.letter(found[0]))
    while True:
        changed = click.edit(text, extension=".json")
        if changed is None:
            raise click.Abort
        try:
            return desk.encode_event(event_from_json(orjson.loads(changed)))
        except (orjson.JSONDecodeError, JsonFormError) as error:
            say(f"That is no interaction: {error}")
            click.confirm("Edit again?", default=True, abort=True, err=True)
            text = changed


@click.command()
@output_option
@pass_context
def runs(context: Context, form: Form) -> None:
    """Show the runs of replays that were made from here, newest first."""
    from processor.dead_letters.runs import said
    from processor.dead_letters.selection import spoken

    with opened(context) as desk:
        rows = [{"run": run.id, "state": run.state, "by": run.by, "created": spoken(run.created),
                 "filter": "; ".join(said(run.selection, run.options)), **counts,
                 "letters": ", ".join(f"{count} {state}" for state, count in counts.items())}
                for run, counts in desk.runs()]
    emit(rows, RUN_COLUMNS, form)
