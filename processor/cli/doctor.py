"""`prompt-actions doctor`: what is wrong, in plain words, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.cli.findings import Finding
    from processor.config.errors import ConfigErrors
    from processor.config.model import Configuration

COLUMNS = ("check", "state", "says", "mend")


@click.command()
@output_option
@pass_context
def doctor(context: Context, form: Form) -> None:
    """Say in plain words what is wrong, and how to mend it."""
    found = list(_examine(context))
    emit([one._asdict() for one in found], COLUMNS, form)
    problems = sum(one.state == "problem" for one in found)
    say(f"{problems} problem{'' if problems == 1 else 's'}." if problems else "All is well.")
    if problems:
        raise SystemExit(FAILED)


def _examine(context: Context) -> Iterator[Finding]:
    from processor.cli import findings
    from processor.config.errors import ConfigErrors
    from processor.config.store import StoreError

    try:
        settings = context.settings
    except ConfigErrors as errors:
        yield from _mistakes("settings", errors)
        yield findings.unknown("all else", "not looked at, since the settings cannot be read")
        return
    configuration: Configuration | None = None
    try:
        configuration = _configuration(context)
        yield findings.ok("configuration", f"{len(configuration.apps)} apps, all secrets found")
    except ConfigErrors as errors:
        yield from _mistakes("configuration", errors)
    except StoreError as error:
        yield findings.unknown("configuration", str(error))
    try:
        yield from findings.of_kafka(settings, configuration)
    except ConfigErrors as errors:
        yield from _mistakes("topics.yaml", errors)
    yield from findings.of_registry(settings.registry)
    yield findings.of_state(settings)
    yield findings.of_descriptors(settings)


def _configuration(context: Context) -> Configuration:
    from processor.config.source import load_configuration

    return load_configuration(context.settings, context.environ)


def _mistakes(check: str, errors: ConfigErrors) -> Iterator[Finding]:
    from processor.cli.findings import problem

    for one in errors.errors:
        place = f"{one.file}:{one.line} {one.field}" if one.line else f"{one.file} {one.field}".strip()
        yield problem(check, f"{place}: {one.message}", one.hint)
