"""The audit as a file and as a topic: what was written is read again, the newest first."""

import pytest

from processor.audit.log import AuditError, FileAudit, TopicAudit
from processor.audit.record import Audited
from processor.kafka.reader import LogReader
from processor.settings import KafkaSettings, ProcessorSettings, TopicSettings


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


def test_a_record_that_is_not_taken_is_an_error(monkeypatch):
    monkeypatch.setattr("processor.audit.log.ANSWER_SECONDS", 0.3)
    settings = ProcessorSettings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(AuditError, match=r"takes no record"):
        TopicAudit(settings, None).write(record(1))
