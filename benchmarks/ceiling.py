"""What the bare libraries allow: consume, decode, look up, call, encode, produce, commit; no guarantee at all.

One thread over confluent-kafka, fastavro, a dictionary, orjson and pycurl's multi interface. Events are lost when it
is killed, a user's calls overtake one another, an error is written down as it is, nothing is measured or logged.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from select import EPOLLIN, EPOLLOUT, epoll
from time import monotonic
from typing import Any

import orjson
import pycurl
from confluent_kafka import Consumer, Producer

from benchmarks.task import Task
from benchmarks.workload import EVENT, all_users, body, result

BATCH = 500
IDLE = 0.005
POOL = 128
"""Connections of one CurlMulti: with more it slows down."""
INTEREST = {pycurl.POLL_IN: EPOLLIN, pycurl.POLL_OUT: EPOLLOUT, pycurl.POLL_INOUT: EPOLLIN | EPOLLOUT}
NEVER = float("inf")


class Pool:
    """One CurlMulti in the common epoll."""

    def __init__(self, poll: epoll, owners: dict[int, Pool]) -> None:
        self.multi = pycurl.CurlMulti()
        self.due = NEVER
        self._poll, self._owners = poll, owners
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._timer)
        self.multi.setopt(pycurl.M_MAXCONNECTS, 1024)

    def _timer(self, milliseconds: int) -> None:
        self.due = NEVER if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _socket(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if self._owners.pop(fd, None) is not None:
                self._poll.unregister(fd)
        elif fd in self._owners:
            self._poll.modify(fd, INTEREST[what])
        else:
            self._owners[fd] = self
            self._poll.register(fd, INTEREST[what])


class Handle:
    """One curl handle, with the event that it carries."""

    def __init__(self, url: str, pool: Pool) -> None:
        self.pool = pool
        self.event: Any = None
        self.position = 0
        self.started = 0
        self.chunks: list[bytes] = []
        self.curl = pycurl.Curl()
        for option, value in ((pycurl.URL, url), (pycurl.POST, 1), (pycurl.NOSIGNAL, 1), (pycurl.TCP_NODELAY, 1),
                              (pycurl.NOPROXY, "*"), (pycurl.WRITEFUNCTION, self.chunks.append),
                              (pycurl.TIMEOUT_MS, 30_000)):
            self.curl.setopt(option, value)

    def start(self, key: str, data: bytes) -> None:
        """Begin a call."""
        put = self.curl.setopt
        put(pycurl.HTTPHEADER, ["Content-Type: application/json", "Idempotency-Key: " + key])
        put(pycurl.POSTFIELDS, data)
        self.started = int(time.time() * 1000)
        self.pool.multi.add_handle(self.curl)


class Ceiling:
    """The loop."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.stopped = False
        self._known = all_users()
        self._consumer = Consumer({
            "bootstrap.servers": task.servers, "group.id": task.group, "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 500, "queued.max.messages.kbytes": 16384, "fetch.wait.max.ms": 50,
            "log_level": 0,
        })
        self._producer = Producer({
            "bootstrap.servers": task.servers, "partitioner": "murmur2_random", "linger.ms": 5,
            "compression.type": "lz4", "log_level": 0,
        })
        self._poll = epoll()
        self._owners: dict[int, Pool] = {}
        self._pools = [Pool(self._poll, self._owners) for _ in range(-(-task.in_flight // POOL))]
        url = task.url + ("/many" if task.items > 1 else "/one")
        self._free = [Handle(url, self._pools[i % len(self._pools)]) for i in range(task.in_flight)]
        self._handles = {one.curl: one for one in self._free}
        self._in_flight = task.in_flight
        self._queue: deque[Any] = deque()
        self._looked_at = 0.0

    def run(self) -> None:
        """Turn until stopped."""
        self._consumer.subscribe([self.task.interactions])
        while not self.stopped:
            self._take()
            self._wait()
            self._producer.poll(0)
        self._consumer.close()
        self._producer.flush(30)

    def _take(self) -> None:
        if not self._queue and self._free and monotonic() >= self._looked_at:
            idle = len(self._free) == self._in_flight
            found = self._consumer.consume(BATCH, IDLE if idle else 0)
            self._queue.extend(EVENT.read(one.value()) for one in found if one.error() is None)
            if not found:
                self._looked_at = monotonic() + IDLE
        queue, free, items = self._queue, self._free, self.task.items
        while queue and free:
            if items > 1:
                self._send_many(free.pop(), [queue.popleft() for _ in range(min(items, len(queue)))])
            else:
                self._send(free.pop(), queue.popleft(), 0)

    def _send(self, handle: Handle, event: dict[str, Any], position: int) -> None:
        handle.event, handle.position = event, position
        key = f"{event['event_id']}-{position}"
        handle.start(key, self._body(event))

    def _send_many(self, handle: Handle, events: list[dict[str, Any]]) -> None:
        handle.event = events
        handle.start(events[0]["event_id"], b"\n".join(map(self._body, events)))

    def _body(self, event: dict[str, Any]) -> bytes:
        who = event["user_id"]
        return body(event["event_id"], who, event["prompt_id"], event["interaction"], self._known[who])

    def _wait(self) -> None:
        now = monotonic()
        due = NEVER
        for pool in self._pools:
            if pool.due <= now:
                pool.due = NEVER
                pool.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
                self._collect(pool)
            due = min(due, pool.due)
        if len(self._free) == self._in_flight:
            return
        touched = set()
        for fd, mask in self._poll.poll(max(0.0, min(IDLE, due - now)), 1024):
            pool = self._owners[fd]
            pool.multi.socket_action(fd, (mask & EPOLLIN and pycurl.CSELECT_IN) | (
                mask & EPOLLOUT and pycurl.CSELECT_OUT) | (pycurl.CSELECT_ERR if mask & 24 else 0))
            touched.add(pool)
        for pool in touched:
            self._collect(pool)

    def _collect(self, pool: Pool) -> None:
        left = 1
        while left:
            left, well, ill = pool.multi.info_read()
            for curl in well:
                self._ended(self._handles[curl], curl.getinfo(pycurl.RESPONSE_CODE))
            for curl, _code, _text in ill:
                self._ended(self._handles[curl], 0)

    def _ended(self, handle: Handle, status: int) -> None:
        handle.pool.multi.remove_handle(handle.curl)
        reference = orjson.loads(b"".join(handle.chunks))["id"] if status == 200 else ""
        handle.chunks.clear()
        event = handle.event
        if isinstance(event, list):
            for one in event:
                self._say(one, handle, reference, status)
            self._free.append(handle)
            return
        self._say(event, handle, reference, status)
        if handle.position + 1 < self.task.steps and status == 200:
            self._send(handle, event, handle.position + 1)
        else:
            self._free.append(handle)

    def _say(self, event: dict[str, Any], handle: Handle, reference: str, status: int) -> None:
        data = result(event, handle.position, reference, status, handle.started)
        key = f"{event['app_id']}:{event['user_id']}"
        while True:
            try:
                self._producer.produce(self.task.results, data, key)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return


def main() -> None:
    """Run until SIGTERM."""
    ceiling = Ceiling(Task.given(os.environ))

    def stop(*_signal: Any) -> None:
        ceiling.stopped = True

    signal.signal(signal.SIGTERM, stop)
    ceiling.run()


if __name__ == "__main__":
    main()
