"""Each check finds what is wrong, says it in words, and is silent where all is well."""

import resource
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from processor.cli import findings
from processor.kafka.murmur2 import partition_of
from processor.kafka.sample import Sampled
from processor.kafka.topics import TopicSpec, TopicState
from processor.settings import FlowSettings, ProcessorSettings, RegistrySettings, StateSettings

SPECS = (TopicSpec("interactions", "in", 4, {"cleanup.policy": "delete", "retention.ms": "1000"}),
         TopicSpec("finished", "done", 4, {"retention.ms": "108000000"}))
DAY = 86_400.0


def states(found):
    return [one.state for one in found]


def test_topics_as_they_should_be_are_one_line():
    present = {"in": TopicState(4, SPECS[0].settings), "done": TopicState(4, SPECS[1].settings)}
    assert states(findings.of_topics(SPECS, present)) == ["ok"]


def test_a_missing_topic_is_named_with_the_command_that_makes_it():
    found = list(findings.of_topics(SPECS, {"in": TopicState(4, SPECS[0].settings)}))
    assert states(found) == ["problem"]
    assert "done is missing" in found[0].says
    assert "topics apply" in found[0].mend


def test_a_setting_that_loses_records_is_a_problem_and_another_is_not():
    present = {"in": TopicState(4, {"cleanup.policy": "compact", "retention.ms": "1000"}),
               "done": TopicState(4, {"retention.ms": "5"})}
    assert states(findings.of_topics(SPECS, present)) == ["problem", "ok"]


def test_a_duplicates_window_longer_than_what_is_kept_is_a_problem():
    """A duplicate that comes late would run again."""
    apps = {"shop": SimpleNamespace(id="shop", duplicates_window=DAY), "other": SimpleNamespace(
        id="other", duplicates_window=2 * DAY)}
    present = {"done": TopicState(4, {"retention.ms": str(int(DAY * 1.25 * 1000))})}
    (found,) = findings.of_window(SPECS, present, SimpleNamespace(apps=apps))
    assert "app other" in found.says
    assert "60h" in found.mend


def record(key, partition, time_ms=1000):
    return Sampled("in", partition, 7, key, time_ms)


def test_keys_that_lie_right_are_counted():
    right = [record(key, partition_of(key, 4)) for key in (b"a:1", b"a:2", b"b:3")]
    (found,) = findings.of_keys(right, {"in": 4})
    assert (found.state, "3" in found.says) == ("ok", True)


@pytest.mark.parametrize("wrong", [record(None, 2), record(b"a:1", (partition_of(b"a:1", 4) + 1) % 4)])
def test_a_misplaced_key_or_none_is_told_with_its_place_but_without_the_user(wrong):
    (found,) = findings.of_keys([wrong, record(b"a:2", partition_of(b"a:2", 4))], {"in": 4})
    assert found.state == "problem"
    assert "1 of the last 2" in found.says
    assert f"partition {wrong.partition} offset 7" in found.says
    assert "a:1" not in str(found)
    assert "murmur2_random" in found.mend


def test_empty_topics_say_nothing_about_keys():
    assert states(findings.of_keys([], {"in": 4})) == ["unknown"]


@pytest.mark.parametrize(("newest", "state"), [(1_000_000, "ok"), (1_004_000, "ok"), (1_060_000, "problem")])
def test_a_record_from_the_future_shows_a_wrong_clock(newest, state):
    assert findings.of_clock([record(b"k", 0, newest), record(b"k", 0, 5)], now=1000.0).state == state


def test_without_records_clocks_cannot_be_compared():
    assert findings.of_clock([], now=1000.0).state == "unknown"


def test_a_state_folder_that_is_not_there_yet_is_not_made_by_looking(tmp_path):
    folder = tmp_path / "a" / "state"
    assert findings.of_state(ProcessorSettings(state=StateSettings(folder=folder))).state == "ok"
    assert not folder.parent.exists()


def test_a_state_folder_that_cannot_be_written_to_is_a_problem():
    found = findings.of_state(ProcessorSettings(state=StateSettings(folder=Path("/proc/state"))))
    assert found.state == "problem"
    assert "/proc/state" in found.says


def test_too_few_descriptors_are_told_with_the_number_needed(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    found = findings.of_descriptors(ProcessorSettings(flow=FlowSettings(max_in_flight=5000)))
    assert (found.state, "ulimit -n 6000" in found.mend) == ("problem", True)


def test_descriptors_without_a_limit_are_enough(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert findings.of_descriptors(ProcessorSettings()).state == "ok"


@pytest.fixture
def registry():
    """A registry that wants the password `right`."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.headers["Authorization"] == "Basic dTpyaWdodA==" else 401)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("password", "state"), [("right", "ok"), ("wrong", "problem")])
def test_the_registry_is_asked_with_its_password_which_is_never_shown(registry, password, state):
    (found,) = findings.of_registry(RegistrySettings(url=registry, username="u", password=password))
    assert found.state == state
    assert password not in str(found)


def test_a_registry_that_does_not_answer_is_named():
    (found,) = findings.of_registry(RegistrySettings(url="http://127.0.0.1:9"))
    assert "http://127.0.0.1:9" in found.says


def test_no_registry_is_no_finding():
    assert list(findings.of_registry(None)) == []
