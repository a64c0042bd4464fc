"""Reads the results topic: the newest that match, in bounded memory, and then what comes."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from itertools import count
from types import TracebackType
from typing import Any, Self

from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.kafka.reader import Extent, LogReader, Place, Progress
from processor.model.outcome import ActionResult
from processor.results.wanted import Wanted
from processor.settings import ProcessorSettings

POLL_SECONDS = 0.3


def _nothing(_read: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Reader:
    """Outcomes of one topic; raises LogError where it cannot be read."""

    def __init__(self, settings: ProcessorSettings, codec: Codec) -> None:
        self._topic = settings.topics.results
        self._codec = codec
        self._log = LogReader(settings)
        self._read: dict[Place, int] = {}
        self.strange = 0
        """Records that are no results which this version can read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._log.__exit__(kind, error, trace)

    def newest(self, wanted: Wanted, limit: int, progress: Progress | None = None) -> list[ActionResult]:
        """The newest that match, newest first; no more than `limit` of them are in memory at once."""
        extents = self._log.extents(self._topic)
        if wanted.since:
            extents = self._log.since(extents, wanted.since)
        kept: list[tuple[int, int, ActionResult]] = []
        for number, one in zip(count(), self._matching(extents, wanted, progress)):
            heapq.heappush(kept, (one.finished_at, number, one))
            if len(kept) > limit:
                heapq.heappop(kept)
        self._read = {place: one.high for place, one in extents.items()}
        return [one for _, _, one in sorted(kept, reverse=True)]

    def follow(self, wanted: Wanted, stop: Callable[[], bool] = lambda: False) -> Iterator[ActionResult]:
        """What comes after `newest`, as it comes; ends when `stop` says so."""
        while not stop():
            now = self._log.extents(self._topic)
            fresh = {place: Extent(self._read.get(place, one.low), one.high) for place, one in now.items()}
            yield from self._matching(fresh, wanted, None)
            self._read = {place: one.high for place, one in now.items()}
            time.sleep(POLL_SECONDS)

    def _matching(
        self, extents: dict[Place, Extent], wanted: Wanted, progress: Progress | None
    ) -> Iterator[ActionResult]:
        if any(one.low < one.high for one in extents.values()):
            for message in self._log.read(extents, progress or _nothing):
                result = self._decoded(message)
                if result is not None and wanted.takes(result):
                    yield result

    def _decoded(self, message: Any) -> ActionResult | None:
        try:
            return self._codec.result(message.value())
        except Undecodable:
            self.strange += 1
            return None
