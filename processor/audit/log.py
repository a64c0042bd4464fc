"""The audit as those see it who write into it by itself, and who read its newest records: a topic, else a file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson

from processor.audit.record import FILE, Audited, append

if TYPE_CHECKING:
    from processor.kafka.reader import LogReader, Place
    from processor.settings import ProcessorSettings

MOST = 5000
"""Records that are remembered for those who look; older ones are in the topic, or in the file."""
ANSWER_SECONDS = 10.0
Record = Mapping[str, Any]


class AuditError(Exception):
    """The audit cannot be written or read; the text says why."""


class FileAudit:
    """JSON lines in a folder, where there is no topic."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, audited: Audited) -> None:
        """Add a record."""
        append(self._folder, audited)

    def newest(self, limit: int) -> Sequence[Record]:
        """The newest records first."""
        path = self._folder / FILE
        if not path.exists():
            return []
        with path.open("rb") as file:
            return _sorted(deque(file, MOST), limit)


class TopicAudit:
    """The topic of the audit; follows it from where it was last asked."""

    def __init__(self, settings: ProcessorSettings, reader: LogReader) -> None:
        from confluent_kafka import Producer  # noqa: PLC0415  Kafka only where it is chosen

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
        from processor.kafka.reader import Extent  # noqa: PLC0415

        with self._lock:
            wanted = {}
            for place, extent in self._reader.extents(self._topic).items():
                begin = self._at.get(place, max(extent.low, extent.high - MOST))
                wanted[place] = Extent(begin, extent.high)
                self._at[place] = extent.high
            self._records.extend(one.value() for one in self._reader.read(wanted) if one.value())
            return _sorted(self._records, limit)


def _sorted(lines: Iterable[bytes], limit: int) -> Sequence[Record]:
    """Records of several partitions by their times."""
    read = [orjson.loads(one) for one in lines if one.strip()]
    return sorted(read, key=lambda one: int(one.get("at", 0)), reverse=True)[:limit]
