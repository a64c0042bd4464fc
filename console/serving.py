"""Serves the console: opens what it stands on, and closes it again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import uvicorn

from console.app import create_app
from console.options import AuditLog, ConsoleOptions
from console.watching import watching
from processor.attributes import attributes_of
from processor.audit.topic import Audit
from processor.cli.reading import codec_of
from processor.config.source import opened_store
from processor.config.store import Store
from processor.control.switchboard import dialling
from processor.kafka.reader import LogReader
from processor.settings import ConsoleSettings, ProcessorSettings

BACKLOG = 128
GRACE = 5
"""Seconds for requests under way when it stops."""


@contextmanager
def opened(settings: ProcessorSettings, environ: Mapping[str, str]) -> Iterator[ConsoleOptions]:
    """The options of a console over these settings; raises StoreError where the topic cannot be read."""
    with ExitStack() as stack:
        store = stack.enter_context(opened_store(settings, environ))
        reader = stack.enter_context(LogReader(settings))
        yield over(settings, store, stack, audit=Audit(settings, reader))


def over(settings: ProcessorSettings, store: Store, stack: ExitStack, *, audit: AuditLog) -> ConsoleOptions:
    """The options of a console over a store that is open; what else is opened for it closes with `stack`."""
    codec = codec_of(settings)
    watch = stack.enter_context(watching(settings, codec, store))
    return ConsoleOptions(
        store, lambda: dialling(settings.http), settings.console, audit=audit, letters=watch.letters,
        activity=watch.activity, health=watch.health, waiting=watch.activity.waiting, join_grace=settings.join_grace,
        attributes=lambda app, user: attributes_of(settings, codec, app, user))


def listening(settings: ConsoleSettings) -> socket.socket:
    """The socket that the console answers at; raises OSError that names the address where it cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(f"{settings.host}:{settings.port}: {error.strerror}; choose another with --port or console.port"
                      ) from None


def address_of(found: socket.socket) -> str:
    """How browsers on this machine reach it."""
    host, port = found.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(options: ConsoleOptions, say: Callable[[str], None]) -> None:
    """Answer until SIGTERM or Ctrl-C; `say` is told where."""
    with listening(options.settings) as found:
        say(options.settings.base_url or address_of(found))
        server(options).run([found])


def server(options: ConsoleOptions) -> uvicorn.Server:
    """A server of the console; whoever runs it in a thread of its own ends it by `should_exit`."""
    settings = options.settings
    return uvicorn.Server(uvicorn.Config(
        create_app(options), host=settings.host, port=settings.port, proxy_headers=False, server_header=False,
        access_log=False, log_config=None, timeout_graceful_shutdown=GRACE, h11_max_incomplete_event_size=32 << 10,
    ))
