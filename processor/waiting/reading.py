"""Reads the open chains from Kafka, with memory that does not grow with their number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from processor.avro.codec import Codec
from processor.engine.chain import EXPORTS
from processor.kafka.reader import Extent, LogReader, Place, Progress
from processor.model.chain import identity
from processor.waiting.account import Account, account
from processor.waiting.place import where
from processor.waiting.tally import Group, Tally

if TYPE_CHECKING:
    from processor.config.model import Configuration
    from processor.model.chain import ChainRecord
    from processor.settings import ProcessorSettings


class Wanted(NamedTuple):
    """Which chains are asked for; "" for all."""

    app: str = ""
    connector: str = ""
    cause: str = ""


class Ended(NamedTuple):
    """That one part of an event is over."""

    app: str
    part: str
    """`chain` or `exports`; what it names is over, whichever run ended it."""
    at: int
    """Milliseconds since 1970."""


class Found(NamedTuple):
    """What is known of one event."""

    accounts: Sequence[Account]
    """Of each of its chains that is open: its own, its exports', its replays'."""
    ended: Sequence[Ended] = ()
    """Where none is open: what ended, within the window of the finished ids."""


def read_summary(
    settings: ProcessorSettings, wanted: Wanted, *, configuration: Configuration | None = None,
    progress: Progress | None = None,
) -> list[Group]:
    """How many chains wait, by app, connector and cause; raises LogError where the topic cannot be read."""
    codec = Codec()
    with LogReader(settings) as reader, closing(Tally()) as tally:
        for message in _read(reader, reader.extents(settings.topics.chains), progress):
            key = _key(message)
            if message.value() is None:
                tally.end(key)
            elif not wanted.app or key.startswith(f"{wanted.app}:"):
                tally.add(where(key, codec.chain(message.value()), codec, configuration))
        return list(tally.groups(app=wanted.app, connector=wanted.connector, cause=wanted.cause))


def read_event(
    settings: ProcessorSettings, event_id: str, *, app: str = "", configuration: Configuration | None = None,
    progress: Progress | None = None,
) -> Found:
    """Everything that is open of one event, or when it ended; raises LogError where a topic cannot be read."""
    codec = Codec()
    belongs = re.compile(rf"{re.escape(app) if app else '[^:]+'}:{re.escape(event_id)}(#\d+)?({EXPORTS})?")
    with LogReader(settings) as reader:
        extents = reader.extents(settings.topics.chains)
        open_ones: dict[str, tuple[int, bytes]] = {}
        for message in _read(reader, extents, progress):
            if belongs.fullmatch(key := _key(message)):
                if message.value() is None:
                    open_ones.pop(key, None)
                else:
                    open_ones[key] = (message.partition(), message.value())
        if not open_ones:
            apps = [app] if app else sorted(configuration.apps) if configuration else []
            return Found((), list(_ends(reader, settings.topics.finished, apps, event_id)))
        return Found([_account(reader, extents, key, *one, codec, configuration) for key, one in open_ones.items()])


def _account(
    reader: LogReader, extents: dict[Place, Extent], key: str, number: int, data: bytes, codec: Codec,
    configuration: Configuration | None,
) -> Account:
    record = codec.chain(data)
    waiting = where(key, record, codec, configuration)
    earlier = list(_of_user(reader, extents, number, record, codec)) if waiting.cause == "order" else []
    return account(waiting, record, earlier)


def _of_user(
    reader: LogReader, extents: dict[Place, Extent], number: int, record: ChainRecord, codec: Codec
) -> Iterator[tuple[str, ChainRecord]]:
    """Open chains of the same user; they lie in the same partition."""
    found: dict[str, ChainRecord] = {}
    for message in reader.read({place: one for place, one in extents.items() if place[1] == number}):
        key = _key(message)
        if message.value() is None:
            found.pop(key, None)
        elif key.startswith(f"{record.app_id}:") and not key.endswith(EXPORTS):
            other = codec.chain(message.value())
            if other.user_id == record.user_id:
                found[key] = other
    for key, other in found.items():
        yield key.partition(":")[2], other


def _ends(reader: LogReader, topic: str, apps: Sequence[str], event_id: str) -> Iterator[Ended]:
    parts = (("", "chain"), (EXPORTS, "exports"))
    wanted = {identity(app, event_id + suffix): (app, part) for app in apps for suffix, part in parts}
    codec = Codec()
    for message in reader.read(reader.extents(topic)) if wanted else ():
        finished = codec.finished(message.value())
        for one in finished.each():
            if one in wanted:
                yield Ended(*wanted[one], finished.time)


def _read(reader: LogReader, extents: dict[Place, Extent], progress: Progress | None) -> Iterator[Any]:
    return reader.read(extents) if progress is None else reader.read(extents, progress)


def _key(message: Any) -> str:
    return (message.key() or b"").decode("utf-8", "replace")
