from typing import Any

from benchmarks.measure import NUMBER
from benchmarks.pace import Pace, lots, publish
from processor.kafka.murmur2 import partition_of


class Topic:
    """Notes what is produced."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, str, int]] = []

    def produce(self, _topic: str, data: bytes, key: str, partition: int) -> None:
        self.records.append((data, key, partition))

    def poll(self, _timeout: float) -> int:
        return 0


def published(pace: Pace) -> tuple[list[tuple[bytes, str, int]], Any]:
    topic = Topic()
    sent = publish(pace, topic, lots(pace.events, down=pace.down))
    return topic.records, sent


def test_every_event_goes_out_once_in_its_users_partition_and_in_order_there():
    records, sent = published(Pace("", "live", 5000.0, 0.1, ""))
    assert sorted(int(data[NUMBER]) for data, _, _ in records) == list(range(500))
    assert all(partition == partition_of(key.encode(), 4) for _, key, partition in records)
    for partition in range(4):
        numbers = [int(data[NUMBER]) for data, _, where in records if where == partition]
        assert numbers == sorted(numbers)
    assert all(sent)


def test_they_are_spread_over_the_time_instead_of_sent_at_once():
    _, sent = published(Pace("", "live", 5000.0, 0.1, ""))
    assert max(sent) - min(sent) > 0.05


def test_beside_each_event_goes_one_for_the_vendor_that_is_down():
    records, _ = published(Pace("", "live", 1000.0, 0.02, "", down=True))
    assert len(records) == 40
    assert sum(b"\x08down" in data for data, _, _ in records) == 20
