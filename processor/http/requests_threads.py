"""The second transport: `requests` in a pool of threads, for the control plane and as a choice for the data plane."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf
from queue import SimpleQueue
from select import EPOLLIN, epoll
from ssl import SSLCertVerificationError
from time import monotonic
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError

from connectors.kit.http import Response, Signed
from processor.http.awake import Awake
from processor.http.requests_connection import (
    Progress,
    Refused,
    StoodStillError,
    carry,
    close_adapter,
    new_adapter,
)
from processor.http.transport import Completion, Phase, TransportError
from processor.http.trust import authorities
from processor.http.wire import BAD_ADDRESS, USER_AGENT, Unsendable, header_bytes, host_of

_CHUNK = 1 << 16
_INVALID = (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)
_SAID = {
    "resolve": "the name could not be resolved",
    "connect": "could not connect",
    "tls": "no trusted TLS connection",
    "send": "the connection was lost while sending",
    "answer": "the connection was lost before the answer was complete",
}


class _Job(NamedTuple):
    """One call on its way through the threads."""

    signed: Signed
    ticket: Any
    begun: float
    deadline: float
    timeout: float
    public_only: bool
    max_bytes: int
    fresh: bool
    progress: Progress


class _TooLarge(Exception):
    """The answer is larger than it may be."""


class RequestsTransport:
    """Calls through `requests`, one thread each; see Transport for the meaning of the methods."""

    def __init__(
        self, *, threads: int = 64, connect_timeout: float = 10.0, ca_file: str | None = None,
        user_agent: str = USER_AGENT, stall: float = inf,
    ) -> None:
        self._awake = Awake(stall)
        self._user_agent = user_agent
        self._most_threads = threads
        self._threads: list[threading.Thread] = []
        self._connect_timeout = connect_timeout
        self._ca_file = authorities(ca_file)
        self._adapters = (new_adapter(threads, public_only=False), new_adapter(threads, public_only=True))
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._jobs: dict[Any, _Job] = {}
        self._deadlines: list[tuple[float, int, _Job]] = []
        self._order = count()
        self._ended: deque[tuple[_Job, Completion]] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = epoll()
        self._epoll.register(self._bell, EPOLLIN)
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Calls begun and not ended."""
        return len(self._jobs)

    def start(
        self,
        signed: Signed,
        ticket: Any,
        *,
        timeout: float,
        public_only: bool = False,
        max_bytes: int = 1 << 20,
        fresh: bool = False,
        lane: Hashable = None,  # noqa: ARG002 - HTTP/1.1 only: one call a connection
    ) -> None:
        """Begin a call; its end comes out of a later `wait`."""
        now = monotonic()
        job = _Job(signed, ticket, now, now + timeout, timeout, public_only, max_bytes, fresh, Progress(self._awake))
        self._jobs[ticket] = job
        heappush(self._deadlines, (job.deadline, next(self._order), job))
        if len(self._threads) < min(self._most_threads, len(self._jobs)):
            self._add_thread()
        self._queue.put(job)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"http-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def watch(self, fd: int) -> None:
        """Let `wait` return early when `fd` is readable; its owner reads it empty."""
        self._epoll.register(fd, EPOLLIN)

    def wait(self, seconds: float) -> Sequence[Completion]:
        """Wait at most `seconds`; returns as soon as a call ended or a watched fd is readable."""
        end = monotonic() + seconds
        while True:
            done = [*self._collect(), *self._overdue()]
            until = min(end, self._deadlines[0][0]) if self._deadlines else end
            self._awake.since()
            ready = self._epoll.poll(0.0 if done else max(0.0, until - monotonic()))
            self._awake.since()
            woken = any(fd != self._bell for fd, _ in ready)
            if any(fd == self._bell for fd, _ in ready):
                os.eventfd_read(self._bell)
            done.extend(self._collect())
            if done or woken or monotonic() >= end:
                return done

    def _collect(self) -> Iterator[Completion]:
        while self._ended:
            job, done = self._ended.popleft()
            if self._jobs.get(job.ticket) is job:
                del self._jobs[job.ticket]
                yield done

    def _overdue(self) -> Iterator[Completion]:
        """Calls whose total time is up, however busy their sockets are."""
        while self._deadlines and self._deadlines[0][0] <= monotonic():
            job = heappop(self._deadlines)[2]
            if self._jobs.get(job.ticket) is job:
                del self._jobs[job.ticket]
                yield _overdue(job)

    def cancel(self, ticket: Any) -> None:
        """Cut a call; it ends without a completion."""
        job = self._jobs.pop(ticket, None)
        if job is not None:
            job.progress.give_up()

    def close(self) -> None:
        """Cut everything and free sockets and threads; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        for ticket in list(self._jobs):
            self.cancel(ticket)
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(1.0)
        for adapter in self._adapters:
            close_adapter(adapter)
        self._epoll.close()
        os.close(self._bell)

    # From here on in the threads.

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            carry(job.progress)
            answer = self._answer(job)
            if job.progress.ended():
                self._ended.append((job, Completion(job.ticket, answer, monotonic() - job.begun)))
                os.eventfd_write(self._bell, 1)

    def _answer(self, job: _Job) -> Response | TransportError:
        try:
            if not job.fresh:
                return self._call(job, self._adapters[job.public_only])
            alone = new_adapter(1, public_only=job.public_only)
            try:
                return self._call(job, alone)
            finally:
                close_adapter(alone)
        except Exception as problem:  # noqa: BLE001 -- whatever breaks a call is its end, not the thread's
            return _error(job, problem)

    def _call(self, job: _Job, adapter: HTTPAdapter) -> Response:
        left = max(0.001, job.deadline - monotonic())
        # The adapter, not a session: a session would follow, keep cookies, and read a redirect's whole body.
        answer = adapter.send(
            _prepared(job.signed, self._user_agent),
            stream=True,
            timeout=(min(left, self._connect_timeout), left),
            verify=self._ca_file,
        )
        try:
            body = _body(answer, job.max_bytes)
        except BaseException:
            answer.raw.close()
            raise
        headers = {name.lower(): answer.raw.headers[name] for name in answer.raw.headers}
        return Response(answer.status_code, headers, body)


def _prepared(signed: Signed, user_agent: str) -> requests.PreparedRequest:
    headers: dict[str, str | bytes] = {"User-Agent": user_agent, "Accept": "*/*"}
    for line in header_bytes(signed.headers):
        text = line if isinstance(line, str) else line.decode()
        name, _, value = text.partition(":")
        headers[name] = value.strip() if isinstance(line, str) else value.strip().encode()
    prepared = requests.Request(signed.method, signed.url, headers, data=signed.body).prepare()
    prepared.url = signed.url  # as it was signed: `requests` would write "%2E%2E" as ".."
    return prepared


def _body(answer: requests.Response, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.raw.stream(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > max_bytes:
            raise _TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _overdue(job: _Job) -> Completion:
    phase: Phase = job.progress.phase
    sent = job.progress.give_up()
    if sent and phase not in ("send", "answer"):
        phase = "send"
    text = f"{host_of(job.signed.url)}: timed out after {job.timeout:g} s"
    return Completion(job.ticket, TransportError(phase, text, timed_out=True), monotonic() - job.begun)


def _error(job: _Job, problem: Exception) -> TransportError:
    host = host_of(job.signed.url)
    if isinstance(problem, _TooLarge):
        return TransportError("too_large", f"{host}: the answer is larger than {job.max_bytes} bytes")
    if isinstance(problem, StoodStillError):
        return TransportError("send" if job.progress.sent else "connect",
                              f"{host}: the process stood still before the request was sent")
    if isinstance(problem, Refused):
        text = f"{problem} is no public address, and only those are allowed here"
        return TransportError("blocked", f"{host}: {text}")
    if not job.progress.sent and isinstance(problem, (Unsendable, UnicodeError, *_INVALID)):
        return TransportError("blocked", f"{host}: {problem if isinstance(problem, Unsendable) else BAD_ADDRESS}")
    chain = list(_chain(problem))
    resolving = not job.progress.sent and any(isinstance(link, NameResolutionError) for link in chain)
    phase: Phase = "resolve" if resolving else job.progress.phase
    timed_out = any(isinstance(link, (TimeoutError, requests.Timeout)) for link in chain)
    return TransportError(phase, f"{host}: {_SAID[phase]} ({_detail(chain)})", timed_out)


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """The exception and what lies beneath it, outermost first."""
    seen: set[int] = set()
    here: BaseException | None = problem
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__


def _detail(chain: Sequence[BaseException]) -> str:
    """What the operating system or TLS said; never an exception's whole text, which holds the URL."""
    for link in chain:
        if isinstance(link, SSLCertVerificationError):
            return link.verify_message
    texts = [link.strerror for link in chain if isinstance(link, OSError) and link.strerror]
    return texts[-1] if texts else type(chain[-1]).__name__
