"""`prompt-actions explain`: what would run for a user's answer to a prompt, and why not; no call is made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import SOME_FAILED, Form, emit, emit_json, output_option, plain, say

if TYPE_CHECKING:
    from connectors.kit.event import Event
    from processor.config.model import App
    from processor.control.explaining import Step
    from processor.model.attributes import AttributesState

COLUMNS = ("position", "binding", "verdict", "says", "requires", "on_error", "repeat")
EVENT = "explained"
"""Id of the event that is made up."""


def _pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in values]
    for name, separator, _ in pairs:
        if not separator or not name:
            raise click.BadParameter("write NAME=VALUE", param=option)
    return {name: value for name, _, value in pairs}


def _length(_context: click.Context, option: click.Parameter, value: str | None) -> float:
    from processor.config.durations import seconds

    try:
        return seconds(value) if value else 0.0
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None


@click.command()
@click.argument("app_id", metavar="APP")
@click.argument("user_id", metavar="USER")
@click.argument("prompt_id", metavar="PROMPT")
@click.argument("interaction", metavar="INTERACTION")
@click.option("--form", "typed", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A form input.")
@click.option("--ago", callback=_length, metavar="TIME", help="How long ago the interaction was: 3d. Default: now.")
@click.option("--check", is_flag=True, help="Show the first request of each action: unsigned, personal data masked.")
@output_option
@pass_context
def explain(
    context: Context, app_id: str, user_id: str, prompt_id: str, interaction: str, *, typed: dict[str, str],
    ago: float, check: bool, form: Form,
) -> None:
    """Say what would run, in which order, and what is missing, by attributes and files as they are now.

    A dry run: nothing is published, no vendor is called. Exit code 3 where something would fail.
    """
    from connectors.kit.event import Event
    from processor.control.explaining import NOT_GOOD, exports, steps

    app = _app(context, app_id)
    _check_names(app, prompt_id, interaction)
    known = _attributes(context, app_id, user_id)
    now = time.time()
    event = Event(EVENT, app_id, user_id, prompt_id, interaction, round((now - ago) * 1000), form=typed)
    attributes = known.attributes if known else {}
    found = steps(app, event, attributes, now, grace=context.settings.join_grace)
    beside = exports(app, event, attributes, now)
    _show(app, event, known, (found, beside), form, check=check)
    if any(one.verdict in NOT_GOOD for one in (*found, *beside)):
        raise SystemExit(SOME_FAILED)


def _app(context: Context, app_id: str) -> App:
    from processor.config.errors import nearest
    from processor.config.source import load_configuration

    settings = context.settings
    apps = load_configuration(settings, context.environ).apps
    if app_id not in apps:
        raise click.UsageError(f"no app '{app_id}' ({nearest(app_id, apps)})")
    return apps[app_id]


def _check_names(app: App, prompt_id: str, interaction: str) -> None:
    from connectors.kit.event import EXPORT_INTERACTIONS
    from processor.config.errors import nearest

    if interaction not in EXPORT_INTERACTIONS:
        raise click.UsageError(f"no interaction '{interaction}' ({nearest(interaction, EXPORT_INTERACTIONS)})")
    if prompt_id not in app.prompts:
        hint = nearest(prompt_id, app.prompts)
        say(f"Note: nothing is bound to a prompt '{prompt_id}'" + (f" ({hint})." if hint else "."))


def _attributes(context: Context, app_id: str, user_id: str) -> AttributesState | None:
    from processor.attributes import attributes_of
    from processor.avro.registry import RegistryError
    from processor.cli.reading import codec_of, progress_on
    from processor.kafka.reader import LogError

    try:
        with progress_on("Reading attributes") as progress:
            return attributes_of(context.settings, codec_of(context.settings), app_id, user_id, progress)
    except (LogError, RegistryError) as error:
        raise click.ClickException(str(error)) from None


def _show(
    app: App, event: Event, known: AttributesState | None, found: tuple[Sequence[Step], Sequence[Step]], form: Form,
    *, check: bool,
) -> None:
    chain, beside = found
    if form == "json":
        emit_json({
            "app": app.id, "user": event.user_id, "prompt": event.prompt_id, "interaction": event.interaction,
            "config_version": app.version, "attributes": sorted(known.attributes) if known else [],
            "attributes_time": known.time if known else 0,
            "chain": [_row(one, check=check) for one in chain], "exports": [_row(one, check=check) for one in beside]})
        return
    emit([one._asdict() for one in chain], COLUMNS, form, "Chain" if chain else "Chain: nothing is bound")
    if beside:
        emit([one._asdict() for one in beside], COLUMNS[1:5], form, "Exports")
    for one in (*chain, *beside) if check else ():
        if one.request is not None:
            click.echo(plain(f"\n{one.binding}: {one.request.method} {one.request.path}\n{one.request.body}"))
    say(f"Known of the user: {', '.join(sorted(known.attributes)) or 'nothing'}." if known
        else "Nothing is known of the user: never synced, or erased.")
    say(f"Version {app.version}. Nothing was published or called.")


def _row(one: Step, *, check: bool) -> dict[str, Any]:
    row = one._asdict()
    request = row.pop("request")
    if check:
        row["request"] = request._asdict() if request else None
    return row
