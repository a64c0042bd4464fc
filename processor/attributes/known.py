"""What is known of one user: the merged attributes, as the changelog has them."""

from __future__ import annotations

from processor.avro.codec import Codec
from processor.kafka.murmur2 import partition_of
from processor.kafka.reader import LogReader, Progress
from processor.model.attributes import AttributesState
from processor.settings import ProcessorSettings


def attributes_of(
    settings: ProcessorSettings, codec: Codec, app_id: str, user_id: str, progress: Progress | None = None
) -> AttributesState | None:
    """The attributes that the processor uses for a user; None where it knows none. Reads the user's partition only.

    Raises LogError where the topic cannot be read.
    """
    topic, key = settings.topics.attributes_changelog, f"{app_id}:{user_id}".encode()
    found: bytes | None = None
    with LogReader(settings) as reader:
        place = (topic, partition_of(key, len(reader.partitions(topic))))
        extents = {place: reader.extent(*place)}
        for message in reader.read(extents, progress) if progress else reader.read(extents):
            if message.key() == key:
                found = message.value()
    return None if found is None else codec.attributes_state(found)
