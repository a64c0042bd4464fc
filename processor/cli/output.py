"""How commands speak: data to standard output (tables or JSON lines), talk to standard error."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import click
import orjson

Form = Literal["table", "json"]
Row = Mapping[str, Any]
C = TypeVar("C", bound=Callable[..., Any])

WHOLE = frozenset({"id", "run", "time"})
"""Columns that stay on one line however narrow the terminal: ids are copied from there."""

FAILED, USAGE, SOME_FAILED = 1, 2, 3
"""Exit codes beside 0: nothing worked, the command was typed wrongly, some items did not work."""


def output_option(command: C) -> C:
    """Add `-o table|json`; the command gets `form`."""
    return click.option(
        "-o", "--output", "form", type=click.Choice(["table", "json"]), default=None, callback=_form,
        help="table, or one JSON object a line. Default: a table on a terminal, else JSON.",
    )(command)


def _form(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    return value or ("table" if sys.stdout.isatty() else "json")


def say(text: str) -> None:
    """Talk to the person: standard error."""
    click.echo(text, err=True)


def emit(rows: Iterable[Row], columns: Sequence[str], form: Form, title: str = "") -> None:
    """Rows of data: all their members as JSON lines, or the named columns as a table."""
    if form == "json":
        for row in rows:
            emit_json(row)
    else:
        _table(rows, columns, title)


def emit_json(value: Any) -> None:
    """One JSON value as a line."""
    click.echo(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def plain(value: Any) -> str:
    """A value as a cell of a table: no control characters, which could steer the terminal."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(plain(one) for one in value)
    return "".join(one if one == "\n" or unicodedata.category(one)[0] != "C" else "?" for one in str(value))


def _table(rows: Iterable[Row], columns: Sequence[str], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in WHOLE)
    for row in rows:
        table.add_row(*(Text(plain(row.get(name))) for name in columns))
    # Without a terminal there is no width to fold at: whatever reads it wants whole lines.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200).print(table)
