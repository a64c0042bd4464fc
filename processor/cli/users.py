"""`prompt-actions users`: forget a user."""

from __future__ import annotations

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import SOME_FAILED, Form, emit, output_option, say
from processor.cli.selecting import confirmed, opened

COLUMNS = ("app", "user", "letters", "chains", "chains_left")


@click.group()
def users() -> None:
    """Forget a user."""


@users.command()
@click.argument("app_id", metavar="APP")
@click.argument("user_id", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", type=click.FloatRange(0), default=30.0, show_default=True,
              help="Seconds to wait until the processor has ended what is open.")
@click.option("--as", "as_whom", default="", help="Who decides. Default: the operating system's user.")
@output_option
@pass_context
def forget(context: Context, app_id: str, user_id: str, wait: float, as_whom: str, form: Form, *, yes: bool) -> None:
    """Forget a user: attributes, chains that wait, dead letters.

    Chains under way end by themselves. What was published, and results, leave the topics by their retention.
    """
    confirmed(f"Forget user '{user_id}' of app '{app_id}': attributes, open chains, dead letters?", yes=yes)
    with opened(context, as_whom=as_whom) as desk:
        found = desk.forget(app_id, user_id, wait)
    emit([{"app": app_id, "user": user_id, **found._asdict()}], COLUMNS, form)
    if found.chains_left:
        say(f"{found.chains_left} chains have not ended: is a processor running? Do it again once it is.")
        raise SystemExit(SOME_FAILED)
