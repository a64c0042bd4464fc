"""`prompt-actions event`: publish one interaction, or a file of many."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click
import orjson

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, SOME_FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from connectors.kit.event import Event
    from processor.avro.codec import Codec
    from processor.cli.publishing import Publisher

OPTIONS = ("app_id", "user_id", "prompt_id", "interaction")


@click.group()
def event() -> None:
    """Publish prompt interactions."""


class Line(NamedTuple):
    """One event to be sent, or why it cannot be."""

    number: int
    event: Event | None
    error: str = ""


def _pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for one in values:
        if "=" not in one:
            raise click.BadParameter(f"'{one}' is no name=value", param=option)
    return dict(one.split("=", 1) for one in values)


@event.command()
@click.option("--app", "app_id", help="App of the user.")
@click.option("--user", "user_id", help="The user's id.")
@click.option("--prompt", "prompt_id", help="The prompt.")
@click.option("--interaction", help="accept, secondary_accept, decline, dismiss, timeout, impression, custom_goal"
                                    " or holdout.")
@click.option("--id", "event_id", help="Event id. Default: a new one.")
@click.option("--time", "moment", help="ISO 8601 with a zone, or milliseconds. Default: now.")
@click.option("--form", "typed", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A form input.")
@click.option("--context", "facts", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A further fact.")
@click.option("--json", "text", help="The whole event as JSON; options stand over its members.")
@click.option("--file", type=click.File("rb"), help="Many events, one JSON object a line; - reads standard input.")
@output_option
@pass_context
def send(context: Context, /, file: IO[bytes] | None, form: Form, **given: Any) -> None:
    """Send one interaction, by options or --json, or the many of a --file.

    Each is checked before it is sent. Prints where it went; exit code 3 where some of a file did not go.
    """
    if file is not None and any(given.values()):
        raise click.UsageError("--file stands alone: its lines hold everything")
    lines = list(_from_file(file)) if file is not None else [_single(given)]
    rows = _sent(context, lines)
    emit(rows, ("line", "event_id", "topic", "partition", "offset", "error"), form)
    failed = sum(1 for row in rows if row["error"])
    say(f"{len(rows) - failed} sent, {failed} not.")
    if failed:
        raise SystemExit(FAILED if file is None else SOME_FAILED)


def _single(given: dict[str, Any]) -> Line:
    members = {name: given[name] for name in (*OPTIONS, "event_id") if given[name]}
    members |= {"form": given["typed"]} if given["typed"] else {}
    members |= {"context": given["facts"]} if given["facts"] else {}
    if given["moment"]:
        members["time"] = int(given["moment"]) if given["moment"].isdigit() else given["moment"]
    try:
        base = orjson.loads(given["text"]) if given["text"] else {}
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"--json is no JSON: {error}") from None
    if not isinstance(base, dict):
        raise click.UsageError('--json must be an object: {"app_id": ...}')
    line = _line(1, base | members)
    if line.event is None:
        raise click.UsageError(line.error)
    return line


def _from_file(file: Iterable[bytes]) -> Iterator[Line]:
    for number, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            yield _line(number, orjson.loads(text))
        except orjson.JSONDecodeError as error:
            yield Line(number, None, f"no JSON: {error}")


def _line(number: int, members: Any) -> Line:
    from processor.avro.jsonform import JsonFormError, event_from_json

    if isinstance(members, dict):
        members = {"event_id": str(uuid.uuid4()), "time": round(time.time() * 1000)} | members
    try:
        return Line(number, event_from_json(members))
    except JsonFormError as error:
        return Line(number, None, str(error))


def _sent(context: Context, lines: list[Line]) -> list[dict[str, Any]]:
    from processor.cli.publishing import Publisher, codec

    good = [line for line in lines if line.event is not None]
    publisher = Publisher(context.settings) if good else None
    writer = codec(context.settings) if good else None
    topic = context.settings.topics.interactions
    places = {line.number: _produce(publisher, writer, topic, line.event)
              for line in good if line.event and publisher and writer}
    deliveries = publisher.finish() if publisher else []
    rows = []
    for line in lines:
        row: dict[str, Any] = {"line": line.number, "event_id": line.event.event_id if line.event else None}
        rows.append(row | (deliveries[places[line.number]]._asdict() if line.event else {"error": line.error}))
    return rows


def _produce(publisher: Publisher, writer: Codec, topic: str, one: Event) -> int:
    from processor.cli.publishing import key

    return publisher.send(topic, key(one.app_id, one.user_id), writer.encode_event(one))
