"""The data plane's transport: libcurl's multi interface, driven by one thread over one epoll."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from math import inf
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, epoll
from time import monotonic
from typing import Any, Final

import pycurl

from connectors.kit.http import Signed
from processor.http.awake import Awake
from processor.http.curl_call import CurlCall
from processor.http.transport import Completion, TransportError
from processor.http.trust import authorities
from processor.http.wire import USER_AGENT, Unsendable, host_of

_INTEREST: Final = {pycurl.POLL_IN: EPOLLIN, pycurl.POLL_OUT: EPOLLOUT, pycurl.POLL_INOUT: EPOLLIN | EPOLLOUT}
_TIMEOUT: Final[int] = pycurl.SOCKET_TIMEOUT
_REMOVE: Final[int] = pycurl.POLL_REMOVE
_NEVER: Final = float("inf")
_HOST_FROM: Final = 8
"""Where the host begins in an https address; an http one has it a letter earlier."""
_LANE_CONNECTIONS: Final = 4
"""Most connections of one lane to a host: one carries all its calls, where the server lets it."""
_LANE_IDLE = 60.0
"""Seconds without a call after which a lane's connections may go."""


def _ready(mask: int) -> int:
    """What libcurl is told about a socket, from what epoll says."""
    told = pycurl.CSELECT_IN if mask & (EPOLLIN | EPOLLHUP) else 0
    if mask & EPOLLOUT:
        told |= pycurl.CSELECT_OUT
    return told | pycurl.CSELECT_ERR if mask & EPOLLERR else told


_READY: Final = [_ready(mask) for mask in range(32)]


class _Pool:
    """One CurlMulti: a set of connections, and the calls that use them."""

    __slots__ = ("_epoll", "_owners", "due", "lane", "load", "multi", "used_at")

    def __init__(self, poll: epoll, owners: dict[int, _Pool], kept: int, lane: Hashable = None) -> None:
        self.multi: pycurl.CurlMulti = pycurl.CurlMulti()
        self.load = 0
        self.lane = lane
        """Whose it is, where it is not everybody's."""
        self.used_at = 0.0
        self.due = _NEVER
        """When libcurl wants to be called without any socket being ready."""
        self._epoll = poll
        self._owners = owners
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self.multi.setopt(pycurl.M_MAXCONNECTS, kept)
        if lane is not None:
            self.multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, _LANE_CONNECTIONS)

    def _on_timer(self, milliseconds: int) -> None:
        self.due = _NEVER if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        # An idle connection stays in the epoll: to leave it after each call and to come back costs as much as a send.
        if what == _REMOVE:
            self._owners.pop(fd, None)
            return
        mask = _INTEREST.get(what, 0)
        self._owners[fd] = self
        try:
            self._epoll.modify(fd, mask)
        except FileNotFoundError:  # new, or closed and opened again under the same number
            self._epoll.register(fd, mask)

    def close(self) -> None:
        """Free the connections."""
        self.multi.close()


