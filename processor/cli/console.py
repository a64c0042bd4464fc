"""`prompt-actions console`: the console in a browser, and its API; and the members who may sign in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from processor.cli.context import Context, pass_context
from processor.cli.output import Form, emit, output_option, say

if TYPE_CHECKING:
    from processor.access import Company, Member
    from processor.config.store import Store, Version

ROLES = ("company_administrator", "app_administrator", "app_member", "read_only")


@click.group(invoke_without_command=True)
@click.option("--host", default=None, help="Address to listen on. Default: the setting console.host.")
@click.option("--port", type=click.IntRange(0, 65_535), default=None, help="Default: the setting console.port.")
@pass_context
@click.pass_context
def console(click_context: click.Context, context: Context, host: str | None, port: int | None) -> None:
    """Serve the console until SIGTERM or Ctrl-C.

    The first member is made here: prompt-actions console user add --email you@example.com
    """
    if click_context.invoked_subcommand is None:
        _serve(context, {name: one for name, one in (("host", host), ("port", port)) if one is not None})


def _serve(context: Context, given: dict[str, object]) -> None:
    try:
        from console.serving import opened, serve
    except ImportError as error:
        raise click.ClickException(f"{error.name} is not there: install prompt-actions[console]") from None
    from processor.config.store import StoreError
    from processor.log import configure

    settings = context.settings
    settings = settings.model_copy(update={"console": settings.console.model_copy(update=given)})
    configure("console" if settings.log.format == "console" else "json", settings.log.level)
    try:
        with opened(settings, context.environ) as options:
            serve(options, lambda address: say(f"The console: {address}"))
    except (StoreError, OSError) as error:
        raise click.ClickException(str(error)) from None


@console.group()
def user() -> None:
    """Members of the company, and their passwords where they sign in with one."""


@user.command("add")
@click.option("--email", required=True, help="The member's address.")
@click.option("--name", default="", help="As people call them.")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True)
@click.option("--app", default="*", show_default=True, help="The app that the role is for; * for all.")
@click.option("--no-password", is_flag=True, help="They sign in at a provider or by a proxy only.")
@pass_context
def add(context: Context, email: str, name: str, role: str, app: str, *, no_password: bool) -> None:
    """Add a member, or change the role and the password of one.

    The password is asked for, or is the first line of standard input.
    """
    from processor.access import Member
    from processor.access.changing import UnsoundError, made, with_member, with_password

    hashed = "" if no_password else _password()

    def change(company: Company) -> Company:
        known = company.member(email)
        roles = {**(known.roles if known else {}), app: role}
        member: Member = made(Member, email=email, name=name or (known.name if known else ""), roles=roles,
                              grants=known.grants if known else {})
        changed = with_member(company, member)
        return with_password(changed, member.email, hashed, int(time.time() * 1000)) if hashed else changed

    try:
        _change(context, change, f"member {email.lower()}: {role} in {'all apps' if app == '*' else app}")
    except UnsoundError as error:
        raise click.UsageError(str(error)) from None


def _password() -> str:
    from console.security.passwords import WeakPasswordError, hashed

    text = (click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True) if sys.stdin.isatty()
            else sys.stdin.readline().rstrip("\r\n"))
    try:
        return hashed(text)
    except WeakPasswordError as error:
        raise click.UsageError(f"the password is not taken: {error}") from None


@user.command("list")
@output_option
@pass_context
def list_(context: Context, form: Form) -> None:
    """All members, with their roles."""
    from processor.config.source import opened_store

    with opened_store(context.settings, context.environ) as store:
        company = _company(_current(store))
    emit([{"email": one.email, "name": one.name, "disabled": one.disabled,
           "roles": [f"{role.value} in {'all apps' if app == '*' else app}" for app, role in one.roles.items()],
           "password": company.account(one.email) is not None} for one in company.members],
         ("email", "name", "roles", "password", "disabled"), form)


def _change(context: Context, change: Callable[[Company], Company], note: str) -> None:
    """Change the company where it is kept: the topic, or the file company.yaml, which is written for review."""
    from processor.access import content_of
    from processor.audit.record import actor
    from processor.config.file_store import COMPANY_FILE
    from processor.config.source import opened_store
    from processor.config.store import COMPANY, StoreError
    from processor.config.writing import text_of

    try:
        with opened_store(context.settings, context.environ) as store:
            version = _current(store)
            made = content_of(change(_company(version)))
            if store.read_only:
                file = context.settings.config_folder / COMPANY_FILE
                _write(file, text_of(made))
                say(f"{note}: written to {file}; put it under version control. Passwords are hashes.")
                return
            store.apply(COMPANY, made, base=version.number if version else 0, by=actor().name, note=note)
            say(f"{note}: applied to {store.where}")
    except StoreError as error:
        raise click.ClickException(str(error)) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}. Run this where the files of the "
                                   "configuration are kept, as somebody who may change them.") from None


def _current(store: Store) -> Version | None:
    from processor.config.store import COMPANY

    return store.current(COMPANY)


def _company(version: Version | None) -> Company:
    from processor.access import company_of

    return company_of(version.content if version else None)
