"""Records on their way to Kafka: idempotent, acknowledged by all replicas, in bounded number."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from processor.ingest.reading import Record
from processor.settings import ProcessorSettings

POLL_SECONDS = 0.1
PROBE_SECONDS = 2.0
"""How long a broker that was away is asked whether it is there again."""
TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class FullError(Exception):
    """Too much is on its way already."""


class NotTakenError(Exception):
    """Kafka has not acknowledged; some of it may be there all the same."""

    def __init__(self, why: str, *, too_large: bool = False) -> None:
        super().__init__(why)
        self.too_large = too_large


class _Slot:
    """One request: how many of its records are still on their way."""

    __slots__ = ("error", "future", "left")

    def __init__(self, left: int, future: asyncio.Future[None]) -> None:
        self.left, self.future = left, future
        self.error: KafkaError | None = None


class Outbox:
    """Sends for one event loop; a thread of its own hears what became of it."""

    def __init__(self, settings: ProcessorSettings, loop: asyncio.AbstractEventLoop) -> None:
        kafka, ingest = settings.kafka, settings.ingest
        own: dict[str, Any] = {
            "client.id": f"prompt-actions-ingest-{settings.instance}", "enable.idempotence": True, "acks": "all",
            "linger.ms": 2, "compression.type": "lz4", "message.timeout.ms": int(ingest.timeout * 1000),
            "queue.buffering.max.messages": ingest.outstanding + ingest.max_batch,
            "queue.buffering.max.kbytes": 262_144, "message.max.bytes": 4 << 20, "log_level": 0,
        }
        # The partitioner stands last: with another one the processor would not find the user's attributes.
        fixed = {"partitioner": "murmur2_random", "error_cb": self._on_error}
        self._away = False
        self._fatal = ""
        self._producer = Producer(kafka.client(own, kafka.producer_properties, fixed))
        self._loop = loop
        self._most = ingest.outstanding
        self._ended: deque[tuple[_Slot, KafkaError | None]] = deque()
        self._closing = Event()
        self._thread = Thread(target=self._poll, name="ingest-outbox", daemon=True)
        self.outstanding = 0
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now; "" where all is well."""
        return self._fatal or ("no broker can be reached" if self._away else "")

    @property
    def broken(self) -> bool:
        """Whether only a new process helps."""
        return bool(self._fatal)

    async def send(self, records: Sequence[Record]) -> None:
        """Return when Kafka has acknowledged all; raises FullError (nothing was sent) or NotTakenError."""
        if self.trouble:
            raise FullError(self.trouble)
        if self.outstanding + len(records) > self._most:
            raise FullError(f"{self.outstanding} records wait for Kafka already")
        slot = _Slot(len(records), self._loop.create_future())
        for at, one in enumerate(records):
            try:
                self._producer.produce(one.topic, one.value, one.key, on_delivery=self._hearing(slot))
            except (BufferError, KafkaException) as error:
                slot.left -= len(records) - at
                full = KafkaError(KafkaError._QUEUE_FULL)  # noqa: SLF001 - the library's name of the constant
                slot.error = error.args[0] if isinstance(error, KafkaException) else full
                break
            self.outstanding += 1
        if slot.left:
            await slot.future
        if slot.error is not None:
            raise NotTakenError(slot.error.str(), too_large=slot.error.code() in TOO_LARGE)

    def close(self, seconds: float) -> int:
        """Wait for what is on its way; returns how many records nobody will hear of."""
        left = self._producer.flush(seconds)
        self._closing.set()
        self._thread.join(PROBE_SECONDS + 1)
        return int(left)

    def _hearing(self, slot: _Slot) -> Any:
        ended = self._ended
        return lambda error, _message: ended.append((slot, error))

    def _poll(self) -> None:
        """Hear of ends; ask for a broker that is away."""
        while not self._closing.is_set():
            self._producer.poll(POLL_SECONDS)
            if self._ended:
                self._loop.call_soon_threadsafe(self._settle)
            if self._away:
                self._probe()

    def _settle(self) -> None:
        ended = self._ended
        while ended:
            slot, error = ended.popleft()
            self.outstanding -= 1
            slot.left -= 1
            slot.error = slot.error or error
            if slot.left == 0 and not slot.future.done():
                slot.future.set_result(None)

    def _probe(self) -> None:
        try:
            self._producer.list_topics(timeout=PROBE_SECONDS)
        except KafkaException:
            return
        self._away = False

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = f"the producer ended: {error.str()}"
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the library's name of the constant
            self._away = True
