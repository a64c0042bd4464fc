"""`prompt-actions config plan`, and what every command shows before it changes the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import Form, emit, output_option, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.config.content import Compiler
    from processor.config.errors import ConfigError
    from processor.config.planning import Plan
    from processor.config.store import Content, Store
    from processor.config.topic_store import TopicStore
    from processor.waiting.under_way import UnderWay

C = TypeVar("C", bound="Callable[..., object]")
COLUMNS = ("app", "part", "name", "kind", "what", "before", "after")
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def folder_option(command: C) -> C:
    """Add `--folder`."""
    return click.option("--folder", type=FOLDER, help="The config folder. Default: the setting config_folder.")(command)


def secrets_option(command: C) -> C:
    """Add `--without-secrets`."""
    return click.option("--without-secrets", "lenient", is_flag=True,
                        help="The secrets are not here but where the processors run: check all but them.")(command)


@click.command("plan")
@folder_option
@click.option("--against", type=FOLDER, help="Compare with this folder, which would take the place of --folder, instead"
                                             " of comparing --folder with what is live on the topic.")
@click.option("--app", "apps", multiple=True, help="Only of this app. Can be repeated.")
@secrets_option
@output_option
@pass_context
def plan(
    context: Context, folder: Path | None, against: Path | None, apps: tuple[str, ...], form: Form, *, lenient: bool,
) -> None:
    """Say what would change, and nothing else: the folder against what is live on the config topic.

    Which prompts gain or lose which actions, which connectors get which settings (a secret is told as another one,
    never its value), and which chains are under way: a call that has begun finishes as it began.
    """
    if against is not None:
        _between(context, folder or context.settings.config_folder, against, form, lenient=lenient)
        return
    with opened(context, folder, lenient=lenient) as (store, compiler):
        found, kept = plans(store, compiler, apps)
        show(context, found, kept, form)
    say("Nothing was changed.")


@contextmanager
def opened(context: Context, folder: Path | None = None, *, lenient: bool = False
           ) -> Iterator[tuple[TopicStore, Compiler]]:
    """The config topic, whatever the processors of these settings read, and what compiles the folder's apps."""
    from processor.config.source import compiler_of
    from processor.config.topic_store import TopicStore

    compiler = compiler_of(context.settings, context.environ, folder, lenient=lenient)
    with TopicStore(context.settings, compiler) as store:
        yield store, compiler


def contents_in(compiler: Compiler, apps: Sequence[str]) -> dict[str, Content]:
    """The apps of the folder, or only those named; raises ConfigErrors and UsageError."""
    from processor.config.file_store import FileStore
    from processor.config.store import contents_of

    store = FileStore(compiler)
    return contents_of(store, there(store, apps) or store.names())


def there(store: Store, apps: Sequence[str]) -> Sequence[str]:
    """These apps; raises UsageError where the store has one of them not."""
    from processor.config.errors import nearest

    names = store.names() if apps else ()
    for one in apps:
        if one not in names:
            raise click.UsageError(f"no app '{one}' in {store.where} ({nearest(one, names)})")
    return apps


def plans(store: TopicStore, compiler: Compiler, apps: Sequence[str]) -> tuple[list[Plan], list[str]]:
    """Of each app of the folder; and the apps that only the topic has."""
    contents = contents_in(compiler, apps)
    kept = [] if apps else [name for name in store.names() if name not in contents]
    return plans_of(store, compiler, contents), kept


def plans_of(store: TopicStore, compiler: Compiler, contents: Mapping[str, Content | None]) -> list[Plan]:
    """What putting these contents live would change; raises ConfigErrors with the mistakes of all."""
    from processor.config.errors import ConfigErrors
    from processor.config.planning import plan_of

    found: list[Plan] = []
    errors: list[ConfigError] = []
    for name, content in contents.items():
        try:
            found.append(plan_of(name, store.current(name), content, compiler))
        except ConfigErrors as error:
            errors.extend(error.errors)
    if errors:
        raise ConfigErrors(errors)
    return found


def show(context: Context, found: Sequence[Plan], kept: Sequence[str], form: Form) -> None:
    """The differences as data, their effect as talk."""
    from processor.config.planning import effects

    emit([one._asdict() for plan in found for one in plan.changes], COLUMNS, form)
    for plan in found:
        base = f"version {plan.base} ({plan.before or 'removed'})" if plan.base else "nothing"
        say(f"{plan.name}: from {base} to {plan.after or 'nothing'}" if not plan.empty
            else f"{plan.name}: nothing changes, {base}")
        for line in effects(plan.changes):
            say(f"  {line}")
    for name in kept:
        say(f"{name}: only on the topic, and stays (`config apply --remove {name}` removes it)")
    changing = {plan.name for plan in found if not plan.empty}
    for one in _under_way(context) if changing else ():
        if one.app_id in changing:
            _tell_under_way(one)


def _tell_under_way(one: UnderWay) -> None:
    if one.running:
        say(f"{one.app_id}: chains at a call, begun under version {one.version}: {one.running}; they finish under it")
    if one.waiting:
        say(f"{one.app_id}: chains that wait, begun under version {one.version}: {one.waiting}; what they have done "
            "stays, what they have not done runs under the new version")


def _under_way(context: Context) -> list[UnderWay]:
    from processor.cli.reading import progress_on
    from processor.kafka.reader import LogError
    from processor.waiting.under_way import read_under_way

    try:
        with progress_on("Reading open chains") as progress:
            return read_under_way(context.settings, progress)
    except LogError as error:
        say(f"Note: which chains are under way cannot be told: {error}.")
        return []


def _between(context: Context, folder: Path, against: Path, form: Form, *, lenient: bool) -> None:
    from processor.config.difference import difference
    from processor.config.file_store import FileStore
    from processor.config.source import compiler_of

    compiler = compiler_of(context.settings, context.environ, folder, lenient=lenient)
    before = FileStore(compiler).configuration()
    after = FileStore(replace(compiler, folder=against)).configuration()
    found = difference(before, after)
    emit([one._asdict() for one in found], COLUMNS, form)
    say(f"{len(found)} differences from {folder} (version {before.version}) to {against} (version "
        f"{after.version}). Calls that are under way end as they began; nothing was changed.")
