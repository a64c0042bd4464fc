"""`attributes import`: the rows of a file become changes of attributes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import click

from processor.cli.context import Context, pass_context
from processor.cli.interrupts import until_interrupted
from processor.cli.output import FAILED, SOME_FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.attributes.importing import Import, Summary
    from processor.attributes.position import Position, PositionFile

STDIN = Path("-")
TALK_SECONDS = 10.0
"""Between two lines about how far it has come, where there is no terminal."""


@click.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@click.option("--app", "app_id", required=True, help="The app of the users.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="Default: by the ending, else jsonl.")
@click.option("--replace", is_flag=True, help="Forget all other attributes of each user.")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False),
              help="Rows that cannot be taken, with the reason, as JSON lines. Default: FILE.rejects, where there are"
                   " any.")
@click.option("--resume", is_flag=True, help="Go on where an earlier import of this file stopped.")
@output_option
@pass_context
def import_command(
    context: Context, source: Path, app_id: str, kind: Literal["csv", "jsonl"] | None, *, replace: bool,
    rejects: Path | None, resume: bool, form: Form,
) -> None:
    """Sync the attributes of many users from a FILE; - reads standard input.

    CSV: the first line names the columns, one is user_id, the others are attributes; empty cells change nothing; a
    column headed NAME:= holds JSON. JSON lines: {"user_id": "u1", "attributes": {...}}, also "mode" and "time".
    Each row is checked; exit code 3 where some were rejected. A stopped import goes on with --resume.
    """
    from processor.attributes import Layout, Stopped

    _check_app(context, app_id)
    if resume and source == STDIN:
        raise click.UsageError("standard input cannot be resumed; import a file")
    form_of = kind or ("csv" if source.suffix == ".csv" else "jsonl")
    layout = Layout(app_id, form_of, "replace" if replace else "merge", round(time.time() * 1000))
    job: Import | None = None
    try:
        with ExitStack() as stack:
            found, job = _run(stack, context, source, layout, rejects, resume=resume)
    except (Stopped, KeyboardInterrupt) as error:
        why = str(error) or "interrupted"
        say(f"Stopped: {why}. What was acknowledged is kept" + (
            "." if source == STDIN else f"; go on with `attributes import {source} --app {app_id} ... --resume`."))
        raise SystemExit(FAILED) from None
    _tell(found, job, form)


def _run(
    stack: ExitStack, context: Context, source: Path, layout: object, rejects: Path | None, *, resume: bool
) -> tuple[Summary, Import]:
    from processor.attributes import Import, Layout, RowsError
    from processor.attributes.position import Position, PositionError
    from processor.attributes.rows import rows
    from processor.cli.publishing import codec

    assert isinstance(layout, Layout)  # noqa: S101 - imported late
    file = sys.stdin.buffer if source == STDIN else stack.enter_context(source.open("rb"))
    keeper = None if source == STDIN else _keeper(context, source, layout.app_id, layout.form)
    try:
        start = keeper.load() if keeper and resume else Position()
        given = rows(file, layout, start.offset, start.line)
        into = _rejects(stack, rejects, source, start)
        job = Import(context.settings, codec(context.settings), start, rejects=into,
                     save=keeper.save if keeper else lambda _position: None)
        ended = stack.enter_context(until_interrupted())
        progress = stack.enter_context(_progress(source))

        def told(at: Position) -> None:
            if ended():
                raise KeyboardInterrupt
            progress(at)

        found = job.run(given, told)
    except (PositionError, RowsError) as error:
        raise click.ClickException(f"{source}: {error}") from None
    if keeper:
        keeper.clear()
    return found, job


def _keeper(context: Context, source: Path, app_id: str, kind: str) -> PositionFile:
    from processor.attributes.position import PositionFile

    return PositionFile(source, f"{app_id} {context.settings.topics.attributes} {kind}")


class _OnDemand:
    """The file of rejected rows, made when the first is written."""

    def __init__(self, path: Path, keep: int) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        if keep and path.exists():
            with path.open("r+b") as earlier:
                earlier.truncate(keep)  # what lies behind is read, and rejected, once more
        elif path.exists():
            path.unlink()

    def write(self, data: bytes) -> None:
        """Add a row."""
        if self._file is None:
            self._file = self._path.open("ab")
        self._file.write(data)

    def flush(self) -> None:
        """Hand it to the system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """It is whole."""
        if self._file is not None:
            self._file.close()


def _rejects(stack: ExitStack, given: Path | None, source: Path, start: Position) -> BinaryIO | None:
    path = given or (None if source == STDIN else source.with_name(source.name + ".rejects"))
    if path is None:
        return None
    made = _OnDemand(path, start.rejects_bytes)
    stack.callback(made.close)
    return made  # type: ignore[return-value]  # all of a file that is needed here


def _check_app(context: Context, app_id: str) -> None:
    """Rows of an unknown app would all become dead letters."""
    from processor.cli.reading import configuration_of
    from processor.config.errors import nearest

    configuration = configuration_of(context, f"whether there is an app '{app_id}' is not checked")
    if configuration is not None and app_id not in configuration.apps:
        raise click.UsageError(f"no app '{app_id}' ({nearest(app_id, configuration.apps)})")


@contextmanager
def _progress(source: Path) -> Iterator[Callable[[Position], None]]:
    """A bar over the file's bytes on a terminal; else a line now and then."""
    total = None if source == STDIN else source.stat().st_size
    begun = time.monotonic()
    if not sys.stderr.isatty():
        yield _lines(begun)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.description}")
    with Progress(text, BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task, first = bar.add_task("importing", total=total), [-1]

        def show(at: Position) -> None:
            rows = at.sent + at.rejected
            first[0] = rows if first[0] < 0 else first[0]
            rate = (rows - first[0]) / max(time.monotonic() - begun, 0.001)
            bar.update(task, completed=at.offset, description=f"{rows:,} rows, {at.rejected:,} rejected, {rate:,.0f}/s")

        yield show


def _lines(begun: float) -> Callable[[Position], None]:
    last = [begun]

    def show(at: Position) -> None:
        if time.monotonic() - last[0] > TALK_SECONDS:
            last[0] = time.monotonic()
            say(f"{at.sent + at.rejected:,} rows, {at.rejected:,} rejected.")

    return show


def _tell(found: Summary, job: Import, form: Form) -> None:
    row = {**found._asdict(), "rate": round(found.rate), "seconds": round(found.seconds, 3)}
    emit([row], ("sent", "rejected", "rows_now", "seconds", "rate"), form)
    for one in job.first_rejected:
        say(f"line {one.line}: {one.reason}")
    say(f"{found.sent:,} sent, {found.rejected:,} rejected; {found.rate:,.0f} rows a second.")
    if found.rejected:
        raise SystemExit(SOME_FAILED)
