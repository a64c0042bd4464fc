"""Offers the console beside the demo that goes on: with an administrator made for it."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from processor.access import Company
from processor.access.company import Account, Member
from processor.access.roles import ANY_APP, Role
from processor.demo.kept import KeptStore
from processor.settings import ConsoleSettings, ProcessorSettings

EMAIL = "demo@example.com"
START_SECONDS = 10.0


class Administrator(NamedTuple):
    """Who may sign in."""

    email: str
    password: str
    company: Company


class Offer(NamedTuple):
    """Where the console is, and how one gets in."""

    address: str
    email: str
    password: str


def administrator() -> Administrator | None:
    """The demo's only member, with a password of this run; None where the console is not installed."""
    try:
        from console.security.passwords import hashed  # noqa: PLC0415  an extra
    except ImportError:
        return None
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    member = Member(email=EMAIL, name="Demo administrator", roles={ANY_APP: Role.COMPANY_ADMINISTRATOR})
    account = Account(email=EMAIL, password=hashed(password))
    return Administrator(EMAIL, password, Company(title="Demo", members=(member,), accounts=(account,)))


@contextmanager
def offered(settings: ProcessorSettings, store: KeptStore, who: Administrator) -> Iterator[Offer]:
    """Serve the console from a thread of its own until the block ends."""
    from console.serving import address_of, over, server  # noqa: PLC0415  an extra

    with ExitStack() as stack:
        found = stack.enter_context(_socket(settings.console))
        serving = server(over(settings, store, stack, audit=store.audit))
        thread = threading.Thread(target=serving.run, args=([found],), name="console", daemon=True)
        thread.start()
        stack.callback(thread.join, START_SECONDS)
        stack.callback(setattr, serving, "should_exit", True)
        yield Offer(address_of(found), who.email, who.password)


def _socket(settings: ConsoleSettings) -> socket.socket:
    """At the usual port, or at a free one where it is taken."""
    from console.serving import listening  # noqa: PLC0415  an extra

    try:
        return listening(settings)
    except OSError:
        return listening(settings.model_copy(update={"port": 0}))
