"""A restore that takes long tells how far it is, in the log and to the metric, and then that it is done."""

from collections import namedtuple

import pytest

from processor.engine.options import Topics
from processor.kafka import restore as module
from processor.state.folder import StateFolder

Message = namedtuple("Message", "topic partition offset key value error")  # noqa: PYI024  what the library's have
RECORDS = 40


def message(topic, offset):
    """A record that erases a user: what it holds does not matter here."""
    return Message(*((lambda one=one: one) for one in (topic, 0, offset, b"app:u%d" % offset, None, None)))


class Client:
    """A consumer of one changelog of 40 records, a quarter of which comes at each call."""

    def __init__(self, _properties):
        self.at = 0

    def get_watermark_offsets(self, wanted, **_more):
        return (0, RECORDS) if wanted.topic == Topics().attributes_changelog else (0, 0)

    def incremental_assign(self, _wanted):
        """Nothing to do."""

    def incremental_unassign(self, _gone):
        """Nothing to do."""

    def consume(self, _most, _patience):
        self.at += RECORDS // 4
        return [message(Topics().attributes_changelog, at) for at in range(self.at - RECORDS // 4, self.at)]

    def close(self):
        """Nothing to free."""


@pytest.fixture
def told():
    return []


@pytest.fixture
def restore(monkeypatch, tmp_path, told):
    monkeypatch.setattr(module, "Consumer", Client)
    folder = StateFolder(tmp_path, 8)
    yield module.Restore({}, {}, folder, Topics(), {}, lambda kind, facts: told.append((kind, facts)))
    folder.close_all()


def test_each_helping_of_a_long_restore_is_told_with_what_is_left(restore, told, monkeypatch):
    monkeypatch.setattr(module, "TELL_EVERY", 0.0)
    restore.begin(0, 1, {})
    left = [restore.remaining()]
    while not restore.step(0.0):
        left.append(restore.remaining())
    assert left == [{Topics().attributes_changelog: count} for count in (40, 30, 20, 10)]
    assert [(kind, one["records"], one.get("left"), one.get("percent")) for kind, one in told] == [
        ("restoring", 10, 30, 25), ("restoring", 20, 20, 50), ("restoring", 30, 10, 75), ("restored", 40, None, None)]


def test_a_short_one_is_told_when_it_is_done(restore, told):
    restore.begin(0, 1, {})
    while not restore.step(0.0):
        pass
    assert [kind for kind, _ in told] == ["restored"]
