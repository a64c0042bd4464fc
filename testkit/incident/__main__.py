"""`python -m testkit.incident`: walk through the incident over a Kafka of its own, and record it as a page."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from testkit.incident.page import Alike, page
from testkit.incident.scene import SETTINGS, Scene
from testkit.incident.walk import Walk
from testkit.kafka.broker import open_broker
from testkit.kafka.fresh import FreshTopics
from testkit.processor.site import Site
from testkit.schema_registry import SchemaRegistry
from testkit.vendors import credentials
from testkit.vendors.client import Control
from testkit.vendors.server import VendorServer

KEEP = 100_000
"""Requests that the emulators remember."""


@contextmanager
def scene(letters: int) -> Iterator[Scene]:
    """The place of an incident, with a broker, vendors and a registry."""
    with tempfile.TemporaryDirectory(prefix="incident-") as folder, open_broker() as broker, \
            VendorServer(own_process=True, keep=KEEP) as server:
        topics = FreshTopics(broker, f"incident-{uuid.uuid4().hex[:12]}")
        vendors: Control = server.control()
        vendors.reset(seed=1)
        site = Site(topics, Path(folder), environ=dict(credentials.environment(server.base_url)), **SETTINGS)
        try:
            with SchemaRegistry(site.topics) as registry:
                yield Scene(site, topics, vendors, registry, letters)
        finally:
            site.close()
            topics.remove()


@click.command()
@click.option("--letters", default=5000, show_default=True, help="Dead letters of the incident.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="The page to be written.")
def main(letters: int, record: Path | None) -> None:
    """Walk through the incident; fails, and writes nothing, where anything is not as the page says."""
    began = datetime.now(UTC)
    with scene(letters) as place:
        walk = Walk(place, click.echo)
        walk.go()
        text = page(walk.steps, letters, Alike(began, place.site.topics))
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text)
        click.echo(f"{record} is written.")


if __name__ == "__main__":
    main()
