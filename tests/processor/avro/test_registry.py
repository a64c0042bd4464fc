"""The registry as the real client sees it over HTTP: read at start, looked up later, never written to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.kit.errors import Undecodable
from processor.avro.registry import FORGET_AFTER, MOST_FAILED, Registry, RegistryError, connect
from processor.avro.schemas import project

pytest.importorskip("confluent_kafka.schema_registry", reason="the client of the schema registry is an extra",
                    exc_type=ImportError)
EVENTS, RESULTS = (json.dumps(dict(project().current[one].source)) for one in ("PromptInteraction", "ActionResult"))


class Served:
    """A schema registry of few words."""

    def __init__(self):
        self.subjects: dict[str, list[int]] = {}
        self.schemas: dict[int, dict] = {}
        self.asked: list[tuple[str, str]] = []
        self.down = False

    def register(self, subject, schema_id, text, **more):
        self.subjects.setdefault(subject, []).append(schema_id)
        self.schemas[schema_id] = {"schema": text, **more}

    def answer(self, path):
        parts = path.partition("?")[0].strip("/").split("/")
        if self.down:
            return 500, {"error_code": 50001, "message": "store is down"}
        if parts[:2] == ["schemas", "ids"] and int(parts[2]) in self.schemas:
            return 200, self.schemas[int(parts[2])]
        ids = self.subjects.get(parts[1]) if parts[0] == "subjects" else None
        if ids and len(parts) == 3:
            return 200, list(range(1, len(ids) + 1))
        if ids and len(parts) == 4:
            schema_id = ids[int(parts[3]) - 1]
            return 200, {"subject": parts[1], "version": int(parts[3]), "id": schema_id, **self.schemas[schema_id]}
        return 404, {"error_code": 40403, "message": "Schema not found"}


@pytest.fixture
def served():
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            state.asked.append((self.command, self.path.partition("?")[0]))
            status, body = state.answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = reply  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(served, clock):
    return connect({"url": served.url, "max.retries": 0, "timeout": 5}, clock)


def refused(registry, schema_id):
    with pytest.raises(Undecodable) as caught:
        registry.schema(schema_id)
    assert caught.value.code == "unknown_schema"
    return caught.value.message


def test_every_version_of_the_subjects_is_there_after_the_start(served, registry):
    served.register("prompt.interactions-value", 11, EVENTS)
    served.register("action.results-value", 12, '{"type": "record", "name": "ActionResult", "fields": []}')
    served.register("action.results-value", 13, RESULTS)
    registry.load(["prompt.interactions-value", "action.results-value"])
    served.asked.clear()
    assert registry.schema(11).fingerprint == project().current["PromptInteraction"].fingerprint
    assert registry.schema(12).record == "ActionResult"
    assert registry.id_of(project().current["ActionResult"]) == 13
    assert served.asked == []


def test_nothing_is_ever_registered(served, registry):
    served.register("prompt.interactions-value", 11, EVENTS)
    registry.load(["prompt.interactions-value"])
    refused(registry, 99)
    assert {method for method, _ in served.asked} == {"GET"}


def test_an_id_that_comes_later_is_looked_up_once(served, registry):
    served.register("other-value", 21, EVENTS)
    assert registry.schema(21).record == "PromptInteraction"
    registry.schema(21)
    assert served.asked == [("GET", "/schemas/ids/21")]


def test_an_unknown_id_is_not_asked_for_again_for_a_while(served, registry, clock):
    assert "Schema not found" in refused(registry, 31)
    clock.now += FORGET_AFTER - 1
    assert "Schema not found" in refused(registry, 31)
    assert len(served.asked) == 1
    clock.now += 2
    served.register("prompt.interactions-value", 31, EVENTS)
    assert registry.schema(31).record == "PromptInteraction"


def test_garbage_with_ever_new_ids_does_not_flood_the_registry(served, registry, clock):
    for schema_id in range(MOST_FAILED + 50):
        refused(registry, schema_id)
    assert len(served.asked) == MOST_FAILED
    assert "too many other unknown ids" in refused(registry, 9999)
    clock.now += FORGET_AFTER + 1
    assert "Schema not found" in refused(registry, 9999)


def test_a_subject_that_is_missing_is_named(registry):
    with pytest.raises(RegistryError, match=r"no subject prompt\.interactions-value; register"):
        registry.load(["prompt.interactions-value"])


def test_a_registry_in_trouble_is_named_with_what_it_says(served, registry):
    served.down = True
    with pytest.raises(RegistryError, match=r"subject prompt.interactions-value: .*store is down"):
        registry.load(["prompt.interactions-value"])
    assert "store is down" in refused(registry, 5)


def test_a_registry_that_cannot_be_reached_is_named(clock):
    unreachable = connect({"url": "http://127.0.0.1:9", "max.retries": 0, "timeout": 1}, clock)
    with pytest.raises(RegistryError, match=r"subject prompt.interactions-value: ."):
        unreachable.load(["prompt.interactions-value"])


def test_a_current_schema_that_is_not_registered_is_named_with_its_file(served, registry):
    served.register("action.results-value", 12, '{"type": "record", "name": "ActionResult", "fields": []}')
    registry.load(["action.results-value"])
    with pytest.raises(RegistryError, match=r"no subject of action.results-value .*schemas/avro/ActionResult.avsc"):
        registry.id_of(project().current["ActionResult"])


@pytest.mark.parametrize(("text", "more", "what"), [
    ('{"type": "object"}', {"schemaType": "JSON"}, "is a JSON schema"),
    (EVENTS, {"references": [{"name": "x", "subject": "y", "version": 1}]}, "refers to other subjects"),
    ('"string"', {}, "is no record"),
    ('{"type": "record", "name": "A", "fields": [{"name": "b", "type": "c"}]}', {}, "is no valid Avro schema"),
])
def test_a_schema_that_cannot_be_used_is_named(served, registry, text, more, what):
    served.register("prompt.interactions-value", 41, text, **more)
    with pytest.raises(RegistryError, match=f"prompt.interactions-value, version 1: {what}"):
        registry.load(["prompt.interactions-value"])
    assert what in refused(registry, 41)


def test_logical_types_of_a_publisher_do_not_turn_numbers_into_dates(served, registry):
    source = json.loads(EVENTS)
    for field in source["fields"]:
        if field["name"] == "time":
            field["type"] = {"type": "long", "logicalType": "timestamp-millis"}
    served.register("prompt.interactions-value", 51, json.dumps(source))
    assert "logicalType" not in json.dumps(dict(registry.schema(51).source))
    assert registry.schema(51).fingerprint == project().current["PromptInteraction"].fingerprint


def test_settings_that_the_client_does_not_know_are_named():
    with pytest.raises(RegistryError, match="settings of the schema registry"):
        connect({"url": "http://127.0.0.1:9", "no.such.setting": 1})


def test_a_registry_without_subjects_says_so():
    with pytest.raises(RegistryError, match="none loaded"):
        Registry(None).id_of(project().current["ActionResult"])
