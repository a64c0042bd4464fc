"""Following a topic: what is too far behind is passed over, and what goes wrong is told."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from console.activity.feed import Activity
from console.activity.tail import Tail
from console.configured import Configured
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.kafka.reader import Extent
from processor.settings import ProcessorSettings
from testkit.letters import CODEC


class Message:
    def __init__(self, partition, offset, error=None):
        self._facts = partition, offset, error

    def partition(self):
        return self._facts[0]

    def offset(self):
        return self._facts[1]

    def error(self):
        return self._facts[2]


class Client:
    """Knows the ends of partitions, and where it was sent."""

    def __init__(self, **highs):
        self.highs = {int(name[1:]): high for name, high in highs.items()}
        self.sought = {}

    def get_watermark_offsets(self, place, cached=False):
        assert cached, "the broker is not asked for each batch"
        return 0, self.highs[place.partition]

    def seek(self, place):
        self.sought[place.partition] = place.offset


def tail(most_behind):
    return Tail(ProcessorSettings(), "results", start=dict, take=lambda *_: None, most_behind=most_behind)


def test_whoever_is_too_far_behind_goes_ahead_and_counts_what_was_passed_over():
    client = Client(p0=1000, p1=60)
    assert tail(100)._jump(client, [Message(0, 9), Message(1, 9)]) == 1000 - 100 - 10
    assert client.sought == {0: 900}


def test_what_must_be_whole_never_goes_ahead():
    client = Client(p0=1_000_000)
    assert tail(0)._jump(client, [Message(0, 9)]) == 0
    assert client.sought == {}


def test_the_end_of_a_partition_is_noted_and_a_real_error_ends_the_reading():
    left = {0, 1}
    tail(0)._check([Message(0, 5, KafkaError(KafkaError._PARTITION_EOF))], left)
    assert left == {1}
    with pytest.raises(KafkaException):
        tail(0)._check([Message(1, 5, KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))], left)


@pytest.fixture
def activity(tmp_path):
    settings = ProcessorSettings(console={"state_folder": tmp_path, "outcomes": 1000})
    made = Activity(settings, CODEC, Configured(MemoryStore(Compiler({}))))
    yield made
    made.close()


def test_outcomes_are_read_from_so_far_back_as_are_kept_and_chains_from_the_beginning(activity):
    extents = {0: Extent(10, 5000), 1: Extent(0, 20)}
    assert activity._outcomes_from(extents) == {0: 4500, 1: 0}
    assert activity._chains_from(extents) == {0: 10, 1: 0}


def test_reading_goes_on_where_it_ended_unless_the_topic_was_made_anew(activity):
    activity.outcomes.take([], {0: 4900, 1: 15}, 0.0)
    activity.chains.take([], {0: 4900, 1: 15})
    extents = {0: Extent(10, 5000), 1: Extent(0, 20)}
    assert activity._outcomes_from(extents) == activity._chains_from(extents) == {0: 4900, 1: 15}
    fresh = {0: Extent(0, 7), 1: Extent(0, 20)}
    assert activity._outcomes_from(fresh) == activity._chains_from(fresh) == {0: 0, 1: 0}
