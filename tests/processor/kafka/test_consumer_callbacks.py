"""Whatever goes wrong in a rebalance callback, or ends the consumer thread, the loop hears of it."""

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processor.engine.options import EngineOptions
from processor.engine.ports import Failed
from processor.kafka import consumer as module


class NoException(BaseException):
    """Stands for the library's bare KafkaError, which is no exception and passes every `except Exception`."""


class Client:
    """A consumer whose library assigns at the first poll."""

    broken = False
    """Whether the poll itself ends in what nobody catches."""

    def __init__(self, _properties):
        self.closed = False

    def subscribe(self, _topics, *, on_assign, **_others):
        self._on_assign = on_assign

    def poll(self, _patience):
        if self.broken:
            raise NoException
        try:
            self._on_assign(self, [TopicPartition("prompt.interactions", 0)])
        except KafkaException:
            raise NoException from None

    def committed(self, _wanted, **_more):
        raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION, "moved"))

    def close(self):
        self.closed = True


class Nothing:
    """A restore with nothing to restore."""

    def __bool__(self):
        return False

    def remaining(self):
        return {}

    def close(self):
        """Nothing to free."""


@pytest.fixture
def thread(monkeypatch):
    monkeypatch.setattr(module, "Consumer", Client)
    return module.ConsumerThread({}, EngineOptions(), 10, Nothing, lambda _number: None)


def failures(thread):
    return [one.message for one in thread.controls if isinstance(one, Failed)]


def test_an_error_of_the_broker_inside_a_rebalance_is_told_with_its_words(thread):
    thread.run()
    [told] = failures(thread)
    assert "moved" in told
    assert thread._consumer.closed


def test_a_thread_that_ends_by_what_nobody_catches_tells_so(thread, monkeypatch):
    monkeypatch.setattr(Client, "broken", True)
    with pytest.raises(NoException):
        thread.run()
    assert failures(thread) == ["consumer: ended by itself"]


def test_a_thread_that_was_asked_to_stop_tells_nothing(thread):
    thread.stop()
    thread.run()
    assert failures(thread) == []
