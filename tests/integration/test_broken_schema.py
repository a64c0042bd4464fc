"""A producer writes by a schema that nobody has registered: its letters are replayed once somebody has."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import fastavro
import pytest

from processor.avro.schemas import project
from testkit.processor import apps
from testkit.processor.apps import call, event
from testkit.processor.process import COMMAND

pytest.importorskip("confluent_kafka.schema_registry", reason="the client of the schema registry is an extra",
                    exc_type=ImportError)
RECORDS = {"interactions": "PromptInteraction", "attributes": "UserAttributes", "results": "ActionResult",
           "dead_letters": "DeadLetter"}
NEW = 77
"""The id of the producer's own schema: as ours, with a field that only it knows."""
COUNT = 30


def source(record, **more):
    made = json.loads(json.dumps(dict(project().current[record].source)))
    made["fields"] += [{"name": name, "type": kind, "default": ""} for name, kind in more.items()]
    return made


@pytest.fixture
def registry(site):
    """A schema registry of few words; `held` is what it knows, by id."""
    held = {number: source(record) for number, record in enumerate(RECORDS.values(), 1)}
    subjects = {f"{site.topics[role]}-value": number for number, role in enumerate(RECORDS, 1)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = self.path.partition("?")[0].strip("/").split("/")
            number = int(parts[2]) if parts[0] == "schemas" else subjects.get(parts[1], 0)
            body = {"error_code": 40403, "message": "Schema not found"}
            if number in held:
                body = [1] if parts[0] == "subjects" and len(parts) == 3 else {
                    "subject": parts[1], "version": 1, "id": number, "schema": json.dumps(held[number])}
            data = json.dumps(body).encode()
            self.send_response(200 if number in held else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", held
    server.shutdown()
    server.server_close()


def by_new_schema(one):
    """A message in Confluent's framing, written by the schema of the producer."""
    stream = BytesIO(b"\0" + NEW.to_bytes(4, "big"))
    stream.seek(5)
    fastavro.schemaless_writer(stream, fastavro.parse_schema(source("PromptInteraction", campaign="string")),
                               {**one._asdict(), "campaign": "autumn"})
    return stream.getvalue()


def test_letters_of_an_unknown_schema_run_once_it_is_registered(site, vendors, registry):
    url, held = registry
    vendors.seed("custom_api", "dedupe", on=True)
    files = apps.one_app(vendors.url)
    files["alpha/prompts"] = {"plain": {"accept": [call()]}}
    site.configure(files)
    processor = site.started(registry__url=url)
    now = int(time.time() * 1000)
    events = [event(number, f"u{number}", "plain", time=now) for number in range(COUNT)]
    site.send("interactions", *((f"alpha:{one.user_id}".encode(), by_new_schema(one)) for one in events))
    processor.until(lambda: processor.metric("dead_letters_total", reason="undecodable") == COUNT, what="letters")

    held[NEW] = source("PromptInteraction", campaign="string")
    processor.end()  # what a registry did not know is asked for again after a minute; a restart need not wait
    site.started(registry__url=url)
    done = subprocess.run(
        [*COMMAND[:-1], "dead-letters", "replay", "--code", "unknown_schema", "--yes", "--rate", "200", "-o", "json"],
        env=site.environment("desk", registry__url=url), text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(site.results().at_least(COUNT)) == COUNT
    assert {one.value.outcome for one in site.results().at_least(COUNT)} == {"succeeded"}
    assert len(vendors.ledger("custom_api")) == COUNT
