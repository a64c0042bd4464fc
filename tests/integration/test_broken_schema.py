"""A producer writes by a schema that nobody has registered: its letters are replayed once somebody has."""

from __future__ import annotations

import subprocess
import time
from io import BytesIO

import fastavro
import pytest

from testkit.processor import apps
from testkit.processor.apps import call, event
from testkit.processor.process import COMMAND
from testkit.schema_registry import SchemaRegistry, source

pytest.importorskip("confluent_kafka.schema_registry", reason="the client of the schema registry is an extra",
                    exc_type=ImportError)
NEW = 77
"""The id of the producer's own schema: as ours, with a field that only it knows."""
COUNT = 30


@pytest.fixture
def registry(site):
    with SchemaRegistry(site.topics) as made:
        yield made


def by_new_schema(one):
    """A message in Confluent's framing, written by the schema of the producer."""
    stream = BytesIO(b"\0" + NEW.to_bytes(4, "big"))
    stream.seek(5)
    fastavro.schemaless_writer(stream, fastavro.parse_schema(source("PromptInteraction", campaign="string")),
                               {**one._asdict(), "campaign": "autumn"})
    return stream.getvalue()


def test_letters_of_an_unknown_schema_run_once_it_is_registered(site, vendors, registry):
    vendors.seed("custom_api", "dedupe", on=True)
    files = apps.one_app(vendors.url)
    files["alpha/prompts"] = {"plain": {"accept": [call()]}}
    site.configure(files)
    processor = site.started(registry__url=registry.url)
    now = int(time.time() * 1000)
    events = [event(number, f"u{number}", "plain", time=now) for number in range(COUNT)]
    site.send("interactions", *((f"alpha:{one.user_id}".encode(), by_new_schema(one)) for one in events))
    processor.until(lambda: processor.metric("dead_letters_total", reason="undecodable") == COUNT, what="letters")

    registry.held[NEW] = source("PromptInteraction", campaign="string")
    processor.end()  # what a registry did not know is asked for again after a minute; a restart need not wait
    site.started(registry__url=registry.url)
    done = subprocess.run(
        [*COMMAND[:-1], "dead-letters", "replay", "--code", "unknown_schema", "--yes", "--rate", "200", "-o", "json"],
        env=site.environment("desk", registry__url=registry.url), text=True, capture_output=True, check=False,
        timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(site.results().at_least(COUNT)) == COUNT
    assert {one.value.outcome for one in site.results().at_least(COUNT)} == {"succeeded"}
    assert len(vendors.ledger("custom_api")) == COUNT