class CurlTransport:
    """Thousands of calls in flight in one thread; see Transport for the meaning of the methods."""

    def __init__(
        self,
        *,
        pools: int = 8,
        pool_load: int = 128,
        connect_timeout: float = 10.0,
        ca_file: str | None = None,
        kept_connections: int = 1024,
        user_agent: str = USER_AGENT,
        stall: float = inf,
    ) -> None:
        self._user_agent = user_agent
        self._awake = Awake(stall)
        # libcurl looks through a pool's connections one by one, so calls spread once a pool carries `pool_load`.
        self._epoll = epoll()
        self._owners: dict[int, _Pool] = {}
        """By socket with a call on it."""
        self._watched: set[int] = set()
        kept = max(16, kept_connections // pools)
        self._pools = [_Pool(self._epoll, self._owners, kept) for _ in range(pools)]
        # A connection that was opened without a look at its address must not be reused by a call that needs one.
        self._public = _Pool(self._epoll, self._owners, kept)
        self._lanes: dict[Hashable, _Pool] = {}
        self._every = [*self._pools, self._public]
        """All of these, and lanes whose last calls have not ended."""
        self._pool_load = pool_load
        self._share = _new_share()
        self._ca_file = authorities(ca_file)
        self._connect_timeout = connect_timeout
        self._calls: dict[Any, tuple[CurlCall, _Pool]] = {}
        self._by_handle: dict[pycurl.Curl, CurlCall] = {}
        self._free: tuple[list[CurlCall], list[CurlCall]] = ([], [])
        self._done: list[Completion] = []
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Calls begun and not ended."""
        return len(self._calls)

    def start(
        self,
        signed: Signed,
        ticket: Any,
        *,
        timeout: float,
        public_only: bool = False,
        max_bytes: int = 1 << 20,
        fresh: bool = False,
        lane: Hashable = None,
    ) -> None:
        """Begin a call; its end comes out of a later `wait`."""
        joins = lane is not None and not public_only and signed.url.startswith("https:")
        free = self._free[public_only]
        call = free.pop() if free else self._new_call(public_only=public_only)
        try:
            call.prepare(signed, ticket, timeout, max_bytes, fresh, joins)
        except Unsendable as problem:
            free.append(call)
            error = TransportError("blocked", f"{host_of(signed.url)}: {problem}")
            self._done.append(Completion(ticket, error, 0.0))
            return
        pool = self._lane(lane) if joins else self._public if public_only else self._pool_for(signed.url)
        pool.load += 1
        self._calls[ticket] = (call, pool)
        pool.multi.add_handle(call.handle)

    def _new_call(self, *, public_only: bool) -> CurlCall:
        call = CurlCall(self._share, self._ca_file, self._connect_timeout, public_only=public_only,
                        user_agent=self._user_agent, awake=self._awake)
        self._by_handle[call.handle] = call
        return call

    def _pool_for(self, url: str) -> _Pool:
        """The pool of the URL's host; where that is busy, the next that is not."""
        pools = self._pools
        count = len(pools)
        home = hash(url[:url.find("/", _HOST_FROM)]) % count
        for step in range(count):
            pool = pools[(home + step) % count]
            if pool.load < self._pool_load:
                return pool
        return min(pools, key=_load)

    def _lane(self, lane: Hashable) -> _Pool:
        """The lane's own connections; new ones where the former do not answer any more."""
        pool = self._lanes.get(lane)
        if pool is None:
            self._sweep()
            pool = self._lanes[lane] = _Pool(self._epoll, self._owners, _LANE_CONNECTIONS, lane)
            self._every.append(pool)
        pool.used_at = monotonic()
        return pool

    def _sweep(self) -> None:
        """Let the connections of lanes go that nobody uses any more."""
        ago = monotonic() - _LANE_IDLE
        for pool in [one for one in self._every if one.lane is not None and not one.load]:
            if self._lanes.get(pool.lane) is not pool or pool.used_at < ago:
                self._abandon(pool)
                self._every.remove(pool)
                pool.close()

    def _abandon(self, pool: _Pool) -> None:
        """Begin no further call on the pool's connections."""
        if pool.lane is not None and self._lanes.get(pool.lane) is pool:
            del self._lanes[pool.lane]

    def watch(self, fd: int) -> None:
        """Let `wait` return early when `fd` is readable; its owner reads it empty."""
        self._watched.add(fd)
        self._epoll.register(fd, EPOLLIN)

    def wait(self, seconds: float) -> Sequence[Completion]:
        """Drive the calls for at most `seconds`; returns as soon as a call ended or a watched fd is readable."""
        end = monotonic() + seconds
        while True:
            self._awake.since()
            due = self._run_timers()
            now = monotonic()
            idle = 0.0 if self._done else max(0.0, min(end, due) - now)
            woken = self._run_sockets(idle)
            if self._done or woken or monotonic() >= end:
                done, self._done = self._done, []
                return done

    def _run_timers(self) -> float:
        """Call every pool whose time has come; returns when the next one's comes."""
        now = monotonic()
        for pool in self._every:
            if pool.due <= now:
                pool.due = _NEVER
                _, running = pool.multi.socket_action(_TIMEOUT, 0)
                if running != pool.load:
                    self._collect(pool)
        return min([pool.due for pool in self._every])

    def _run_sockets(self, idle: float) -> bool:
        """Wait for sockets and let libcurl work on the ready ones; tells whether a watched fd is readable."""
        woken = False
        owners = self._owners
        touched: set[_Pool] = set()
        self._awake.since()
        ready = self._epoll.poll(idle, 1024)
        self._awake.since()
        for fd, mask in ready:
            pool = owners.get(fd)
            if pool is None:
                woken = self._strange(fd) or woken
                continue
            _, running = pool.multi.socket_action(fd, _READY[mask & 31])
            if running != pool.load:
                touched.add(pool)
        for pool in touched:
            self._collect(pool)
        return woken

    def _strange(self, fd: int) -> bool:
        """Whether a ready socket without a call is watched; else an idle connection broke: libcurl sees it in time."""
        if fd in self._watched:
            return True
        with suppress(OSError):  # it may be closed by now
            self._epoll.unregister(fd)
        return False

    def _collect(self, pool: _Pool) -> None:
        """Take the ended calls of `pool`."""
        multi = pool.multi
        left = 1
        while left:
            left, well, ill = multi.info_read()
            for handle in well:
                self._end(pool, handle, None)
            for handle, code, text in ill:
                self._end(pool, handle, (code, text))

    def _end(self, pool: _Pool, handle: pycurl.Curl, error: tuple[int, str] | None) -> None:
        pool.multi.remove_handle(handle)
        pool.load -= 1
        call = self._by_handle[handle]
        del self._calls[call.ticket]
        if error is not None and call.sent:
            self._abandon(pool)
        self._done.append(call.answered() if error is None else call.failed(*error))
        self._free[pool is self._public].append(call)

    def cancel(self, ticket: Any) -> None:
        """Cut a call; it ends without a completion."""
        entry = self._calls.pop(ticket, None)
        if entry is None:
            self._done = [done for done in self._done if done.ticket != ticket]
            return
        call, pool = entry
        pool.multi.remove_handle(call.handle)
        pool.load -= 1
        call.forget()
        self._free[pool is self._public].append(call)

    def close(self) -> None:
        """Cut everything and free the sockets; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        for ticket in list(self._calls):
            self.cancel(ticket)
        for pool in self._every:
            pool.close()
        for handle in self._by_handle:
            handle.close()
        self._by_handle.clear()
        for free in self._free:
            free.clear()
        self._share.close()
        self._epoll.close()


def _load(pool: _Pool) -> int:
    return pool.load


def _new_share() -> pycurl.CurlShare:
    """What the pools share: names that were looked up, and TLS sessions."""
    share = pycurl.CurlShare()
    share.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_DNS)
    share.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_SSL_SESSION)
    return share
