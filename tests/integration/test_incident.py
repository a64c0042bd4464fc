"""The incident of docs/operating/replay.md, walked through at a terminal over real Kafka: each effect happens once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from testkit.incident.page import Alike, outline, page
from testkit.incident.scene import Scene
from testkit.incident.walk import Walk
from testkit.schema_registry import SchemaRegistry

pytest.importorskip("confluent_kafka.schema_registry", reason="the client of the schema registry is an extra",
                    exc_type=ImportError)
PAGE = Path(__file__).parents[2] / "docs" / "operating" / "replay.md"


@pytest.mark.parametrize("letters", [150, pytest.param(5000, marks=pytest.mark.trouble)])
def test_an_incident_of_three_reasons_is_mended_replayed_interrupted_and_resumed(site, topics, vendors, letters):
    """The walk holds every screen, the vendors' ledgers, outcomes, audit and books to what is said of them."""
    with SchemaRegistry(site.topics) as registry:
        walk = Walk(Scene(site, topics, vendors, registry, letters))
        walk.go()
    told = page(walk.steps, letters, Alike(datetime.now(UTC), site.topics))
    assert outline(told) == outline(PAGE.read_text()), "the page is of another walk: record it again, as it says"
