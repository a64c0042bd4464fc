"""Runs the door: Kafka's producer, the company's tokens kept fresh, and an end that loses nothing acknowledged."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import structlog
import uvicorn
from starlette.applications import Starlette

from processor.access import Company, company_of
from processor.avro.codec import Codec
from processor.config.errors import ConfigErrors
from processor.config.source import opened_store
from processor.config.store import COMPANY, StoreError
from processor.ingest.app import Door, create_app
from processor.ingest.counts import Counts
from processor.ingest.keys import Keys
from processor.ingest.outbox import Outbox
from processor.ingest.rates import Rates
from processor.ingest.reading import Reader
from processor.settings import ProcessorSettings

log = structlog.get_logger()
CompanyOf = Callable[[], Company]


class Ingest:
    """One process that takes requests until it is told to stop."""

    def __init__(self, settings: ProcessorSettings, codec: Codec, company: CompanyOf) -> None:
        self._settings = settings
        self._company = company
        given = {app: [one.get_secret_value() for one in keys] for app, keys in settings.ingest.keys.items()}
        self._keys = Keys(given, time.time)
        self._codec = codec
        self._outbox: Outbox | None = None
        self._port = settings.ingest.port
        config = uvicorn.Config(
            self._app, factory=True, host=settings.ingest.host, port=settings.ingest.port, log_config=None,
            access_log=False, server_header=False, lifespan="on", proxy_headers=False,
            timeout_graceful_shutdown=int(settings.ingest.drain), h11_max_incomplete_event_size=64 << 10,
        )
        self.server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C, then answer what is under way and stop."""
        self._keys.take(self._company())
        if not len(self._keys):
            log.warning("no key", hint="every request is answered with 401: set ingest.keys, or make a token with the"
                                       " scope publish")
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        for one in (signal.SIGTERM, signal.SIGINT):  # uvicorn sends itself, once it has ended, what it was ended by
            signal.signal(one, lambda *_: None)
        with _listening(self._settings) as taken:
            self._port = taken.getsockname()[1]
            self.server.run([taken])

    def _app(self) -> Starlette:
        ingest = self._settings.ingest
        self._outbox = Outbox(self._settings, asyncio.get_running_loop())
        door = Door(ingest, self._keys, Rates(ingest.rate, ingest.burst, time.monotonic),
                    Reader(self._settings, self._codec, time.time), self._outbox, Counts())
        return create_app(door, self._life)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        renewing = asyncio.create_task(self._renew())
        log.info("starting", host=self._settings.ingest.host, port=self._port, keys=len(self._keys))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            left = self._outbox.close(self._settings.ingest.timeout) if self._outbox else 0
            log.info("stopped", unheard=left)

    async def _renew(self) -> None:
        """Take over tokens that were made or withdrawn; what cannot be read leaves those of before."""
        while True:
            await asyncio.sleep(self._settings.ingest.refresh)
            try:
                self._keys.take(await asyncio.to_thread(self._company))
            except (ConfigErrors, StoreError, OSError) as error:
                log.warning("tokens not renewed", why=str(error))


def _listening(settings: ProcessorSettings) -> socket.socket:
    """A socket of our own, so that a port that is taken is told as what it is."""
    host, port = settings.ingest.host, settings.ingest.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Told to be TCP, it gets TCP_NODELAY from asyncio; without it an answer waits 40 ms for the client's next ACK.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        told = f"port {host}:{port} cannot be opened ({error.strerror}): choose another in ingest.host, ingest.port"
        raise OSError(error.errno, told) from None
    return made


def main(settings: ProcessorSettings, environ: Mapping[str, str], codec: Codec) -> None:
    """Run until told to stop; the store stays open, so that renewing tokens reads only what is new there."""
    with opened_store(settings, environ) as store:
        def company() -> Company:
            version = store.current(COMPANY)
            return company_of(version.content if version else None)

        Ingest(settings, codec, company).run()
