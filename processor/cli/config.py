"""`prompt-actions config`: check the configuration, make schemas of its files; other commands have their own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from processor.cli.applying import apply, history, rollback
from processor.cli.config_files import export, import_
from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, emit_json, output_option, say
from processor.cli.planning import plan

if TYPE_CHECKING:
    from processor.config.errors import ConfigError
    from processor.config.model import Configuration

SETTINGS = "processor.yaml"


@click.group()
def config() -> None:
    """Check, compare, apply and move the configuration."""


for _command in (plan, apply, history, rollback, export, import_):
    config.add_command(_command)


@config.command()
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="A config folder. Default: what is live, where the setting config_source says.")
@output_option
@pass_context
def validate(context: Context, folder: Path | None, form: Form) -> None:
    """Read the whole configuration and name every mistake in it: file, line, field, what is allowed."""
    found, errors = _read(context, folder)
    if found is None:
        _show(errors, form)
        raise SystemExit(FAILED)
    _summary(*found, form)


@config.command("show")
@click.option("--all", "whole", is_flag=True, help="Also those that are as they are by default.")
@output_option
@pass_context
def show(context: Context, form: Form, *, whole: bool) -> None:
    """Show the processor's settings and where each comes from: a variable, a line of the file, or the default."""
    from processor.config.origins import origins

    found = [one._asdict() for one in origins(context.environ, context.file) if whole or one.origin != "default"]
    emit(found, ("setting", "value", "origin"), form)
    if not found:
        say("All settings are as they are by default; --all shows them.")


@config.command("schema")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("config/schemas"),
              show_default=True, help="The folder to write them into.")
@output_option
def schema(out: Path, form: Form) -> None:
    """Write JSON Schemas of all files of the config folder: editors complete, explain and check by them.

    A file names its schema in a line of its own: # yaml-language-server: $schema=../../schemas/prompts.schema.json
    """
    from connectors.kit.catalogue import catalogue
    from processor.config.schemas import write

    found = write(out, catalogue())
    emit([{"file": str(path), "changed": changed} for path, changed in found.items()], ("file", "changed"), form)


def _read(context: Context, folder: Path | None) -> tuple[tuple[Configuration, str] | None, list[ConfigError]]:
    """The configuration and where it is; or the mistakes of the settings and of the apps together."""
    from processor.config.errors import ConfigErrors
    from processor.config.files import load
    from processor.config.source import load_configuration, told_where

    if folder is not None and context.file is None and (folder / SETTINGS).exists():
        context = Context(folder / SETTINGS, context.environ)
    errors: list[ConfigError] = []
    try:
        settings = context.settings
    except ConfigErrors as found:
        errors.extend(found.errors)
        settings = None
    try:
        if folder is not None:
            read = load(folder, context.environ, settings.overrides if settings else {}), str(folder)
        elif settings is not None:
            read = load_configuration(settings, context.environ), told_where(settings)
    except ConfigErrors as found:
        return None, [*errors, *found.errors]
    return (None, errors) if errors else (read, [])


def _show(errors: Sequence[ConfigError], form: Form) -> None:
    for error in errors:
        if form == "json":
            emit_json(error._asdict())
        else:
            click.echo(str(error))
    count = len(errors)
    say(f"{count} {'mistake' if count == 1 else 'mistakes'}.")


def _summary(configuration: Configuration, where: str, form: Form) -> None:
    rows: list[dict[str, Any]] = [{
        "app": app.id, "title": app.title, "version": app.version,
        "connectors": [name for name, one in app.connectors.items() if one.active],
        "prompts": len(app.prompts),
        "bindings": sum(len(chain) for prompt in app.prompts.values() for chain in prompt.chains.values()),
        "exports": len(app.exports),
    } for app in configuration.apps.values()]
    emit(rows, ("app", "title", "connectors", "prompts", "bindings", "exports", "version"), form)
    say(f"{where} is sound: version {configuration.version}.")
