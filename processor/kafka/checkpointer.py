"""The checkpoint thread: alone touches the producer, makes one checkpoint after another durable."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from processor.engine.checkpoint import Checkpoint, CheckpointEnd
from processor.engine.partition import Part, Record

COMMIT_TIMEOUT = 30.0
HANGS_AFTER = 45.0
"""Seconds in which offsets are sent or the library has failed, be it by its own time-out."""
ALIVE_AFTER = 60.0
"""Seconds for which a commit that timed out is called again before the process begins anew."""


class CheckpointThread(threading.Thread):
    """Takes checkpoints, tells their ends over `fd` (an eventfd)."""

    def __init__(
        self, properties: dict[str, Any], commit_offsets: Callable[[list[TopicPartition]], None],
        changelogs: frozenset[str],
    ) -> None:
        super().__init__(name="checkpoint", daemon=True)
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._producer = Producer(properties)
        self._transactional = "transactional.id" in properties
        self._commit_offsets = commit_offsets
        self._changelogs = changelogs
        self._jobs: SimpleQueue[Checkpoint | None] = SimpleQueue()
        self._ends: deque[CheckpointEnd] = deque()
        self._positions: dict[tuple[str, int], int] = {}
        self._failed: str = ""
        self._asked_at = 0.0
        """Since when the library has been sending offsets; 0 while it is not."""

    @property
    def hangs(self) -> bool:
        """Whether the library has not come back, long after its own time-out: only a new producer helps."""
        return 0.0 < self._asked_at < time.monotonic() - HANGS_AFTER

    def prepare(self, timeout: float) -> None:
        """End what a predecessor of the same name left open; raises KafkaException."""
        if self._transactional:
            self._producer.init_transactions(timeout)

    def heard(self) -> None:
        """The loop was woken: read the eventfd empty."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.fd)

    def submit(self, checkpoint: Checkpoint) -> None:
        """Begin; its end comes out of a later `ends`."""
        self._jobs.put(checkpoint)

    def ends(self) -> list[CheckpointEnd]:
        """Checkpoints that ended since the last call."""
        if not self._ends:
            return []
        found = list(self._ends)
        for _ in found:
            self._ends.popleft()
        return found

    def stop(self) -> None:
        """End the thread after what it has in hand."""
        self._jobs.put(None)

    def run(self) -> None:
        """One checkpoint after another."""
        while (job := self._jobs.get()) is not None:
            began = time.monotonic()
            self._positions, self._failed = {}, ""
            try:
                result, message = self._transaction(job) if self._transactional else self._plain(job)
            except Exception as error:  # noqa: BLE001  whatever happens, the loop must hear of it
                result, message = "lost", f"{type(error).__name__}: {error}"
            self._ends.append(CheckpointEnd(
                job.number, result, message, self._positions, time.monotonic() - began))  # type: ignore[arg-type]
            os.eventfd_write(self.fd, 1)

    def _transaction(self, job: Checkpoint) -> tuple[str, str]:
        producer = self._producer
        try:
            producer.begin_transaction()
            self._produce(job)
            self._send_offsets(job)
            self._commit()
        except KafkaException as exception:
            return self._abort(exception)
        return "committed", ""

    def _send_offsets(self, job: Checkpoint) -> None:
        self._asked_at = time.monotonic()
        try:
            self._producer.send_offsets_to_transaction(self._offsets(job), job.metadata, COMMIT_TIMEOUT)
        finally:
            self._asked_at = 0.0

    def _commit(self) -> None:
        """A commit that timed out is called again: only so can be known whether it happened."""
        deadline = time.monotonic() + ALIVE_AFTER
        while True:
            try:
                self._producer.commit_transaction(COMMIT_TIMEOUT)
            except KafkaException as exception:
                if not exception.args[0].retriable() or time.monotonic() > deadline:
                    raise
            else:
                return

    def _abort(self, exception: KafkaException) -> tuple[str, str]:
        error = exception.args[0]
        if error.fatal() or not error.txn_requires_abort():
            return "lost", error.str()
        try:
            self._producer.abort_transaction(COMMIT_TIMEOUT)
        except KafkaException as second:
            return "lost", second.args[0].str()
        return "aborted", error.str()

    def _produce(self, job: Checkpoint) -> None:
        last: dict[tuple[str, int], tuple[int, int]] = {}
        for p, part in enumerate(job.parts):
            for r, record in enumerate(part.records):
                if record[0] in self._changelogs:
                    last[record[0], record[3]] = (p, r)
        watched = set(last.values())
        for p, part in enumerate(job.parts):
            for r, record in enumerate(part.records):
                self._put(record, self._delivered if (p, r) in watched else None)
        for record in job.aside:
            self._put(record, None)

    def _put(self, record: Record, told: Callable[[Any, Any], None] | None) -> None:
        while True:
            try:
                if len(record) == 4:
                    topic, key, value, partition = record
                    self._producer.produce(topic, value, key, partition, told)
                else:
                    topic, key, value, partition, headers = record
                    self._producer.produce(topic, value, key, partition, told, headers=headers)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def _delivered(self, error: Any, message: Any) -> None:
        if error is not None:
            self._failed = error.str()
        else:
            self._positions[message.topic(), message.partition()] = message.offset() + 1

    def _offsets(self, job: Checkpoint) -> list[TopicPartition]:
        latest = {(topic, part.partition.number): (offset, part)
                  for part in job.parts for topic, offset in part.offsets}
        return [TopicPartition(topic, number, offset, _told(topic, part))
                for (topic, number), (offset, part) in latest.items()]

    def _plain(self, job: Checkpoint) -> tuple[str, str]:
        """At least once: all records acknowledged, then the offsets."""
        try:
            self._produce(job)
            left = self._producer.flush(COMMIT_TIMEOUT)
            if left or self._failed:
                self._producer.purge()
                return "aborted", self._failed or f"{left} records not acknowledged"
            self._commit_offsets(self._offsets(job))
        except KafkaException as exception:
            error = exception.args[0]
            return ("lost" if error.fatal() else "aborted"), error.str()
        return "committed", ""


def _told(topic: str, part: Part) -> str:
    """The metadata of a committed offset."""
    return part.promise.told if topic == part.partition.topics.interactions else ""
