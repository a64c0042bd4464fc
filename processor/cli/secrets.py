"""`prompt-actions secrets`: make keys, seal secrets, move what is sealed to another key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import SOME_FAILED, Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.config.keyring import Keyring
    from processor.config.rotation import Turned

NO_KEY = "there is no key: make one with `prompt-actions secrets key`, then name it in secrets.keys"


@click.group()
def secrets() -> None:
    """Secrets that are sealed with keys, so that they can lie in the config topic or under version control."""


@secrets.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file for it, readable by its owner"
              " only. Default: standard output.")
def key(out: Path | None) -> None:
    """Make a new key: 32 random bytes in Base64."""
    from processor.config.keyring import new_key

    name, text = new_key()
    if out is None:
        click.echo(text)
    else:
        _write_key(out, text)
    say(f"key {name}: keep it where processor and console find it, and nowhere else; name it first in secrets.keys\n"
        "(env:NAME or file:PATH), leave older keys behind it, then run `prompt-actions secrets rotate`.")


def _write_key(out: Path, text: str) -> None:
    try:
        out.touch(0o600, exist_ok=False)
        out.write_text(text + "\n", "utf-8")
    except FileExistsError:
        raise click.ClickException(f"{out} is there already; a key is never overwritten") from None
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}") from None


@secrets.command()
@click.option("--app", required=True, help="The app whose configuration it is for: it opens in no other.")
@pass_context
def seal(context: Context, app: str) -> None:
    """Seal a secret, typed or from standard input, and print what stands for it in the configuration."""
    ring = _keyring(context)
    text = click.prompt("Secret", hide_input=True, confirmation_prompt=True, err=True) if sys.stdin.isatty() else \
        sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.ClickException("nothing was given: type the secret, or pipe it in")
    click.echo(ring.seal(text, app))
    say(f"sealed for '{app}' with the key {ring.ids[0]}")


@secrets.command()
@click.option("--app", default=None, help="Only this app. Default: all.")
@click.option("--write", is_flag=True, help="Change the files, or apply to the topic; else it is only told.")
@click.option("--as", "who", default="", help="Name for the history. Default: the operating system's user.")
@output_option
@pass_context
def rotate(context: Context, app: str | None, write: bool, who: str, form: Form) -> None:
    """Seal again, with the first of secrets.keys, what an older key sealed.

    In files the references are changed where they stand; in the config topic each app gets a new version.
    Exit code 3 where some could not be opened: those stay as they are.
    """
    ring = _keyring(context)
    found = _turned(context, ring, app, who, write)
    emit([one._asdict() for one in found], ("app", "place", "key", "problem"), form)
    failed = sum(bool(one.problem) for one in found)
    say(f"{len(found) - failed} secrets {'were sealed again' if write else 'can be sealed again (--write does it)'}"
        f" with the key {ring.ids[0]}; {failed} cannot be opened")
    if failed:
        raise SystemExit(SOME_FAILED)


def _turned(context: Context, ring: Keyring, app: str | None, who: str, write: bool) -> list[Turned]:
    from processor.audit.record import actor
    from processor.config.rotation import in_files, in_store
    from processor.config.source import opened_store

    settings = context.settings
    if settings.config_source == "files":
        return list(in_files(settings.config_folder, ring, app, write=write))
    with opened_store(settings, context.environ) as store:
        return list(in_store(store, ring, app, actor(who).name, write=write))


def _keyring(context: Context) -> Keyring:
    from processor.config.errors import SecretError
    from processor.config.secrets import keyring

    if not context.settings.secrets.keys:
        raise click.ClickException(NO_KEY)
    try:
        return keyring()
    except SecretError as error:
        raise click.ClickException(str(error)) from None
