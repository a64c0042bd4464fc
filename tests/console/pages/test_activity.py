"""Activity in the browser: outcomes by filters, live, and the time line of one event."""

import re

import pytest

from console.activity import Activity
from console.activity.chains import KeyedRecord
from console.activity.outcomes import Record
from console.configured import Configured
from processor.access import Role
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.model.chain import ChainRecord
from processor.model.dead_letter import Origin
from processor.model.outcome import ActionResult, Receipt
from processor.settings import ProcessorSettings
from testkit.letters import CODEC

NOW = 1_800_000_000.0
ACTIVITY = "/apps/shop/activity"
ADMIN, MEMBER = Role.APP_ADMINISTRATOR, Role.APP_MEMBER
AT = int(NOW * 1000) - 60_000


def result(event="e1", binding="stripe.apply_coupon", **fields):
    made = ActionResult(
        event, "shop", "anna", "offer", "accept", AT, 0, binding, 0, "stripe", "apply_coupon", "succeeded", "", "", "",
        "", "ref_1", "req_1", 200, 1, AT + 40, AT + 400, "v1", -1, 0, {}, 2)
    return made._replace(**fields)


def chain(event="e3", **fields):
    origin, done = Origin("prompt.interactions", 0, 7, AT, b"shop:cleo", b""), Receipt("before", "succeeded")
    return ChainRecord("shop", "cleo", event, 0, "parked", "circuit", AT + 90_000, origin, "v1", {}, -1, 0, [done], [],
                       0, 0, 0, None, ["stripe.apply_coupon"])._replace(**fields)


@pytest.fixture
def activity(tmp_path):
    """Outcomes of two events of `shop` and of one of `other`; a chain that waits."""
    settings = ProcessorSettings(console={"state_folder": tmp_path})
    made = Activity(settings, CODEC, Configured(MemoryStore(Compiler({}))))
    made.life = 0.0
    results = [
        result(), result(binding="zendesk.ticket", position=1, connector="zendesk", action="create_ticket",
                         outcome="failed", reason="rejected", code="RecordInvalid", message="No such group",
                         started_at=AT + 500, finished_at=AT + 700),
        result("e2", user_id="bert", outcome="expired", started_at=0, reference="", planned=1),
        result("e4", app_id="other", user_id="dora")]
    made.outcomes.take([Record(0, at, CODEC.encode_result(one)) for at, one in enumerate(results)], {0: 4}, NOW)
    made.chains.take([KeyedRecord(0, 0, b"shop:e3", CODEC.encode_chain(chain()))], {0: 1})
    yield made
    made.close()


@pytest.fixture
def stand(make_stand, activity):
    return make_stand(activity=activity)


def events(answer):
    """Events in the order of the list."""
    return re.findall(r'/activity/(\w+)"', answer.text)


def test_outcomes_are_listed_newest_first(stand):
    answer = stand.browser(ADMIN).get(ACTIVITY)
    assert events(answer) == ["e2", "e1", "e1"]
    assert "1 succeeded, 1 failed" in answer.text
    assert "RecordInvalid" in answer.text


@pytest.mark.parametrize(("query", "found"), [
    ("find=bert", ["e2"]), ("find=e1", ["e1", "e1"]), ("outcome=failed", ["e1"]), ("connector=stripe", ["e2", "e1"]),
    ("reason=rejected", ["e1"]), ("app=other", ["e2", "e1", "e1"]), ("user=anna&action=create_ticket", ["e1"]),
    ("prompt=nothing", []), ("since=10m", ["e2", "e1", "e1"]), ("until=10m", []),
])
def test_filters_stand_in_the_address_and_never_leave_the_app(stand, query, found):
    assert events(stand.browser(ADMIN).get(f"{ACTIVITY}?{query}")) == found


def test_a_filter_that_cannot_be_taken_is_told_beside_its_field(stand):
    answer = stand.browser(ADMIN).get(f"{ACTIVITY}?since=soon")
    assert answer.status_code == 422
    assert 'value="soon"' in answer.text


