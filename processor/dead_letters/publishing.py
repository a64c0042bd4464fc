"""Publishes what people decide about letters: superseding records, replays and their audit, together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from processor.audit.record import Audited, append
from processor.avro.codec import Codec
from processor.kafka.reader import LogError
from processor.model.dead_letter import DeadLetter
from processor.model.letter_headers import Header, letter_headers
from processor.model.replay import Replay
from processor.settings import ProcessorSettings

ANSWER_SECONDS = 30.0


class Publisher:
    """One transactional producer; whoever opens another of the same name ends this one."""

    def __init__(self, settings: ProcessorSettings, codec: Codec, name: str, folder: Path) -> None:
        kafka = settings.kafka
        self._topics = settings.topics
        self._codec = codec
        self._folder = folder
        self._producer = Producer(kafka.client({
            "client.id": f"prompt-actions-{name}", "partitioner": "murmur2_random", "enable.idempotence": True,
            "acks": "all", "linger.ms": 5, "compression.type": "lz4", "message.max.bytes": 4 << 20, "log_level": 0,
        }, kafka.producer_properties, {
            "partitioner": "murmur2_random", "transactional.id": f"{settings.group}.{name}",
            "transaction.timeout.ms": 60_000,
        }))
        try:
            self._producer.init_transactions(ANSWER_SECONDS)
            # all topics: asking for one by its name can make it
            found = self._producer.list_topics(timeout=ANSWER_SECONDS).topics.get(self._topics.audit)
        except KafkaException as error:
            raise LogError(f"no broker takes transactions: {error.args[0].str()}") from error
        self.audit_topic = found is not None and found.error is None
        """Whether the audit has its topic; else it is a file."""
        self._audited: list[Audited] = []

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is published within becomes visible at once, or never."""
        self._audited.clear()
        self._producer.begin_transaction()
        try:
            yield
            self._producer.commit_transaction(ANSWER_SECONDS)
        except KafkaException as error:
            self._abort()
            raise LogError(f"nothing of this step was published: {error.args[0].str()}") from error
        except BaseException:
            self._abort()
            raise
        for one in self._audited:
            append(self._folder, one)

    def _abort(self) -> None:
        try:
            self._producer.abort_transaction(ANSWER_SECONDS)
        except KafkaException:
            self._producer.purge()  # fenced, or no broker: the transaction ends by its time-out

    def supersede(self, key: bytes, partition: int, letter: DeadLetter | None) -> None:
        """Put another letter in the place of one; None forgets it."""
        data = None if letter is None else self._codec.encode_dead_letter(letter)
        headers: Sequence[Header] = () if letter is None else letter_headers(letter)
        self._put(self._topics.dead_letters, key, data, partition, headers)

    def replay(self, replay: Replay) -> None:
        """Ask the owner of the user to run a letter again."""
        self._put(self._topics.replays, f"{replay.app_id}:{replay.user_id}".encode(), self._codec.encode_replay(replay))

    def message(self, topic: str, key: bytes, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Publish a message of a user."""
        self._put(topic, key, value, -1, headers)

    def audit(self, audited: Audited) -> None:
        """Note what is done with it."""
        if self.audit_topic:
            self._put(self._topics.audit, audited.subject.encode(), audited.line())
        else:
            self._audited.append(audited)

    def _put(self, topic: str, key: bytes, value: bytes | None, partition: int = -1, headers: Sequence[Header] = ()
             ) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=list(headers))
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return
