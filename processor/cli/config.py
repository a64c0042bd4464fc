"""`prompt-actions config`: check apps, connectors, prompts and bindings before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, emit_json, output_option, say

if TYPE_CHECKING:
    from processor.config.errors import ConfigError
    from processor.config.model import Configuration


@click.group()
def config() -> None:
    """Check the configuration."""


@config.command()
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="The config folder. Default: the setting config_folder.")
@output_option
@pass_context
def validate(context: Context, folder: Path | None, form: Form) -> None:
    """Read the whole configuration and name every mistake in it: file, line, field, what is allowed."""
    from processor.config.errors import ConfigErrors
    from processor.config.files import load

    try:
        folder = folder or context.settings.config_folder
        configuration = load(folder, context.environ, context.settings.overrides)
    except ConfigErrors as found:
        _show(found.errors, form)
        raise SystemExit(FAILED) from None
    _summary(configuration, folder, form)


def _show(errors: Sequence[ConfigError], form: Form) -> None:
    for error in errors:
        if form == "json":
            emit_json(error._asdict())
        else:
            click.echo(str(error))
    count = len(errors)
    say(f"{count} {'mistake' if count == 1 else 'mistakes'}; nothing was changed.")


def _summary(configuration: Configuration, folder: Path, form: Form) -> None:
    rows: list[dict[str, Any]] = [{
        "app": app.id, "title": app.title, "version": app.version,
        "connectors": [name for name, one in app.connectors.items() if one.active],
        "prompts": len(app.prompts),
        "bindings": sum(len(chain) for prompt in app.prompts.values() for chain in prompt.chains.values()),
        "exports": len(app.exports),
    } for app in configuration.apps.values()]
    emit(rows, ("app", "title", "connectors", "prompts", "bindings", "exports", "version"), form)
    say(f"{folder} is sound: version {configuration.version}.")
