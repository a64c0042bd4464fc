"""`prompt-actions attributes`: sync, import, show or erase what is known about users."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
import orjson

from processor.cli.context import Context, pass_context
from processor.cli.explain import explain
from processor.cli.importing import import_command
from processor.cli.output import FAILED, Form, emit, emit_json, output_option

SOURCE = "command line"


@click.group()
def attributes() -> None:
    """Sync, import, show or erase attributes of users."""


attributes.add_command(import_command)
attributes.add_command(explain)


@attributes.command("set")
@click.argument("app_id", metavar="APP")
@click.argument("user_id", metavar="USER")
@click.argument("pairs", metavar="NAME=VALUE...", nargs=-1, required=True)
@click.option("--replace", is_flag=True, help="Forget all other attributes of the user.")
@output_option
@pass_context
def set_(context: Context, app_id: str, user_id: str, pairs: tuple[str, ...], *, replace: bool, form: Form) -> None:
    """Sync attributes: NAME=VALUE for a text, NAME:=JSON for numbers, true, false, lists; NAME:=null removes one."""
    from processor.avro.jsonform import JsonFormError, attributes_from_json

    members = {
        "app_id": app_id, "user_id": user_id, "mode": "replace" if replace else "merge", "source": SOURCE,
        "time": round(time.time() * 1000), "attributes": dict(_pair(one) for one in pairs),
    }
    try:
        change = attributes_from_json(members)
    except JsonFormError as error:
        raise click.UsageError(str(error)) from None
    from processor.cli.publishing import codec

    _publish(context, app_id, user_id, codec(context.settings).encode_attributes(change), form)


@attributes.command()
@click.argument("app_id", metavar="APP")
@click.argument("user_id", metavar="USER")
@output_option
@pass_context
def get(context: Context, app_id: str, user_id: str, form: Form) -> None:
    """Show the attributes of a user as the processor has them: all changes merged. Exit code 1 where it has none."""
    from processor.attributes import attributes_of
    from processor.avro.registry import RegistryError
    from processor.cli.reading import codec_of, progress_on
    from processor.kafka.reader import LogError

    try:
        with progress_on("Reading") as progress:
            found = attributes_of(context.settings, codec_of(context.settings), app_id, user_id, progress)
    except (LogError, RegistryError) as error:
        raise click.ClickException(str(error)) from None
    if found is None:
        raise click.ClickException(f"nothing is known of user '{user_id}' of app '{app_id}': never synced, erased, or "
                                   "not yet taken up by a running processor")
    if form == "json":
        emit_json({"app": app_id, "user": user_id, **found._asdict()})
    else:
        emit([{"name": name, "value": found.attributes[name]} for name in sorted(found.attributes)],
             ("name", "value"), form)


@attributes.command()
@click.argument("app_id", metavar="APP")
@click.argument("user_id", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
@pass_context
def delete(context: Context, app_id: str, user_id: str, *, yes: bool, form: Form) -> None:
    """Erase the user: all attributes are forgotten."""
    if not yes and sys.stdin.isatty():
        click.confirm(f"Erase all attributes of user '{user_id}' of app '{app_id}'?", abort=True, err=True)
    _publish(context, app_id, user_id, None, form)


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name.rstrip(":"):
        raise click.UsageError(f"'{text}' is no NAME=VALUE")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"'{text}': behind := stands JSON ({error}); NAME=VALUE takes a text") from None


def _publish(context: Context, app_id: str, user_id: str, value: bytes | None, form: Form) -> None:
    from processor.cli.publishing import Publisher, key

    publisher = Publisher(context.settings)
    publisher.send(context.settings.topics.attributes, key(app_id, user_id), value)
    delivery = publisher.finish()[0]
    emit([{"app": app_id, "user": user_id, **delivery._asdict()}],
         ("app", "user", "topic", "partition", "offset", "error"), form)
    if delivery.error:
        raise SystemExit(FAILED)
