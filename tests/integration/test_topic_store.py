"""The config topic as a store, over real Kafka: nothing is overwritten, whoever writes, and everything is told."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from processor.config.content import Compiler
from processor.config.own import load_settings
from processor.config.store import ConflictError, StoreError
from processor.config.topic_store import TopicStore
from processor.kafka.config_topic import OvertakenError, Writer
from testkit.processor.records import Records
from testkit.store_contract import ENVIRON, KIOSK, StoreContract, kiosk

pytestmark = pytest.mark.broker


@pytest.fixture
def settings(topics, tmp_path):
    made = topics.make("config", partitions=1, config={"cleanup.policy": "compact", "max.message.bytes": "4194304"})
    made |= topics.make("audit", partitions=1)
    return load_settings({
        "PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": topics.broker.bootstrap_servers,
        "PROMPT_ACTIONS_TOPICS__CONFIG": made["config"], "PROMPT_ACTIONS_TOPICS__AUDIT": made["audit"],
        "PROMPT_ACTIONS_GROUP": topics.prefix, "PROMPT_ACTIONS_STATE__FOLDER": str(tmp_path),
    }, None)


@pytest.fixture
def opened(settings):
    stores = []

    def make():
        stores.append(TopicStore(settings, Compiler(ENVIRON)))
        return stores[-1]

    yield make
    for one in stores:
        one.close()


@pytest.fixture
def store(opened):
    return opened()


class TestTopicStore(StoreContract):
    pass


def test_another_store_sees_at_once_what_was_applied(opened):
    mine, other = opened(), opened()
    made = mine.apply("kiosk", KIOSK, base=0, by="ann")
    assert other.current("kiosk") == made
    assert other.apply("kiosk", kiosk("Next"), base=1, by="bob").number == 2
    assert mine.current("kiosk").by == "bob"


def test_of_many_who_write_from_the_same_base_exactly_one_wins(opened):
    stores = [opened() for _ in range(4)]
    stores[0].apply("kiosk", KIOSK, base=0, by="ann")

    def attempt(number):
        try:
            return stores[number].apply("kiosk", kiosk(f"by {number}"), base=1, by=str(number))
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(attempt, range(4)))
    won = [one for one in ends if not isinstance(one, ConflictError)]
    assert len(won) == 1
    assert {one.current.by for one in ends if isinstance(one, ConflictError)} == {won[0].by}
    assert [one.number for one in stores[0].history("kiosk")] == [2, 1]
    assert stores[1].current("kiosk") == won[0]


PROCESS = """
import sys
import time
from processor.config.content import Compiler
from processor.config.own import load_settings
from processor.config.store import ConflictError
from processor.config.topic_store import TopicStore
from testkit.store_contract import ENVIRON, kiosk
import os
store = TopicStore(load_settings(os.environ, None), Compiler(ENVIRON))
conflicts = 0
for number in range(5):
    while True:
        current = store.current("kiosk")
        try:
            base = current.number if current else 0
            store.apply("kiosk", kiosk(f"{sys.argv[1]}-{number}"), base=base, by=sys.argv[1])
            break
        except ConflictError:
            conflicts += 1
