"""Forgets a user: attributes, what waits of him, and his letters; what remains ends by the topics' retention."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from connectors.kit.event import Value
from processor.audit.record import Actor, Audited
from processor.avro.codec import Codec
from processor.dead_letters.audit import digest_of_user
from processor.dead_letters.closing import forget as forget_letters
from processor.dead_letters.following import Follower
from processor.dead_letters.index import Index
from processor.dead_letters.publishing import Publisher
from processor.dead_letters.runs import Runs
from processor.dead_letters.selection import Selection
from processor.engine.intake import FORGET
from processor.kafka.murmur2 import partition_of
from processor.kafka.reader import Extent, LogReader, Place
from processor.settings import ProcessorSettings

LOOK_EVERY = 0.5


class Forgotten(NamedTuple):
    """What was found of a user, and what is still there."""

    letters: int
    chains: int
    """Open chains that were there when it began."""
    chains_left: int
    """Of those, what had not ended when the waiting was over."""


def forget(
    settings: ProcessorSettings, index: Index, follower: Follower, publisher: Publisher, who: Actor, codec: Codec, *,
    app: str, user: str, seconds: float, sleep: Callable[[float], None] = time.sleep,
) -> Forgotten:
    """Erase the attributes, end what is parked, null the letters; waits so long for the processor to do its part."""
    follower.follow()
    keys = list(letters_of(index, app, user))
    chains = open_chains(settings, codec, app, user)
    _from_runs(index, keys)
    with publisher.together():
        publisher.message(settings.topics.attributes, f"{app}:{user}".encode(), None, [(FORGET, b"1")])
        count = forget_letters(index, publisher, who, keys)
        publisher.audit(Audited(
            who.name, who.host, int(time.time() * 1000), "forgot", app, digest_of_user(app, user), "",
            "a user is to be forgotten", {"letters": count, "chains": len(chains)}, {}))
    end, left = time.monotonic() + seconds, chains
    while left and time.monotonic() < end:
        sleep(LOOK_EVERY)
        left = [one for one in open_chains(settings, codec, app, user) if one in chains]
    count += _sweep(index, follower, publisher, who, app, user)
    follower.follow()
    index.scrub()
    return Forgotten(count, len(chains), len(left))


def _from_runs(index: Index, keys: list[bytes]) -> None:
    runs = Runs(index)
    for key in keys:
        runs.forget_letter(key)


def _sweep(index: Index, follower: Follower, publisher: Publisher, who: Actor, app: str, user: str) -> int:
    """What ended meanwhile may have left letters."""
    follower.follow()
    keys = list(letters_of(index, app, user))
    if not keys:
        return 0
    _from_runs(index, keys)
    with publisher.together():
        return forget_letters(index, publisher, who, keys)


def letters_of(index: Index, app: str, user: str) -> Iterator[bytes]:
    """Keys of a user's letters, also of messages of his that could not be read."""
    for one in index.entries(Selection(user=user)):
        letter = index.letter(one.key)
        if one.app == app or (letter is not None and letter.origin.key == f"{app}:{user}".encode()):
            yield one.key


def attributes_of(settings: ProcessorSettings, codec: Codec, app: str, user: str) -> Mapping[str, Value]:
    """The attributes of a user as they are now; reads one partition of their changelog."""
    topic, key = settings.topics.attributes_changelog, f"{app}:{user}".encode()
    data: bytes | None = None
    with LogReader(settings) as reader:
        number = partition_of(key, len(reader.partitions(topic)))
        for message in reader.read(_of_partition(reader, topic, number)):
            if message.key() == key:
                data = message.value()
    return {} if data is None else codec.attributes_state(data).attributes


def _of_partition(reader: LogReader, topic: str, number: int) -> dict[Place, Extent]:
    return {place: one for place, one in reader.extents(topic).items() if place[1] == number}


def open_chains(settings: ProcessorSettings, codec: Codec, app: str, user: str) -> list[str]:
    """Keys of the chains of a user that have not ended."""
    topic, found = settings.topics.chains, set()
    with LogReader(settings) as reader:
        number = partition_of(f"{app}:{user}".encode(), len(reader.partitions(topic)))
        for message in reader.read(_of_partition(reader, topic, number)):
            key = (message.key() or b"").decode("utf-8", "replace")
            if message.value() is None:
                found.discard(key)
            elif key.startswith(f"{app}:") and codec.chain(message.value()).user_id == user:
                found.add(key)
    return sorted(found)
