"""A Kafka client whose queue is full: records wait for room, and none is left out, doubled or out of turn."""

from types import SimpleNamespace

import pytest

from processor.engine.checkpoint import Checkpoint
from processor.kafka import checkpointer

RECORDS = 7


class Full:
    """A producer with room for two records, until somebody polls it."""

    def __init__(self, _properties):
        self.taken, self.room, self.polled, self.committed = [], 2, 0, 0

    def begin_transaction(self):
        """Nothing to do."""

    def produce(self, topic, value, key, partition, _told, **more):
        if not self.room:
            raise BufferError("Local: Queue full")
        self.room -= 1
        self.taken.append((topic, key, value, partition, *more.values()))

    def poll(self, _seconds):
        self.polled += 1
        self.room = 2

    def send_offsets_to_transaction(self, *_arguments):
        """Nothing to do."""

    def commit_transaction(self, _timeout):
        self.committed += 1


@pytest.mark.parametrize("headers", [(), ([("reason", b"rejected")],)], ids=["plain", "with headers"])
def test_records_wait_for_room_in_a_full_queue_and_all_of_them_are_committed(monkeypatch, headers):
    monkeypatch.setattr(checkpointer, "Producer", Full)
    records = [("action.results", b"app:u1", b"%d" % number, 0, *headers) for number in range(RECORDS)]
    part = SimpleNamespace(records=records, offsets=(), partition=SimpleNamespace(number=0))
    thread = checkpointer.CheckpointThread({"transactional.id": "t"}, lambda _offsets: None, frozenset())
    thread.start()
    thread.submit(Checkpoint(1, (part,), None))
    thread.stop()
    thread.join(5)
    assert [end.result for end in thread.ends()] == ["committed"]
    producer = thread._producer
    assert producer.taken == records
    assert (producer.committed, producer.polled) == (1, (RECORDS - 1) // 2)
