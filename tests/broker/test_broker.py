"""The broker that the other tests run against does what they rely on."""

import subprocess
import sys
import uuid

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from testkit.kafka.broker import Broker
from testkit.kafka.fresh import FreshTopics


def read_all(servers: str, topic: str, wanted: int, **more: object) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest",
                         **more})
    consumer.subscribe([topic])
    try:
        found: list[bytes] = []
        for _ in range(60):
            found.extend(one.value() for one in consumer.consume(wanted, 0.5) if one.error() is None)
            if len(found) >= wanted:
                break
        return found
    finally:
        consumer.close()


def produce(servers: str, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": servers})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def test_what_is_produced_is_consumed(broker: Broker, topics: FreshTopics):
    name = topics("plain")
    produce(broker.bootstrap_servers, name, b"one", b"two")
    assert sorted(read_all(broker.bootstrap_servers, name, 2)) == [b"one", b"two"]


def test_topics_of_two_factories_never_meet(broker: Broker, topics: FreshTopics):
    other = FreshTopics(broker, f"test-{uuid.uuid4().hex[:12]}")
    assert topics("same") != other("same")


@pytest.mark.mock_cannot("describing a topic by an admin call")
def test_a_topic_has_the_settings_that_were_asked_for(real_broker: Broker, topics: FreshTopics):
    name = topics("compacted", partitions=3, config={"cleanup.policy": "compact"})
    metadata = AdminClient({"bootstrap.servers": real_broker.bootstrap_servers}).list_topics(name, timeout=10)
    assert len(metadata.topics[name].partitions) == 3


@pytest.mark.mock_cannot("hiding what an open transaction has written")
def test_a_transaction_that_was_aborted_is_never_seen(real_broker: Broker, topics: FreshTopics):
    name = topics("transactions", partitions=1)
    producer = Producer({"bootstrap.servers": real_broker.bootstrap_servers, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(name, value)
        producer.flush(10)
        end()
    assert read_all(real_broker.bootstrap_servers, name, 1) == [b"committed"]


@pytest.mark.mock_cannot("the range assignor of KIP-848 beside other processes")
def test_the_new_group_protocol_is_served(real_broker: Broker, topics: FreshTopics):
    name = topics("kip848")
    produce(real_broker.bootstrap_servers, name, b"one")
    protocol = {"group.protocol": "consumer", "group.remote.assignor": "range"}
    assert read_all(real_broker.bootstrap_servers, name, 1, **protocol) == [b"one"]


SUITE = """
import pytest
from testkit.kafka.broker import Broker

@pytest.fixture(scope="session")
def broker():
    return Broker("nowhere:1", "mock")

@pytest.mark.mock_cannot("admin calls")
def test_needs_kafka_itself(real_broker):
    raise AssertionError("must not run")
"""


def test_on_the_mock_a_test_is_skipped_by_name_and_reason(tmp_path, pytestconfig):
    (tmp_path / "test_inner.py").write_text(SUITE)
    shared = pytestconfig.rootpath / "tests" / "conftest.py"
    (tmp_path / "conftest.py").write_text(shared.read_text())
    done = subprocess.run([sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(tmp_path)],
                          capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "librdkafka's mock cannot serve admin calls" in done.stdout
    assert "1 skipped" in done.stdout


def test_a_run_that_requires_a_real_broker_fails_on_the_mock(tmp_path, pytestconfig):
    """Else a machine without Java would pass while testing half of it."""
    (tmp_path / "test_inner.py").write_text("def test_it(broker):\n    pass\n")
    shared = (pytestconfig.rootpath / "tests" / "conftest.py").read_text()
    only_mock = "\nfrom testkit.kafka import broker as found\nopen_broker = lambda: _open((found._mock,))\n"
    (tmp_path / "conftest.py").write_text(
        shared + "\nfrom testkit.kafka.broker import open_broker as _open" + only_mock)
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
                          capture_output=True, text=True, check=False, cwd=tmp_path,
                          env={"PATH": "/usr/bin:/bin", "TESTKIT_REQUIRE_BROKER": "1"})
    assert done.returncode == 1
    assert "TESTKIT_REQUIRE_BROKER=1, but only librdkafka's mock" in done.stdout
