"""Probes: what a restarter and a router are told, over a real port."""

import socket
import urllib.error
import urllib.request

import pytest

from processor.health import HealthServer, Snapshot, live, ready
from processor.metrics import Metrics

GOOD = Snapshot(moved_at=100.0, polled_at=100.0, assigned=True, restored=True)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (Snapshot(100.0, 100.0, assigned=False, restored=True), "no partitions"),
        (Snapshot(100.0, 100.0, assigned=True, restored=False, note="p3"), "restoring state p3"),
        (Snapshot(100.0, 60.0, assigned=True, restored=True), "no messages asked for in 41 s"),
        (Snapshot(60.0, 100.0, assigned=True, restored=True), "not moved for 41 s"),
        (Snapshot(100.0, 100.0, assigned=True, restored=True, stopping=True), "stopping"),
    ],
)
def test_a_process_is_not_ready_and_says_why(state, why):
    verdict = ready(state, 101.0, 30.0)
    assert not verdict.good
    assert why in verdict.why


def test_a_process_that_works_is_ready_and_live():
    assert ready(GOOD, 101.0, 30.0).good
    assert live(GOOD, 101.0, 30.0).good


def test_a_process_that_restores_or_stops_is_live():
    # Else it would be restarted for being busy.
    assert live(Snapshot(100.0), 101.0, 30.0).good
    assert live(Snapshot(100.0, stopping=True), 101.0, 30.0).good
    assert not live(Snapshot(100.0), 131.0, 30.0).good


@pytest.fixture
def server():
    metrics, now = Metrics(), [100.0]
    server = HealthServer(metrics.registry, host="127.0.0.1", port=0, clock=lambda: now[0])
    server.metrics, server.now = metrics, now
    yield server
    server.close()


def fetch(server, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- our own port
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_port_answers_as_the_loop_goes(server):
    assert fetch(server, "/live")[0] == 200
    assert fetch(server, "/ready")[0] == 503
    server.snapshot = GOOD
    assert fetch(server, "/ready?verbose") == (200, "the loop moves\n")
    server.now[0] = 200.0
    assert fetch(server, "/live")[0] == 503
    assert fetch(server, "/ready")[0] == 503


def test_metrics_are_there_for_prometheus(server):
    server.metrics.events_finished.add(by=3)
    status, text = fetch(server, "/metrics")
    assert status == 200
    assert "prompt_actions_events_finished_total 3.0" in text
    assert "process_cpu_seconds_total" in text


def test_the_index_names_what_there_is_and_else_is_not_found(server):
    assert "/metrics" in fetch(server, "/")[1]
    assert fetch(server, "/etc/passwd")[0] == 404
    assert fetch(server, "/live", "HEAD") == (200, "")


def test_a_client_that_says_nothing_holds_nobody_up(server):
    with socket.create_connection(("127.0.0.1", server.port)):
        assert fetch(server, "/live")[0] == 200


def test_a_port_that_is_taken_says_so(server):
    with pytest.raises(OSError, match=r"health port 127\.0\.0\.1:.* choose another"):
        HealthServer(Metrics().registry, host="127.0.0.1", port=server.port)
