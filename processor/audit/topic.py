"""The audit as its topic has it, for those who write into it by itself and who read its newest records."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

from confluent_kafka import Producer

from processor.audit.log import MOST, FileAudit, Record, newest_of
from processor.audit.record import Audited
from processor.kafka.reader import Extent, LogReader, Place
from processor.settings import ProcessorSettings

ANSWER_SECONDS = 10.0


class AuditError(Exception):
    """The audit cannot be written; the text says why."""


class TopicAudit:
    """The topic of the audit; follows it from where it was last asked."""

    def __init__(self, settings: ProcessorSettings, reader: LogReader) -> None:
        self._topic = settings.topics.audit
        self._reader = reader
        self._lock = Lock()
        self._at: dict[Place, int] = {}
        self._records: deque[bytes] = deque(maxlen=MOST)
        kafka = settings.kafka
        self._producer = Producer(kafka.client({
            "client.id": "prompt-actions-audit", "partitioner": "murmur2_random", "enable.idempotence": True,
            "acks": "all", "message.timeout.ms": int(ANSWER_SECONDS * 1000), "log_level": 0,
        }, kafka.producer_properties))

    def write(self, audited: Audited) -> None:
        """Add a record; raises AuditError where it is not durable in time."""
        failed: list[str] = []
        self._producer.produce(self._topic, audited.line(), audited.subject.encode(), on_delivery=lambda error, _: (
            failed.append(error.str()) if error is not None else None))
        if self._producer.flush(ANSWER_SECONDS) or failed:
            raise AuditError(f"{self._topic} takes no record{f': {failed[0]}' if failed else ''}")

    def newest(self, limit: int) -> Sequence[Record]:
        """The newest records first; raises LogError where the topic cannot be read."""
        with self._lock:
            wanted = {place: Extent(self._at.get(place, max(one.low, one.high - MOST)), one.high)
                      for place, one in self._reader.extents(self._topic).items()}
            read = [value for one in self._reader.read(wanted) if (value := one.value())]
            self._records.extend(read)  # all of them or, where reading failed, none: they are read again then
            self._at = {place: one.high for place, one in wanted.items()}
            return newest_of(self._records, limit)


class Audit:
    """Where the audit is: in its topic where there is one, else in a file, as for all who write it."""

    def __init__(self, settings: ProcessorSettings, reader: LogReader) -> None:
        self._settings = settings
        self._reader = reader
        self._lock = Lock()
        self._file = FileAudit(settings.state.folder)
        self._topic: TopicAudit | None = None

    def write(self, audited: Audited) -> None:
        """Add a record; raises AuditError where it is not durable in time, LogError where no broker answers."""
        self._kept().write(audited)

    def newest(self, limit: int) -> Sequence[Record]:
        """The newest records first; raises LogError where no broker answers."""
        return self._kept().newest(limit)

    def _kept(self) -> FileAudit | TopicAudit:
        """Asked each time until the topic is there, since it can be made later."""
        with self._lock:
            if self._topic is None and self._reader.has(self._settings.topics.audit):
                self._topic = TopicAudit(self._settings, self._reader)
            return self._topic or self._file
