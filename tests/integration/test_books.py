"""The books and what waits, read from real topics while real processors run."""

import json
import subprocess
import sys
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from processor.avro.codec import Codec
from processor.books import read_books
from processor.config.files import load
from processor.config.own import load_settings
from testkit.processor import apps, expected
from testkit.processor.process import COMMAND


@pytest.fixture
def draw_up(site):
    """The books of the site's processors, as of now."""

    def read(**more):
        environ = site.environment("reader")
        settings = load_settings(environ, None)
        return read_books(settings, configuration=load(settings.config_folder, environ), codec=Codec(), **more)

    return read


@pytest.fixture
def command(site):
    """Runs `prompt-actions ... -o json`; exit code and the lines that it wrote."""

    def run(*arguments):
        done = subprocess.run(
            [*COMMAND[:-1], *arguments, "-o", "json"], env=site.environment("reader"), capture_output=True, text=True,
            check=False, timeout=60)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    assert COMMAND[0] == sys.executable
    return run


def test_the_books_balance_at_any_time_of_a_load_with_a_kill_in_it(site, vendors, draw_up):
    site.configure(expected.configuration(vendors.url))
    load = expected.load(7, 3000, 300, int(time.time() * 1000))
    expected.seed_vendors(vendors)
    expected.faults(vendors)
    for app, synced in load.attributes.items():
        site.sync(app, synced)
    site.publish(*load.events, *load.events[:50])
    site.send("interactions", (b"x", b"no avro"), partition=1)
    processor = site.started(flow__max_in_flight=200)
    with site.results() as results:
        for share in (0.2, 0.4, 0.6):
            results.at_least(int(load.outcomes * share), 40)
            found = draw_up()
            assert found.balanced, found.differences[:5]
            if share == 0.4:
                processor.kill()
                assert draw_up().balanced
                processor.start()
        results.at_least(load.outcomes, 60)
        processor.until(lambda: processor.metric("books_events_in_flight") == 0, what="nothing in flight")
        processor.end()
    found = draw_up()
    assert found.balanced, found.differences[:5]
    total = found.total
    assert (total.events, total.duplicates, total.undecodable, total.in_flight) == (3000, 50, 1, 0)
    assert (total.parked, total.lost) == (0, 0)
    assert total.planned == total.outcomes == load.outcomes


def commit(site, published):
    """As a processor would that lost the events."""
    consumer = Consumer({"bootstrap.servers": site.servers, "group.id": site.group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(site.topics["interactions"], one.partition, one.offset + 1)
                             for one in published], asynchronous=False)
    consumer.close()


def test_the_command_names_an_event_whose_offset_was_committed_without_an_end(site, vendors, command):
    site.configure(apps.one_app(vendors.url))
    processor = site.started()
    site.publish(apps.event(1, time=int(time.time() * 1000)))
    with site.results() as results:
        results.at_least(1)
    processor.end()
    code, rows, _ = command("books")
    assert (code, rows[0]["balanced"], rows[0]["total"]["finished"]) == (0, True, 1)
    published = site.publish(apps.event(2, time=int(time.time() * 1000)))
    commit(site, published)
    code, rows, told = command("books")
    assert code == 1
    assert [(one["kind"], one["event_id"]) for one in rows[0]["differences"]] == [("lost", "e00002")]
    assert "do not balance" in told


def test_waiting_tells_what_waits_for_a_vendor_that_is_down_and_why(site, vendors, command):
    site.configure(apps.one_app(vendors.url))
    vendors.fault("answer", vendor="custom_api", status=503, retry_after=120, share=1.0)
    processor = site.started()
    now = int(time.time() * 1000)
    site.publish(apps.event(1, "ann", "letter", time=now), apps.event(2, "ann", "letter", time=now),
                 apps.event(3, "bob", "letter", time=now))
    processor.until(lambda: processor.metric("books_events_parked") == 3, what="all three are parked")
    code, rows, _ = command("waiting")
    assert code == 0
    assert sorted((one["app"], one["connector"], one["cause"], one["chains"]) for one in rows) == [
        ("alpha", "custom_api", "order", 1), ("alpha", "custom_api", "retry", 2)]
    code, rows, _ = command("waiting", "--event", "e00002")
    assert (code, rows[0]["cause"], rows[0]["behind"]) == (0, "order", ["e00001"])
    code, rows, told = command("waiting", "--event", "nobody")
    assert (code, rows) == (1, [])
    assert "Nothing is open" in told
    processor.end()
