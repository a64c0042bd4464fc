"""`prompt-actions topics`: what the cluster lacks of the topics that the processor needs, and making it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.kafka.admin import TopicAdmin
    from processor.kafka.topics import Change, TopicSpec

COLUMNS = ("topic", "change", "says")


@click.group()
def topics() -> None:
    """Plan and make the Kafka topics."""


def _file_option(command: Any) -> Any:
    return click.option("--file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
                        help="Describes the topics. Default: topics.yaml in the config folder.")(command)


@topics.command("plan")
@_file_option
@output_option
@pass_context
def show_plan(context: Context, file: Path | None, form: Form) -> None:
    """Say what would be made or changed, without doing it."""
    _, wanted, changes = _look(context, file)
    _show(changes, form)
    if _has_problems(changes):
        raise SystemExit(FAILED)
    say(_conclusion(changes, len(wanted)))


@topics.command()
@_file_option
@output_option
@pass_context
def apply(context: Context, file: Path | None, form: Form) -> None:
    """Make the topics that are missing, and set what differs."""
    admin, wanted, changes = _look(context, file)
    _show(changes, form)
    if _has_problems(changes):
        raise SystemExit(FAILED)
    _carry_out(admin, changes)
    say(f"Done: {len(changes)} changed." if changes else _conclusion(changes, len(wanted)))


def _look(context: Context, file: Path | None) -> tuple[TopicAdmin, tuple[TopicSpec, ...], tuple[Change, ...]]:
    from processor.kafka.admin import KafkaUnreachableError, TopicAdmin
    from processor.kafka.topics import plan
    from processor.kafka.topics_file import read_topics, topics_path

    settings = context.settings
    wanted = read_topics(file or topics_path(settings.config_folder), dict(settings.topics))
    admin = TopicAdmin(settings.kafka.client())
    try:
        present = admin.state([spec.name for spec in wanted])
    except KafkaUnreachableError as error:
        raise click.ClickException(f"{error}. Is the setting kafka.bootstrap_servers right?") from error
    return admin, wanted, plan(wanted, present)


def _show(changes: tuple[Change, ...], form: Form) -> None:
    if changes:
        emit([{"topic": one.topic, "change": one.kind, "says": one.says, "settings": dict(one.settings)}
              for one in changes], COLUMNS, form)


def _has_problems(changes: tuple[Change, ...]) -> bool:
    found = any(one.kind == "problem" for one in changes)
    if found:
        say("Nothing can be changed before the problems are mended.")
    return found


def _conclusion(changes: tuple[Change, ...], number: int) -> str:
    if changes:
        return "`prompt-actions topics apply` does this."
    return f"All {number} topics are there and as they should be."


def _carry_out(admin: TopicAdmin, changes: tuple[Change, ...]) -> None:
    from processor.kafka.admin import TopicChangeError

    try:
        admin.create(one.spec for one in changes if one.kind == "create" and one.spec)
        for one in changes:
            if one.kind == "alter":
                admin.alter(one.topic, one.settings)
    except TopicChangeError as error:
        raise click.ClickException(str(error)) from error