def test_older_pages_are_reached_and_are_not_live(stand, monkeypatch):
    monkeypatch.setattr("console.pages.activity.PAGE", 1)
    browser = stand.browser(ADMIN)
    first = browser.get(ACTIVITY)
    assert "data-live" in first.text
    second = browser.get(ACTIVITY + re.search(r'href="(\?before=\d+)"', first.text)[1])
    assert events(second) == ["e1"]
    assert "data-live" not in second.text


def test_htmx_gets_the_rows_alone(stand):
    answer = stand.browser(ADMIN).get(ACTIVITY, headers={"HX-Request": "true"})
    assert events(answer) == ["e2", "e1", "e1"]
    assert "<html" not in answer.text


def test_users_are_named_to_those_alone_who_may_see_them(stand):
    assert "anna" in stand.browser(ADMIN).get(ACTIVITY).text
    member = stand.browser(MEMBER)
    assert "anna" not in member.get(ACTIVITY).text + member.get(f"{ACTIVITY}/e1").text
    assert "cleo" not in member.get(f"{ACTIVITY}/e3").text


def test_an_event_tells_each_binding_with_its_times_and_references(stand):
    text = stand.browser(MEMBER).get(f"{ACTIVITY}/e1").text
    for words in ("stripe.apply_coupon", "40 ms after the event", "after 360 ms", "ref_1", "req_1",
                  "zendesk.create_ticket", "100 ms after the step before", "RecordInvalid", "No such group"):
        assert words in text, words
    assert text.index("apply_coupon") < text.index("create_ticket")


def test_an_event_that_waits_says_why_since_when_and_what_can_be_done(stand):
    text = stand.browser(MEMBER).get(f"{ACTIVITY}/e3").text
    assert "is down for app shop" in text
    assert "The next probe is made" in text
    assert "stripe.apply_coupon" in text
    assert "<code>before</code> succeeded" in text


def test_an_event_of_another_app_is_not_there(stand):
    answer = stand.browser(ADMIN).get(f"{ACTIVITY}/e4")
    assert answer.status_code == 404
    assert "Nothing is known of this event" in answer.text


def test_an_events_page_leads_to_its_dead_letters(make_stand, activity, office):
    text = make_stand(activity=activity, letters=office.letters).browser(MEMBER).get(f"{ACTIVITY}/e1").text
    assert f"/apps/shop/dead-letters/{office.ids()['e1']}" in text


def test_an_event_that_only_a_letter_knows_is_told_by_it(make_stand, activity, office):
    activity.outcomes.forget_all()
    answer = make_stand(activity=activity, letters=office.letters).browser(MEMBER).get(f"{ACTIVITY}/e1")
    assert answer.status_code == 200
    assert office.ids()["e1"] in answer.text


def test_the_company_sees_all_apps_together(stand):
    assert "e4" in events(stand.browser(Role.COMPANY_ADMINISTRATOR).get("/activity"))
    assert stand.browser(ADMIN).get("/activity").status_code == 403


def test_a_stream_says_when_there_is_something_new_of_the_app_and_ends(stand, activity, monkeypatch):
    monkeypatch.setattr("console.pages.activity.LOOK_EVERY", 0.01)
    activity.life = 0.5
    looks = []

    async def look(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            activity.told("shop")
        if len(looks) == 4:
            activity.told("other")
        if len(looks) == 6:
            activity.closing = True

    monkeypatch.setattr("console.pages.activity.asyncio.sleep", look)
    answer = stand.browser(ADMIN).get("/apps/shop/activity-stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: changed") == 1
    assert activity.streams == 0
    assert stand.browser(ADMIN).get("/apps/shop/activity-stream").status_code == 204, "it is closing"


def test_too_many_streams_are_refused(stand, activity):
    activity.streams = 200
    assert stand.browser(ADMIN).get("/apps/shop/activity-stream").status_code == 503


def test_empty_pages_say_what_to_do(stand, make_stand, activity):
    assert "started without Kafka" in make_stand().browser(ADMIN).get(ACTIVITY).text
    activity.outcomes.forget_all()
    assert "Nothing has happened yet" in stand.browser(ADMIN).get(ACTIVITY).text
    assert "fits these filters" in stand.browser(ADMIN).get(f"{ACTIVITY}?find=x").text
