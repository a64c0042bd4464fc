"""`prompt-actions config export|import`: apps as files, bindings as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from processor.cli.applying import as_option, put_live, tell_who_reads, yes_option
from processor.cli.context import Context, pass_context
from processor.cli.output import Form, emit, output_option, say
from processor.cli.planning import folder_option, opened, plans_of, secrets_option, show

if TYPE_CHECKING:
    from processor.config.store import Content, Store


@click.command("export")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              help="Write the YAML files below this folder, which must not have the apps yet.")
@click.option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
              help="Write the bindings as a table, one a line; - for standard output.")
@click.option("--app", "apps", multiple=True, help="Only this app. Can be repeated.")
@click.option("--version", "number", type=click.IntRange(1), help="An earlier version; with one --app.")
@output_option
@pass_context
def export(
    context: Context, out: Path | None, table: Path | None, apps: tuple[str, ...], number: int | None, form: Form,
) -> None:
    """Write apps, as they are where the setting config_source says, into files: the same content, the same version."""
    from processor.config.bindings_csv import write as csv_of
    from processor.config.source import opened_store
    from processor.config.writing import write

    if (out is None) == (table is None):
        raise click.UsageError("say either --out FOLDER or --csv FILE")
    if number is not None and len(apps) != 1:
        raise click.UsageError("--version is of one app: name it with --app")
    with opened_store(context.settings, context.environ) as store:
        contents = {name: _content(store, name, number) for name in apps or store.names()}
    if table is not None:
        with click.open_file(str(table), "w", encoding="utf-8") as file:
            file.write(csv_of(contents))
        return
    try:
        rows = [{"app": name, "file": str(path)} for name, one in contents.items()
                for path in write(out or Path(), name, one)]
    except OSError as error:
        raise click.ClickException(str(error)) from None
    emit(rows, ("app", "file"), form)


def _content(store: Store, name: str, number: int | None) -> Content:
    from processor.config.errors import nearest

    found = store.current(name) if number is None else store.version(name, number)
    if found is None or found.content is None:
        what = f"version {number} of app '{name}'" if number else f"app '{name}'"
        raise click.UsageError(f"no {what} in {store.where} ({nearest(name, store.names())})")
    return found.content


@click.command("import")
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--into", type=click.Choice(["files", "topic"]), help="Default: the setting config_source.")
@folder_option
@click.option("--note", default="", help="Why; it stays in the history and the audit.")
@as_option
@yes_option
@secrets_option
@output_option
@pass_context
def import_(
    context: Context, table: Path, into: str | None, folder: Path | None, note: str, as_whom: str, form: Form, *,
    yes: bool, lenient: bool,
) -> None:
    """Take bindings from a CSV file: one a line, chains in the order of the lines. All of it, or nothing.

    Columns: app, prompt, interaction, connector and action (or connector.action), params (JSON) or param:NAME, title,
    id, on_error, max_age, in_doubt, order. What a prompt had bound to an interaction that the table names is replaced.
    Into files it writes prompts/imported.yaml of each app; into the topic it applies new versions.
    """
    if (into or context.settings.config_source) == "files":
        _into_files(context, table, folder, form, lenient=lenient)
    else:
        _into_topic(context, table, note or f"import of {table.name}", as_whom, form, yes=yes, lenient=lenient)


def _into_files(context: Context, table: Path, folder: Path | None, form: Form, *, lenient: bool) -> None:
    from processor.config.importing import tables_of, text_from, write_into_files
    from processor.config.source import compiler_of

    compiler = compiler_of(context.settings, context.environ, folder, lenient=lenient)
    tables = tables_of(text_from(table), str(table), compiler)
    written = write_into_files(tables, str(table), compiler)
    rows = [{"app": path.parents[1].name, "prompts": len(tables[path.parents[1].name].prompts), "file": str(path)}
            for path in written]
    emit(rows, ("app", "prompts", "file"), form)
    say(f"{len(written)} {'file' if len(written) == 1 else 'files'} written.")


def _into_topic(
    context: Context, table: Path, note: str, as_whom: str, form: Form, *, yes: bool, lenient: bool,
) -> None:
    from processor.config.importing import contents_with, tables_of, text_from
    from processor.config.store import contents_of

    with opened(context, lenient=lenient) as (store, compiler):
        tables = tables_of(text_from(table), str(table), compiler)
        contents = contents_with(tables, str(table), contents_of(store, tables), compiler)
        found = plans_of(store, compiler, dict(contents))
        show(context, found, (), form)
        put_live(store, found, None, note, as_whom, form, yes=yes)
    tell_who_reads(context)
