"""What a processor tells at its port is read as it is written."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from console.health.processors import ask
from console.health.watching import Health
from processor.health import HealthServer, Snapshot
from processor.kafka.reader import Extent, LogError
from processor.metrics import Metrics
from processor.settings import ProcessorSettings
from testkit.letters import CODEC


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def server(metrics):
    made = HealthServer(metrics.registry, host="127.0.0.1", port=0)
    yield made
    made.close()


@pytest.fixture
def session():
    with requests.Session() as made:
        yield made


def url(server):
    return f"http://127.0.0.1:{server.port}/metrics"


def test_a_processor_tells_its_books_its_circuits_and_that_it_is_ready(metrics, server, session):
    metrics.books_events_in.set(7)
    metrics.books_events_finished.set(7)
    metrics.circuits_open.replace({("stripe",): 2})
    metrics.build_info.replace({("1.2.3", "3.11", "2.1", "8.0", "compiled"): 1})
    server.snapshot = Snapshot(moved_at=2**40, polled_at=2**40, assigned=True, restored=True)
    found = ask(url(server), session)
    assert (found.answers, found.ready, found.version, found.balanced) == (True, True, "1.2.3", True)
    assert found.by_connector["circuits_open", "stripe"] == 2
    assert found.sums["books_events_in"] == 7


def test_a_processor_that_is_not_ready_says_why(server, session):
    found = ask(url(server), session)
    assert (found.answers, found.ready) == (True, False)
    assert "no partitions assigned yet" in found.why


def test_a_processor_that_is_away_is_told_and_raises_nothing(server, session):
    address = url(server)
    server.close()
    found = ask(address, session)
    assert not found.answers
    assert "does not answer" in found.why


def test_something_else_than_metrics_is_told(session):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>{broken metrics 1 2 3 4")

        def log_message(self, *_arguments):
            pass

    page = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, args=(0.05,), daemon=True).start()
    try:
        found = ask(f"http://127.0.0.1:{page.server_port}/metrics", session)
        assert not found.answers
    finally:
        page.shutdown()
        page.server_close()


class Log:
    """A log of two partitions, read to 5 and to nowhere."""

    def committed(self, _topic):
        return {0: 5}

    def extents(self, topic):
        return {(topic, 0): Extent(2, 9), (topic, 1): Extent(3, 4)}


def test_lag_is_what_the_group_has_not_committed_of_what_is_there():
    health = Health(ProcessorSettings(), CODEC, None)
    health.look(Log())
    assert set(health.reading.lag.values()) == {4 + 1}
    health.close()


def test_books_are_drawn_up_in_the_background_and_their_failure_is_told(monkeypatch):
    class Configured:
        def refresh(self):
            return None

    def away(*_arguments, **_more):
        raise LogError("no broker answers")

    monkeypatch.setattr("console.health.watching.read_books", away)
    health = Health(ProcessorSettings(), CODEC, Configured())
    work = health.draw_up("olga", 24)
    assert work.wait(10)
    assert (work.state, work.said) == ("failed", "no broker answers")
    assert health.books is None
    health.close()
