"""A Kafka client that does not come back is noticed: without that, a process would stand still in silence."""

import threading
import time

from processor.engine.checkpoint import Checkpoint
from processor.kafka import checkpointer


class Stuck:
    """A producer whose library never comes back from sending offsets, until it is let go."""

    def __init__(self, _properties):
        self.go = threading.Event()

    def begin_transaction(self):
        """Nothing to do."""

    def send_offsets_to_transaction(self, *_arguments):
        self.go.wait(10)

    def commit_transaction(self, _timeout):
        """Nothing to do."""


def test_a_client_that_does_not_come_back_from_sending_offsets_is_said_to_hang(monkeypatch):
    monkeypatch.setattr(checkpointer, "Producer", Stuck)
    monkeypatch.setattr(checkpointer, "HANGS_AFTER", 0.2)
    thread = checkpointer.CheckpointThread({"transactional.id": "t"}, lambda _offsets: None, frozenset())
    assert not thread.hangs
    thread.start()
    thread.submit(Checkpoint(1, (), None))
    time.sleep(0.05)
    assert not thread.hangs
    time.sleep(0.3)
    assert thread.hangs
    thread._producer.go.set()
    thread.stop()
    thread.join(5)
    assert not thread.hangs
    assert [end.result for end in thread.ends()] == ["committed"]
