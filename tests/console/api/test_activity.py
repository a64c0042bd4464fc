"""Outcomes, events and health by the API."""

import pytest

from console.activity import Activity
from console.activity.outcomes import Record
from console.configured import Configured
from console.health import Health, Reading
from processor.access import Role
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.model.outcome import ActionResult
from processor.settings import ProcessorSettings
from testkit.letters import CODEC

NOW = 1_800_000_000.0
AT = int(NOW * 1000)
V1 = "/api/v1/apps/shop"
ADMIN, MEMBER, OWNER = Role.APP_ADMINISTRATOR, Role.APP_MEMBER, Role.COMPANY_ADMINISTRATOR


def result(event, app="shop"):
    return ActionResult(event, app, "anna", "offer", "accept", AT - 900, 0, "b", 0, "stripe", "apply_coupon",
                        "succeeded", "", "", "", "", "ref", "", 200, 1, AT - 800, AT - 500, "v1", -1, 0, {}, 1)


@pytest.fixture
def stand(make_stand, tmp_path):
    settings = ProcessorSettings(console={"state_folder": tmp_path})
    configured = Configured(MemoryStore(Compiler({})))
    activity, health = Activity(settings, CODEC, configured), Health(settings, CODEC, configured)
    health.reading = Reading(NOW, {"prompt.interactions": 4})
    some = [result("e1"), result("e2"), result("e3", "other")]
    activity.outcomes.take([Record(0, at, CODEC.encode_result(one)) for at, one in enumerate(some)], {0: 3}, NOW)
    yield make_stand(activity=activity, health=health)
    activity.close()
    health.close()


def test_outcomes_are_listed_page_by_page_and_users_masked(stand):
    first = stand.program(MEMBER).get(f"{V1}/outcomes?limit=1").json()
    assert [(one["event"], one["user"]) for one in first["outcomes"]] == [("e2", "***")]
    second = stand.program(ADMIN).get(f"{V1}/outcomes", params={"before": first["before"]}).json()
    assert [(one["event"], one["user"]) for one in second["outcomes"]] == [("e1", "anna")]
    assert second["before"] == 0


@pytest.mark.parametrize("query", ["usr=anna", "since=soon", "limit=501"])
def test_a_filter_that_is_none_is_refused(stand, query):
    assert stand.program(ADMIN).get(f"{V1}/outcomes?{query}").status_code == 422


def test_an_event_is_told_in_its_app_only(stand):
    found = stand.program(MEMBER).get(f"{V1}/events/e1").json()
    assert found["outcomes"][0]["reference"] == "ref"
    assert found["outcomes"][0]["user_id"] == "***"
    assert stand.program(MEMBER).get(f"{V1}/events/e3").status_code == 404


def test_health_is_one_sentence_and_its_numbers(stand):
    found = stand.program(MEMBER).get(f"{V1}/health").json()
    assert found["grade"] == "good"
    assert found["lag"] == {"prompt.interactions": 4}
    assert found["median_age_ms"] == 400


def test_books_are_the_companys(stand, monkeypatch):
    from processor.books.balance import Books, PartitionBooks

    drawn = Books([PartitionBooks(0, units=3)], [], 0)
    monkeypatch.setattr("console.health.watching.read_books", lambda *_, **__: drawn)
    owner = stand.program(OWNER)
    assert owner.get("/api/v1/books").json()["balanced"] is None
    assert owner.post("/api/v1/books", json={"hours": 1}).status_code == 202
    assert owner.get("/api/v1/books").json()["total"]["units"] == 3
    assert stand.program(ADMIN).get("/api/v1/books").status_code == 403
