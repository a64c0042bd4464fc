"""The Kafka client's own lines: one when trouble begins and one when it is over, however often it says so."""

import io
import json
import logging
import time

import pytest
from confluent_kafka import Consumer

from processor.kafka.clients import consumer_properties, producer_properties, restore_properties, watermark_properties
from processor.kafka.complaints import QUIET, Complaints
from processor.log import LIBRDKAFKA, configure
from processor.settings import ProcessorSettings

REFUSED = "[thrd:{0}/1]: {0}/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def complaints(clock):
    return Complaints(clock)


def line(broker="b1:9092", facility="FAIL", level=logging.ERROR):
    return logging.LogRecord(LIBRDKAFKA, level, "", 0, "%s [%s] %s", (facility, "consumer-1", REFUSED.format(broker)),
                             None)


def test_only_the_first_of_many_passes(complaints):
    assert [complaints.filter(line()) for _ in range(5)] == [True, False, False, False, False]


def test_each_broker_and_each_kind_has_its_own(complaints):
    assert complaints.filter(line())
    assert complaints.filter(line("b2:9092"))
    assert complaints.filter(line(facility="MAXPOLL"))


def test_the_end_is_told_once_with_what_was_kept_back_and_the_next_trouble_is_told_again(complaints, clock):
    for _ in range(4):
        complaints.filter(line())
    assert complaints.over() == []
    clock.now += QUIET + 1
    assert complaints.over() == [("FAIL", "b1:9092/1", 3)]
    assert complaints.over() == []
    assert complaints.filter(line())


def test_what_an_operator_asked_to_see_is_never_kept_back(complaints):
    assert all(complaints.filter(line(level=logging.DEBUG)) for _ in range(3))


def test_a_client_without_a_broker_writes_one_line_of_json(monkeypatch):
    """The real library, which complains twenty times a second."""
    out = io.StringIO()
    configure("json", stream=out)
    logger = logging.getLogger(LIBRDKAFKA)
    seen = Complaints()
    monkeypatch.setattr(logger, "filters", [seen])
    settings = ProcessorSettings.model_validate({"kafka": {"bootstrap_servers": "127.0.0.1:1"}, "group": "g"})
    consumer = Consumer(consumer_properties(settings))
    consumer.subscribe(["t"])
    end = time.monotonic() + 20
    while time.monotonic() < end and sum(repeats for _, repeats in seen._latest.values()) < 5:
        consumer.poll(0.1)
    consumer.close()
    lines = [json.loads(one) for one in out.getvalue().splitlines()]
    refused = [one for one in lines if "Connection refused" in one["event"]]
    assert len(refused) == 1
    assert (refused[0]["level"], refused[0]["logger"]) == ("error", LIBRDKAFKA)
    assert sum(repeats for _, repeats in seen._latest.values()) >= 5


def test_clients_that_nobody_polls_all_the_time_say_nothing():
    settings = ProcessorSettings.model_validate({"group": "g"})
    for properties in (restore_properties, watermark_properties, producer_properties):
        assert properties(settings)["log_level"] == 0
