"""Brokers, disks, vendors and limits of the machine in trouble: defined behaviour, nothing lost, memory bounded."""

import base64
import os
import socket
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from testkit.kafka.broker import Broker
from testkit.kafka.errors import NoKafka
from testkit.kafka.fresh import FreshTopics
from testkit.kafka.local import LocalKafka
from testkit.processor import apps
from testkit.processor.apps import call, event, one_app
from testkit.processor.process import COMMAND
from testkit.processor.site import Site
from testkit.vendors import credentials

MEBIBYTE = 1 << 20
GROWTH = 96 * MEBIBYTE
"""What a processor may grow by in trouble: its bounds on messages in flight and answers, and what allocators keep."""


def memory(processor):
    """Resident bytes now."""
    status = Path(f"/proc/{processor.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def limited(option, amount):
    """The processor's command line under a limit of the shell's `ulimit`."""
    return ["bash", "-c", f'ulimit -{option} {amount}; exec "$@"', "limited", *COMMAND]


def events(count, prompt="offer", interaction="accept", first=0, users=20):
    now = int(time.time() * 1000)
    return [event(first + number, f"u{number % users}", prompt, interaction, time=now) for number in range(count)]


def ended_once(results, count, seconds=40):
    """All of so many results are there, one for each binding; by event id."""
    found = [one.value for one in results.at_least(count, seconds)]
    found = [one.value for one in results.now(0.3)]
    assert len(found) == count
    assert len({(one.event_id, one.binding_id) for one in found}) == count
    return {one.event_id: (one.outcome, one.reason) for one in found}


pytestmark = [pytest.mark.broker, pytest.mark.trouble]

# the broker


@pytest.fixture(scope="module")
def own_kafka():
    """A broker that may be stopped and killed, whatever the other tests run against; skips where none can be had."""
    try:
        with LocalKafka() as kafka:
            yield kafka
    except NoKafka as error:
        pytest.skip(f"no broker of our own to stop: {error}")


@pytest.fixture
def shaken(own_kafka, tmp_path, vendors, vendor_server):
    """A place for processors at that broker."""
    topics = FreshTopics(Broker(own_kafka.bootstrap_servers, "local", own_kafka), f"shaken-{uuid.uuid4().hex[:8]}")
    made = Site(topics, tmp_path, environ=dict(credentials.environment(vendor_server.base_url)), retry__park_after=0.4)
    yield made
    made.close()


@pytest.mark.parametrize("seconds", [15, 60])  # the second is longer than a session, and than the client is trusted
def test_a_broker_that_hangs_costs_time_and_nothing_else(shaken, vendors, own_kafka, seconds):
    shaken.configure(one_app(vendors.url))
    vendors.seed("custom_api", "dedupe", on=True)  # what is not durable is asked for again, under the same key
    vendors.fault("delay", vendor="custom_api", delay=0.2)
    processor = shaken.started(flow__max_in_flight=50)
    shaken.publish(*events(300))
    with shaken.results() as results:
        results.at_least(50)
        before = memory(processor)
        own_kafka.pause()
        try:
            time.sleep(seconds)
            assert processor.running
            assert memory(processor) - before < GROWTH
        finally:
            own_kafka.resume()
        assert set(ended_once(results, 300, 60).values()) == {("succeeded", "")}
    assert len(vendors.ledger("custom_api")) == 300


def test_a_broker_that_was_killed_and_comes_back_on_its_logs_costs_time_and_nothing_else(shaken, vendors, own_kafka):
    shaken.configure(one_app(vendors.url))
    vendors.seed("custom_api", "dedupe", on=True)
    processor = shaken.started(flow__max_in_flight=50)
    shaken.publish(*events(200))
    with shaken.results() as results:
        results.at_least(20)
        own_kafka.restart(kill=True)
        assert set(ended_once(results, 200, 60).values()) == {("succeeded", "")}
        assert processor.running
        shaken.publish(*events(20, first=1000))
        ended_once(results, 220, 60)
    assert len(vendors.ledger("custom_api")) == 220


def test_a_dead_letter_that_its_topic_would_not_take_is_cut_and_says_so(site, vendors):
    """One that did not fit would stop every checkpoint; the topic here has Kafka's own default limit."""
    admin = AdminClient({"bootstrap.servers": site.servers})
    limit = ConfigEntry("max.message.bytes", "1048588", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, site.topics["dead_letters"], incremental_configs=[limit])
    [changed] = admin.incremental_alter_configs([resource]).values()
    changed.result(10)
    site.configure(one_app(vendors.url))
    vendors.fault("inner_error", vendor="custom_api")
    site.started()
    text = base64.b64encode(os.urandom(600_000)).decode()  # nothing that compression makes small
    now = int(time.time() * 1000)
    [place] = site.publish(event(1, time=now, form={"text": text}))
    site.publish(event(2, "u2", time=now))
    with site.results() as results, site.letters() as letters:
        ended_once(results, 2)
        found = {one.value.event_id: one.value for one in letters.at_least(2)}
    cut = found["e00001"]
    assert cut.origin.value is None
    assert (cut.origin.partition, cut.origin.offset) == place  # where the whole of it lies
    assert "too large" in cut.message
    assert found["e00002"].origin.value is not None


# the machine


def test_a_full_disk_ends_the_process_with_a_reason_and_nothing_is_lost(site, vendors):
    """A limit on the size of files stands for the disk: it strikes root as well as others."""
    site.configure(one_app(vendors.url))
    processor = site.processor()
    processor.start(limited("f", 1024))
    processor.wait_ready()
    large = {f"big{number}": {"text": base64.b64encode(os.urandom(60_000)).decode()} for number in range(60)}
    site.publish(*events(20))
    site.sync("alpha", large)
    assert processor.wait(30) == 1
    assert "too large" in processor.last_words()
    assert str(site.folder / "state") in processor.last_words()
    site.publish(*events(20, first=1000))
    processor.start()
    with site.results() as results:
        assert set(ended_once(results, 40).values()) == {("succeeded", "")}
    assert len(vendors.ledger("custom_api")) == 40
    processor.end()


def test_a_process_out_of_file_descriptors_says_so_or_goes_on_and_loses_nothing(site, vendors):
    """Calls that get no socket wait; a store that cannot be written ends the process, as a full disk does."""
    site.configure(one_app(vendors.url))
    vendors.seed("custom_api", "dedupe", on=True)
    vendors.fault("delay", vendor="custom_api", delay=0.3)
    processor = site.started()
    opened = len(list(Path(f"/proc/{processor.pid}/fd").iterdir()))
    processor.end()
    processor.start(limited("n", opened + 12))
    processor.wait_ready()
    before = memory(processor)
    site.publish(*events(200, users=100))
    with site.results() as results:
        results.until(lambda found: len(found) == 200 or not processor.running, 30)
        if processor.running:
            assert memory(processor) - before < GROWTH
            processor.kill()
        else:
            assert processor.wait() == 1
            assert "Too many open files" in processor.last_words()
        processor.start()
        assert set(ended_once(results, 200, 60).values()) == {("succeeded", "")}
    assert len(vendors.ledger("custom_api")) == 200
    processor.end()


def test_a_second_sigterm_cuts_the_drain_short_and_what_was_cut_is_known_at_the_next_start(site, vendors):
    site.configure(one_app(vendors.url))
    vendors.seed("custom_api", "dedupe", on=True)
    silence = vendors.fault("silence", vendor="custom_api")
    processor = site.started(http__timeout=30, drain=40)
    site.publish(*events(1), *events(1, interaction="decline", first=1, users=1))
    site.publish(event(2, "u2", "offer", "decline", time=int(time.time() * 1000)))
    processor.until(lambda: vendors.taken().get("custom_api", 0) >= 2, what="two calls are out")
    processor.terminate()
    time.sleep(1)
    assert processor.running
    assert processor.get("/ready").text == "stopping\n"
    processor.terminate()
    assert processor.wait(15) == 0
    vendors.clear(silence)
    processor.start()
    with site.results() as results:
        found = ended_once(results, 3)
    assert found["e00000"] == ("succeeded", "")
    assert found["e00002"] == ("failed", "in_doubt")
    processor.end()


# vendors


@pytest.fixture
def endless():
    """A vendor whose answers never end; its address."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def answer(connection):
        with suppress(OSError), connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def serve():
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_answers_without_an_end_are_cut_off_and_memory_stays_bounded(site, vendors, endless):
    """A few fail by themselves; of many, the circuit makes an outage, in which nobody is given up."""
    action = {"url": f"{endless}/take/%event_id%", "payload": {}, "safe_to_repeat": True, "timeout": 5}
    connector = apps.custom_api(vendors.url, endless=action)
    site.configure({
        "alpha/app": {"title": "Alpha"}, "alpha/connectors": {"custom_api": connector},
        "alpha/prompts": {"offer": {"accept": [call("endless")]}, "quick": {"accept": [call()]}}})
    processor = site.started(retry__max_attempts=2, retry__max_time=0.001)
    before = memory(processor)
    site.publish(*events(4), *events(6, "quick", first=1000))  # too few answers for the circuit to judge by
    with site.results() as results:
        found = ended_once(results, 10)
        assert {found[f"e{number:05d}"] for number in range(4)} == {("failed", "unavailable")}
        assert {found[f"e{1000 + number:05d}"] for number in range(6)} == {("succeeded", "")}
    site.publish(*events(200, first=2000, users=200))
    processor.until(lambda: processor.metric("circuits_open", connector="custom_api") == 1, what="the circuit opens")
    processor.until(lambda: processor.metric("books_events_parked") > 150, what="the others wait")
    assert memory(processor) - before < GROWTH
    processor.end()


@pytest.mark.parametrize(("kind", "more"), [("silence", {}), ("slow_body", {"gap": 0.3}), ("half_body", {})])
def test_a_vendor_that_never_ends_its_answer_is_asked_again_under_its_key_and_never_without_one(
        site, vendors, kind, more):
    files = one_app(vendors.url)
    for action in files["alpha/connectors"]["custom_api"]["settings"]["api_actions"].values():
        action["timeout"] = 1
    site.configure(files)
    vendors.seed("custom_api", "dedupe", on=True)
    for number in range(2):
        vendors.fault(kind, vendor="custom_api", path=f"/e0000{number}$", times=1, **more)
    processor = site.started()
    now = int(time.time() * 1000)
    site.publish(event(0, "u0", time=now), event(1, "u1", "offer", "decline", time=now), event(2, "u2", time=now))
    with site.results() as results:
        found = ended_once(results, 3)
    assert found == {"e00000": ("succeeded", ""), "e00001": ("failed", "in_doubt"), "e00002": ("succeeded", "")}
    assert [one.path.rsplit("/", 1)[1] for one in vendors.requests("custom_api")].count("e00000") == 2
    assert len([one for one in vendors.ledger("custom_api") if "/e00000" in one.detail["path"]]) == 1
    processor.end()


RAISES = """
from processor.engine import plan
begin = plan.Step.__init__
def broken(self, binding, route):
    begin(self, binding, route)
    if self.action_id == "send_template_email":
        def run(call):
            raise ZeroDivisionError("a bug of ours")
            yield
        self.run = run
plan.Step.__init__ = broken
from processor.cli.main import main
main()
"""


def test_a_connector_that_raises_fails_its_binding_and_nothing_else(site, vendors):
    site.configure(one_app(vendors.url))
    site.sync("alpha", {f"u{number}": {"email_address": f"u{number}@example.com"} for number in range(20)})
    processor = site.processor()
    processor.start([sys.executable, "-c", RAISES, "run"])
    processor.wait_ready()
    site.publish(*events(20, "letter"), *events(20, first=1000))
    with site.results() as results:
        read = [one.value for one in results.at_least(60)]
    assert processor.running
    ended = {(one.action, one.outcome, one.reason) for one in read}
    assert ended == {("call_api", "succeeded", ""), ("send_template_email", "failed", "broken")}
    with site.letters() as letters:
        assert {one.value.reason for one in letters.at_least(20)} == {"broken"}
    processor.end()


def test_a_backlog_behind_a_slow_vendor_takes_no_more_memory_than_what_may_be_in_flight(site, vendors):
    """A vendor that answers nobody, and a backlog far beyond what may be in flight."""
    site.configure(one_app(vendors.url))
    vendors.fault("delay", vendor="custom_api", delay=3)
    processor = site.started(flow__max_in_flight=100)
    before = memory(processor)
    site.publish(*(one._replace(form={"text": "x" * 4000}) for one in events(5000)))
    processor.until(lambda: processor.metric("books_events_in_flight") >= 100, what="it is full")
    time.sleep(2)
    assert processor.metric("books_events_in_flight") <= 110
    assert memory(processor) - before < GROWTH
    processor.end()
