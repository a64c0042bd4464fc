"""The audit as a file and as a topic: what was written is read again, the newest first."""

from types import SimpleNamespace

import pytest

from processor.audit.log import FileAudit
from processor.audit.record import Audited
from processor.audit.topic import Audit, AuditError, TopicAudit
from processor.kafka.reader import Extent, LogError, LogReader
from processor.settings import KafkaSettings, ProcessorSettings, StateSettings, TopicSettings


def record(at, subject="s"):
    return Audited("anna", "host", at, "closed", "shop", subject, "", "why", {"state": "open"}, {"state": "closed"})


def test_a_file_tells_its_newest_records_first(tmp_path):
    audit = FileAudit(tmp_path / "state")
    assert audit.newest(5) == []
    for at in (1, 3, 2):
        audit.write(record(at))
    assert [one["at"] for one in audit.newest(2)] == [3, 2]


def test_the_topic_is_written_durably_and_followed(broker, topics):
    settings = ProcessorSettings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers),
                                 topics=TopicSettings(audit=topics("audit", partitions=2)))
    with LogReader(settings) as reader:
        audit = TopicAudit(settings, reader)
        audit.write(record(1, "first"))
        audit.write(record(3, "third"))
        assert [one["subject"] for one in audit.newest(5)] == ["third", "first"]
        audit.write(record(2, "second"))
        assert [one["subject"] for one in audit.newest(5)] == ["third", "second", "first"]


class Log:
    """A topic of one partition, as a reader sees it; breaks off in the middle when told to."""

    def __init__(self):
        self.lines, self.breaks, self.is_there = [], False, True

    def has(self, _topic):
        return self.is_there

    def extents(self, topic):
        return {(topic, 0): Extent(0, len(self.lines))}

    def read(self, extents):
        for low, high in extents.values():
            for at, line in enumerate(self.lines[low:high]):
                if self.breaks and at:
                    raise LogError("no broker answers")
                yield SimpleNamespace(value=lambda line=line: line)


def test_reading_that_broke_off_loses_no_record_and_tells_none_twice():
    log = Log()
    log.lines = [record(at, str(at)).line() for at in (1, 2, 3)]
    audit = TopicAudit(ProcessorSettings(), log)
    log.breaks = True
    with pytest.raises(LogError):
        audit.newest(5)
    log.breaks = False
    assert [one["subject"] for one in audit.newest(5)] == ["3", "2", "1"]


def test_it_is_a_file_until_the_topic_is_there_and_then_the_topic(tmp_path):
    log = Log()
    log.lines, log.is_there = [record(7, "in the topic").line()], False
    audit = Audit(ProcessorSettings(state=StateSettings(folder=tmp_path)), log)
    audit.write(record(1, "in the file"))
    assert [one["subject"] for one in audit.newest(5)] == ["in the file"]
    log.is_there = True
    assert [one["subject"] for one in audit.newest(5)] == ["in the topic"]


def test_a_record_that_is_not_taken_is_an_error(monkeypatch):
    monkeypatch.setattr("processor.audit.topic.ANSWER_SECONDS", 0.3)
    settings = ProcessorSettings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(AuditError, match=r"takes no record"):
        TopicAudit(settings, None).write(record(1))
