"""The server of all emulators: one port, in a thread of this process or in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from testkit.vendors.client import Control
from testkit.vendors.control_api import PREFIX, ControlApi
from testkit.vendors.exchange import Ask
from testkit.vendors.front import Front
from testkit.vendors.wire import Connection, Reply

BACKLOG = 4096
START_SECONDS = 20.0


class Listener:
    """Accepts connections on an event loop and hands their requests to the front or to the control API."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.connections: set[Connection] = set()
        self.control = ControlApi(front, lambda: len(self.connections))
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.serve, loop, self.connections), host, port, backlog=BACKLOG
        )
        return int(self._server.sockets[0].getsockname()[1])

    def serve(self, ask: Ask) -> Reply:
        """The reply to one request."""
        if ask.vendor == PREFIX:
            return Reply(self.control.serve(ask))
        if ask.vendor == "health":
            return Reply(self.control.health())
        return self.front.serve(ask)

    async def close(self) -> None:
        """Stop listening and break what is open."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.reset()
        await asyncio.sleep(0)


class VendorServer:
    """All emulators behind one port; use it as a context manager, or `start` and `stop`.

    `own_process` runs them beside this interpreter: what load tests and benchmarks want, since a thread
    would take part of the measured process's time.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, own_process: bool = False, seed: int = 0,
                 keep: int = 5000, clock: Callable[[], float] = time.time) -> None:
        self.host = host
        self.port = port
        self._own_process = own_process
        self._seed = seed
        self._keep = keep
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    def url(self, vendor: str) -> str:
        """The base address of one vendor: what a connector's `base_url` setting takes."""
        return f"{self.base_url}/{vendor}"

    def control(self) -> Control:
        """A client of the control API."""
        return Control(self.base_url)

    def start(self) -> None:
        """Begin to serve; returns when requests are taken, raises OSError where the port is not free."""
        if self._own_process:
            self._start_process()
        else:
            self._start_thread()

    def stop(self) -> None:
        """End serving and break open connections."""
        if self._process is not None:
            self._stop_process(self._process)
            self._process = None
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
                 ) -> None:
        self.stop()

    def _start_thread(self) -> None:
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="vendor-emulators", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the vendor emulators did not start")
        if self._error is not None:
            error, self._error, self._thread = self._error, None, None
            raise error

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        listener = Listener(Front(clock=self._clock, seed=self._seed, keep=self._keep))
        try:
            self.port = loop.run_until_complete(listener.open(self.host, self.port))
            self._loop = loop
            self._ready.set()
            loop.run_forever()
            loop.run_until_complete(listener.close())
        except BaseException as error:  # noqa: BLE001 - it is raised again where `start` was called
            self._error = error
            self._ready.set()
        finally:
            loop.close()

    def _start_process(self) -> None:
        command = [sys.executable, "-m", "testkit.vendors", "--json", "--parent", "--host", self.host,
                   "--port", str(self.port), "--seed", str(self._seed), "--keep", str(self._keep)]
        # A session of its own: Ctrl-C is for the caller, who may still want the vendors while it drains.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            code = self._process.wait()
            self._process = None
            raise OSError(f"the vendor emulators did not start (exit code {code}); their message stands above")
        self.port = int(json.loads(line)["port"])

    @staticmethod
    def _stop_process(process: subprocess.Popen[str]) -> None:
        """Closing its input ends it, as does the end of this process."""
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
