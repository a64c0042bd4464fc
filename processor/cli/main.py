"""The command `prompt-actions`: which commands there are; each is imported only when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from processor import __version__
from processor.cli.context import Context


class Entry(NamedTuple):
    """Where a command is found."""

    module: str
    name: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "run": Entry("processor.cli.run", "run", "Run the processor."),
    "demo": Entry("processor.cli.demo", "demo", "See the main job at work, without Kafka or an account."),
    "event": Entry("processor.cli.event", "event", "Publish prompt interactions."),
    "attributes": Entry("processor.cli.attributes", "attributes", "Sync, import, show or erase attributes."),
    "ingest": Entry("processor.cli.ingest", "ingest", "Take interactions and attributes over HTTP."),
    "explain": Entry("processor.cli.explain", "explain", "Say what would run for an answer, and what is missing."),
    "config": Entry("processor.cli.config", "config", "Check, compare, apply and move the configuration."),
    "secrets": Entry("processor.cli.secrets", "secrets", "Make keys, seal secrets, move them to another key."),
    "connectors": Entry("processor.cli.connectors", "connectors", "What can be called; test connections."),
    "topics": Entry("processor.cli.topics", "topics", "Plan and make the Kafka topics."),
    "waiting": Entry("processor.cli.waiting", "waiting", "Show what waits, for what, and since when."),
    "books": Entry("processor.cli.books", "books", "Check that everything that came in is accounted for."),
    "results": Entry("processor.cli.results", "results", "What came of events: list outcomes, follow them."),
    "dead-letters": Entry("processor.cli.dead_letters", "dead_letters", "Find, understand and replay what failed."),
    "users": Entry("processor.cli.users", "users", "Forget a user."),
    "console": Entry("processor.cli.console", "console", "Serve the console; add the members who may sign in."),
    "doctor": Entry("processor.cli.doctor", "doctor", "Say in plain words what is wrong."),
}


class Commands(click.Group):
    """A group whose help needs no import of its commands, and which explains mistakes of settings."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        found = getattr(importlib.import_module(entry.module), entry.name)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name where there is no such command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from processor.config.errors import nearest

            ctx.fail(f"no such command '{args[0]}' ({nearest(args[0], COMMANDS)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands for the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; mistakes of settings and configuration are printed, one a line, and told what is away."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from processor.config.errors import ConfigErrors
            from processor.config.store import StoreError

            if isinstance(error, StoreError):
                raise click.ClickException(str(error)) from None
            if not isinstance(error, ConfigErrors):
                raise
            for one in error.errors:
                click.echo(str(one), err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="prompt-actions")
@click.option("--settings", "file", type=click.Path(path_type=Path, dir_okay=False),
              help="The processor's settings. Default: config/processor.yaml, where there is one.")
@click.pass_context
def main(ctx: click.Context, file: Path | None) -> None:
    """Turn users' answers to in-app prompts into actions at vendors, by way of Kafka.

    Settings come from the file and from the environment (PROMPT_ACTIONS_..., which wins).
    Exit codes: 0 all well, 1 failed, 2 typed wrongly, 3 some items failed.
    """
    ctx.obj = Context(file)
