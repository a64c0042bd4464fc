"""Offsets of at_least_once get through while the consumer polls without a gap."""

import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from processor.engine.options import EngineOptions
from processor.kafka import consumer as module
from processor.kafka.consumer import ConsumerThread
from testkit.kafka.mock import MockKafka

COMMITS = 20


class NothingToRestore:
    """A restore that is always done."""

    def __bool__(self):
        return False

    def remaining(self):
        return {}

    def begin(self, *_args):
        pass

    def close(self):
        pass


@pytest.fixture
def properties():
    with MockKafka() as mock:
        options = EngineOptions()
        producer = Producer({"bootstrap.servers": mock.bootstrap_servers, "log_level": 0})
        for topic in (options.topics.interactions, options.topics.attributes, options.topics.replays):
            producer.produce(topic, b"x", b"k")
        producer.flush(10)
        yield {"bootstrap.servers": mock.bootstrap_servers, "group.id": "g", "enable.auto.commit": False,
               "auto.offset.reset": "earliest", "group.protocol": "consumer", "log_level": 0}


@pytest.fixture
def thread(properties):
    made = ConsumerThread(properties, EngineOptions(), 100, NothingToRestore, lambda _number: None)
    made.start()
    deadline = time.monotonic() + 30
    while not made.assigned and time.monotonic() < deadline:
        time.sleep(0.02)
    assert made.assigned, "the member got no partitions"
    yield made
    made.stop()
    made.join(15)


def test_commits_of_another_thread_are_done_at_once(thread, properties):
    topic = EngineOptions().topics.interactions

    def commit():
        for number in range(COMMITS):
            thread.commit([TopicPartition(topic, 0, number + 1)])

    other = threading.Thread(target=commit, daemon=True)
    other.start()
    other.join(25)
    assert not other.is_alive(), "a commit did not get through while the consumer polled"
    reader = Consumer(properties)
    assert reader.committed([TopicPartition(topic, 0)], timeout=10)[0].offset == COMMITS
    reader.close()


def test_a_commit_that_nobody_takes_is_an_error_and_no_hang(properties, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    idle = ConsumerThread(properties, EngineOptions(), 100, NothingToRestore, lambda _number: None)
    with pytest.raises(KafkaException, match="not committed"):
        idle.commit([TopicPartition("prompt.interactions", 0, 1)])
    idle._consumer.close()
