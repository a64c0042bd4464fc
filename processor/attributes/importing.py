"""Brings the rows of a file onto the topic of attributes: acknowledged, in bounded memory, able to go on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, NamedTuple

import orjson
from confluent_kafka import KafkaException, Producer

from processor.attributes.position import Position
from processor.attributes.rows import Row
from processor.avro.codec import Codec
from processor.settings import ProcessorSettings

OUTSTANDING = 50_000
"""Rows that wait for the broker's word at once."""
SAVE_SECONDS = 1.0
LOOK_EVERY = 256
"""Rows after which callbacks are served and the clock is looked at."""
DELIVERY_SECONDS = 60
END_SECONDS = 70.0
SHOWN = 5

Save = Callable[[Position], None]


class Stopped(Exception):
    """The broker did not take a row; what was acknowledged before it is kept."""


class Summary(NamedTuple):
    """How an import went, from the very beginning of the file on."""

    sent: int
    rejected: int
    rows_now: int
    """Of this run."""
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second of this run."""
        return self.rows_now / self.seconds if self.seconds > 0 else 0.0


class _Slot:
    """One row on its way."""

    __slots__ = ("done", "end", "line", "rejected", "rejects_bytes")

    def __init__(self, row: Row, rejects_bytes: int) -> None:
        self.end, self.line, self.rejects_bytes = row.end, row.line + row.text.count(b"\n"), rejects_bytes
        self.rejected = row.change is None
        self.done = self.rejected


class Import:
    """One import; `position` is acknowledged at any time, also after an interruption."""

    def __init__(
        self, settings: ProcessorSettings, codec: Codec, start: Position, *, rejects: BinaryIO | None = None,
        save: Save = lambda _position: None,
    ) -> None:
        kafka = settings.kafka
        own = {
            "partitioner": "murmur2_random", "acks": "all", "enable.idempotence": True, "linger.ms": 20,
            "compression.type": "lz4", "message.timeout.ms": DELIVERY_SECONDS * 1000, "log_level": 0,
            "queue.buffering.max.messages": OUTSTANDING + 1000, "queue.buffering.max.kbytes": 65_536,
        }
        self._producer = Producer(kafka.client(own, kafka.producer_properties, {"partitioner": "murmur2_random"}))
        self._topic = settings.topics.attributes
        self._codec = codec
        self._rejects = rejects
        self._save = save
        self._slots: deque[_Slot] = deque()
        self._error = ""
        self._rows = 0
        self._rejects_bytes = start.rejects_bytes
        self.position = start
        self.first_rejected: list[Row] = []
        """A few of the rejected rows of this run, for a person."""

    def run(self, rows: Iterable[Row], progress: Callable[[Position], None] = lambda _position: None) -> Summary:
        """Bring in all rows; raises Stopped. Whatever ends it, the position is saved."""
        begun = saved = time.monotonic()
        try:
            for row in rows:
                self._take(row)
                if self._rows % LOOK_EVERY == 0:
                    self._look()
                    now = time.monotonic()
                    if now - saved > SAVE_SECONDS:
                        saved = now
                        self._keep()
                        progress(self.position)
        finally:
            self._finish()
            progress(self.position)
        if self._slots:
            raise Stopped(self._error or "the broker gave no answer")
        return Summary(self.position.sent, self.position.rejected, self._rows, time.monotonic() - begun)

    def _take(self, row: Row) -> None:
        self._rows += 1
        if row.change is None:
            self._reject(row)
        slot = _Slot(row, self._rejects_bytes)
        self._slots.append(slot)
        if row.change is not None:
            key = f"{row.change.app_id}:{row.change.user_id}".encode()
            self._produce(key, self._codec.encode_attributes(row.change), slot)
        while len(self._slots) >= OUTSTANDING:
            self._producer.poll(0.05)
            self._look()

    def _produce(self, key: bytes, value: bytes, slot: _Slot) -> None:
        def ended(error: Any, _message: Any) -> None:
            if error is None:
                slot.done = True
            elif not self._error:
                self._error = error.str()

        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=ended)
            except BufferError:
                self._producer.poll(0.05)
                self._look()
            except KafkaException as error:
                raise Stopped(error.args[0].str()) from None
            else:
                return

    def _reject(self, row: Row) -> None:
        if len(self.first_rejected) < SHOWN:
            self.first_rejected.append(row)
        if self._rejects is not None:
            text = row.text.decode("utf-8", "replace").rstrip("\r\n")
            line = orjson.dumps({"line": row.line, "reason": row.reason, "row": text}) + b"\n"
            self._rejects.write(line)
            self._rejects_bytes += len(line)

    def _look(self) -> None:
        """Serve callbacks, and move the position over what has ended; raises Stopped where a row did not arrive."""
        self._producer.poll(0)
        self._advance()
        if self._error:
            raise Stopped(self._error)

    def _advance(self) -> None:
        at, slots, last = self.position, self._slots, None
        sent, rejected = at.sent, at.rejected
        while slots and slots[0].done:
            last = slots.popleft()
            sent, rejected = sent + (not last.rejected), rejected + last.rejected
        if last is not None:
            self.position = Position(last.end, last.line, sent, rejected, last.rejects_bytes)

    def _keep(self) -> None:
        if self._rejects is not None:
            self._rejects.flush()
        self._save(self.position)

    def _finish(self) -> None:
        self._producer.flush(1.0 if self._error else END_SECONDS)
        self._advance()
        self._keep()
