"""A key lies where Java and librdkafka put it, whichever of the two implementations computes it."""

import uuid

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from processor.kafka import murmur2 as module
from processor.kafka.murmur2 import murmur2, native_partition_of, partition_of, pure_partition_of

# What `org.apache.kafka.common.utils.Utils.murmur2` returns, signed as Java has it.
OF_JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", OF_JAVA)
def test_the_hash_is_that_of_java(key):
    assert murmur2(key) == OF_JAVA[key] & 0xFFFFFFFF


@pytest.mark.parametrize("key", OF_JAVA)
def test_the_partition_is_that_of_javas_producer(key):
    assert partition_of(key, 7) == (OF_JAVA[key] & 0x7FFFFFFF) % 7


@given(st.binary(max_size=200), st.integers(1, 10_000))
def test_both_implementations_agree(key, partitions):
    native = native_partition_of()
    assert native is not None, "the wheel's librdkafka was not found: each event would pay for the slow one"
    assert native(key, partitions) == pure_partition_of(key, partitions)


def test_without_the_library_the_python_one_stands_in(monkeypatch):
    monkeypatch.setattr(module, "_candidates", list)
    assert module._best() is pure_partition_of


def test_a_library_that_does_not_load_is_passed_over(monkeypatch, tmp_path):
    broken = tmp_path / "librdkafka.so.1"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(module, "_candidates", lambda: [broken])
    assert native_partition_of() is None


def test_a_producer_puts_keys_where_we_look_for_them(broker, topics):
    """The proof that counts: where the record lies on a broker."""
    name = topics("keys", partitions=4)
    placed: dict[bytes, int] = {}
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "partitioner": "murmur2_random"})
    keys = [f"app-{number % 3}:{uuid.uuid4().hex[:number % 13 + 1]}-ü".encode() for number in range(200)]
    for key in keys:
        producer.produce(name, b"", key, on_delivery=lambda _, sent: placed.update({sent.key(): sent.partition()}))
    assert producer.flush(30) == 0
    assert placed == {key: partition_of(key, 4) for key in keys}
    assert set(placed.values()) == {0, 1, 2, 3}