print(conflicts)
"""


def test_two_processes_that_write_again_and_again_lose_nothing_of_each_other(settings, store):
    """Each goes on from what it last saw: ten changes make ten versions, each change once."""
    environ = {
        "PATH": "", "PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "PROMPT_ACTIONS_TOPICS__CONFIG": settings.topics.config, "PROMPT_ACTIONS_TOPICS__AUDIT": settings.topics.audit}
    running = [subprocess.Popen([sys.executable, "-c", PROCESS, name], env=environ, stdout=subprocess.PIPE, text=True)
               for name in ("ann", "bob")]
    assert [one.wait(60) for one in running] == [0, 0]
    history = store.history("kiosk")
    assert [one.number for one in history] == list(range(10, 0, -1))
    titles = sorted(one.content["app"]["title"] for one in history)
    assert titles == sorted(f"{name}-{number}" for name in ("ann", "bob") for number in range(5))
    for one in running:
        one.stdout.close()


def test_a_writer_that_hangs_in_its_transaction_is_ended_by_the_next(settings, store):
    store.apply("kiosk", KIOSK, base=0, by="ann")
    hanging = Writer(settings, "kiosk")
    with pytest.raises(OvertakenError, match="fenced"), hanging.together():  # noqa: PT012  the end of it is what raises
        hanging.put(settings.topics.config, b"kiosk", b"half of a change")
        hanging._producer.flush(10)
        assert store.apply("kiosk", kiosk("Next"), base=1, by="bob").number == 2
    assert store.current("kiosk").by == "bob"


def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated(settings, store, monkeypatch):
    commit, lost = Writer._commit, []

    def commits_and_loses(writer):
        commit(writer)
        if not lost:
            lost.append(writer)
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    monkeypatch.setattr(Writer, "_commit", commits_and_loses)
    made = store.apply("kiosk", KIOSK, base=0, by="ann")
    assert lost
    assert store.history("kiosk") == (made,)
    with Records(settings.kafka.bootstrap_servers, settings.topics.audit, json.loads) as found:
        assert len(found.at_least(1)) == 1
        assert len(found.now(0.5)) == 1


def test_each_change_is_audited_with_who_when_what_before_and_after(settings, store):
    first = store.apply("kiosk", KIOSK, base=0, by="ann", note="begin")
    store.apply("kiosk", kiosk("New"), base=1, by="bob", note="renamed")
    store.apply("kiosk", None, base=2, by="bob")
    with Records(settings.kafka.bootstrap_servers, settings.topics.audit, json.loads) as found:
        lines = [one.value for one in found.at_least(3)]
    assert [(one["by"], one["did"], one["subject"], one["why"]) for one in lines] == [
        ("ann", "configured", "kiosk@1", "begin"), ("bob", "configured", "kiosk@2", "renamed"),
        ("bob", "removed", "kiosk@3", "")]
    assert lines[1]["before"] == {"number": 1, "digest": first.digest}
    assert [(one["what"], one["before"], one["after"]) for one in lines[1]["after"]["changes"]] == [
        ("title", "Kiosk", "New")]
    assert ENVIRON["KIOSK_SECRET"] not in json.dumps(lines)


def test_without_a_topic_the_audit_is_a_file(settings, tmp_path):
    topics = settings.topics.model_copy(update={"audit": f"{settings.topics.audit}-missing"})
    store = TopicStore(settings.model_copy(update={"topics": topics}), Compiler(ENVIRON))
    store.apply("kiosk", KIOSK, base=0, by="ann")
    store.close()
    assert json.loads((tmp_path / "audit.jsonl").read_text())["subject"] == "kiosk@1"


def test_a_record_that_cannot_be_read_hides_no_version(settings, store):
    made = store.apply("kiosk", KIOSK, base=0, by="ann")
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    producer.produce(settings.topics.config, b"rubbish", b"kiosk")
    producer.produce(settings.topics.config, None, b"kiosk")
    producer.flush(10)
    assert store.current("kiosk") == made
    assert store.apply("kiosk", kiosk("Next"), base=1, by="ann").number == 2


def test_a_topic_that_is_not_there_is_named(settings):
    topics = settings.topics.model_copy(update={"config": "nowhere"})
    with pytest.raises(StoreError, match="there is no topic 'nowhere'; make it with `prompt-actions topics apply`"):
        TopicStore(settings.model_copy(update={"topics": topics}), Compiler(ENVIRON))


def test_a_topic_that_was_made_anew_is_read_anew(settings, store, opened, topics):
    """In a test environment somebody will do it while a console is open."""
    for number in range(3):
        store.apply("kiosk", kiosk(str(number)), base=number, by="ann")
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    admin.delete_topics([settings.topics.config])[settings.topics.config].result(30)
    until(lambda: settings.topics.config not in admin.list_topics(timeout=10).topics)
    topics("config", partitions=1)
    opened().apply("kiosk", kiosk("Anew"), base=0, by="bob")
    until(lambda: (found := store.current("kiosk")) and found.by == "bob")
    assert [one.number for one in store.history("kiosk")] == [1]


def until(good, seconds=30):
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)
