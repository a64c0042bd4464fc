"""`connectors check` and `connectors options`: ask vendors with the settings of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, SOME_FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.config.model import App, AppConnector, Configuration
    from processor.control.checking import Checked

COLUMNS = ("app", "connector", "state", "account", "mode", "message", "advice")
WORDS = {"works": "works", "fails": "fails", "untested": "cannot be tested"}


@click.command("check")
@click.argument("connector_ids", metavar="[CONNECTOR]...", nargs=-1)
@click.option("--app", "app_id", help="Only this app. Default: all.")
@output_option
@pass_context
def check_command(context: Context, connector_ids: tuple[str, ...], app_id: str | None, form: Form) -> None:
    """Test the connections: does each vendor take the app's settings?

    Makes the cheapest read that a vendor offers, changes nothing. Exit code 3 where some fail.
    """
    from processor.control.switchboard import check_all

    wanted = _wanted(_configuration(context), app_id, connector_ids)
    found = list(check_all(wanted, context.settings.http))
    emit([_row(one, form) for one in found], COLUMNS, form)
    counts = {state: sum(1 for one in found if one.state == state) for state in WORDS}
    say(f"{counts['works']} work, {counts['fails']} fail, {counts['untested']} cannot be tested.")
    if counts["fails"]:
        raise SystemExit(SOME_FAILED)


@click.command("options")
@click.argument("app_id", metavar="APP")
@click.argument("connector_id", metavar="CONNECTOR")
@click.argument("name", metavar="NAME")
@output_option
@pass_context
def options_command(context: Context, app_id: str, connector_id: str, name: str, form: Form) -> None:
    """A pick list of a vendor: prices, coupons, agents, templates ... with the app's settings.

    `connectors show CONNECTOR` tells which parameter picks from which list.
    """
    from connectors.kit.errors import Failure
    from processor.control.checking import advice, options
    from processor.control.switchboard import dialling

    [(_, used)] = _wanted(_configuration(context), app_id, (connector_id,))
    _check_list(used, name)
    try:
        with dialling(context.settings.http) as dial:
            found = options(used, name, dial)
    except Failure as failure:
        say(f"Error: {connector_id} gives no list: {failure}. What to do: {advice(connector_id, failure)}.")
        raise SystemExit(FAILED) from None
    emit([one._asdict() for one in found], ("value", "title"), form)
    say(f"{len(found)} to pick from.")


def _check_list(used: AppConnector, name: str) -> None:
    from processor.config.errors import nearest

    connector = used.connector
    if name not in connector.options:
        hint = nearest(name, connector.options) or "it has none"
        raise click.UsageError(f"'{connector.id}' has no pick list '{name}' ({hint})")
    if not used.active:
        raise click.UsageError(f"'{connector.id}' is not active for this app; set active: true in its connectors.yaml")


def _configuration(context: Context) -> Configuration:
    from processor.config.source import load_configuration

    settings = context.settings
    return load_configuration(settings, context.environ)


def _wanted(
    configuration: Configuration, app_id: str | None, connector_ids: tuple[str, ...]
) -> list[tuple[str, AppConnector]]:
    """The connectors that are meant, each with its app; raises UsageError for a name that nobody uses."""
    from processor.config.errors import nearest

    apps = list(configuration.apps.values()) if app_id is None else [_app(configuration, app_id)]
    known = {name for app in apps for name in app.connectors}
    for name in connector_ids:
        if name not in known:
            where = f"app '{app_id}' has" if app_id else "no app has"
            raise click.UsageError(f"{where} {'no' if app_id else 'a'} connector '{name}' ({nearest(name, known)})")
    return [(app.id, used) for app in apps for name, used in app.connectors.items()
            if not connector_ids or name in connector_ids]


def _app(configuration: Configuration, app_id: str) -> App:
    from processor.config.errors import nearest

    found = configuration.apps.get(app_id)
    if found is None:
        raise click.UsageError(f"no app '{app_id}' ({nearest(app_id, configuration.apps)})")
    return found


def _row(one: Checked, form: Form) -> dict[str, object]:
    row: dict[str, object] = one._asdict()
    if form == "table":
        row["state"] = WORDS[one.state]
        row["message"] = f"{one.code}: {one.message}" if one.code and one.code != one.message else one.message
    return row
