"""Attributes meet their user's interactions: merged, replaced, erased, late, missing, and after a restart."""

import time

import pytest

from testkit.processor.apps import custom_api, event


@pytest.fixture
def app(site, vendors):
    """Prompt `tell` sends what is known of the user."""
    tell = {
        "url": f"{vendors.url}/custom_api/tell/%event_id%", "safe_to_repeat": True,
        "payload": {"user": "%user_id%", "plan": "%plan%", "city": "%city%"}, "defaults": {"city": "nowhere"},
    }
    site.configure({
        "alpha/app": {"title": "Alpha"}, "alpha/connectors": {"custom_api": custom_api(vendors.url, tell=tell)},
        "alpha/prompts": {"tell": {
            "accept": [{"action": "custom_api.call_api", "params": {"api_action": "tell"}}],
            "decline": [{"action": "custom_api.call_api", "params": {"api_action": "tell"}, "on_error": "continue"},
                        {"action": "custom_api.call_api", "params": {"api_action": "take"}}]}},
    })


@pytest.fixture
def accept(site):
    """Publishes an accept of a user, and returns its outcome."""
    numbers = iter(range(1, 100))

    def publish(user, *, wait=True):
        number = next(numbers)
        site.publish(event(number, user, "tell", time=int(time.time() * 1000)))
        return outcome(site, f"e{number:05d}") if wait else f"e{number:05d}"

    return publish


def outcome(site, event_id):
    """The first outcome of an event."""
    with site.results() as results:
        found = results.until(lambda read: any(one.value.event_id == event_id for one in read), 15)
        return next(one.value for one in found if one.value.event_id == event_id)


def told(vendors):
    """What the customer's endpoint was told."""
    return [one.json for one in vendors.requests("custom_api")]


def test_changes_merge_replace_remove_and_erase(site, vendors, app, accept):
    processor = site.started()
    site.sync("alpha", {"u1": {"plan": "gold", "city": "Graz"}})
    assert accept("u1").outcome == "succeeded"
    site.sync("alpha", {"u1": {"plan": "silver"}})
    assert accept("u1").outcome == "succeeded"
    site.sync("alpha", {"u1": {"city": None}})
    assert accept("u1").outcome == "succeeded"
    site.sync("alpha", {"u1": {"plan": "bronze"}}, mode="replace")
    assert accept("u1").outcome == "succeeded"
    site.sync("alpha", {"u1": None})
    assert accept("u1").reason == "missing_attributes"
    assert [(one["plan"], one["city"]) for one in told(vendors)] == [
        ("gold", "Graz"), ("silver", "Graz"), ("silver", "nowhere"), ("bronze", "nowhere")]
    processor.end()


def test_an_interaction_before_its_attributes_waits_for_them(site, vendors, app, accept):
    processor = site.started(join_grace=20)
    event_id = accept("late", wait=False)
    processor.until(lambda: processor.metric("books_events_parked") == 1, what="the event waits")
    assert not told(vendors)
    site.sync("alpha", {"other": {"plan": "x"}, "late": {"plan": "gold"}})
    began = time.monotonic()
    assert outcome(site, event_id).outcome == "succeeded"
    assert time.monotonic() - began < 5
    assert [one["plan"] for one in told(vendors)] == ["gold"]
    processor.until(lambda: processor.metric("books_events_parked") == 0, what="nothing waits")


def test_attributes_that_never_come_are_named_in_the_dead_letter(site, vendors, app):
    site.started()
    site.publish(event(1, "nobody", "tell", "decline", time=int(time.time() * 1000)))
    with site.letters() as letters:
        [letter] = letters.at_least(1)
    assert letter.value.reason == "missing_attributes"
    assert letter.key == b"alpha:nobody:e00001"
    [failed] = letter.value.failures
    assert "plan" in failed.message
    assert [one.binding_id for one in letter.value.receipts] == ["custom_api.call_api#2"]
    assert list(letter.value.remaining) == ["custom_api.call_api"]
    assert [one.json for one in vendors.requests("custom_api")] == [{"user": "nobody"}]


def test_attributes_survive_a_restart_on_another_machine(site, vendors, app, accept):
    users = {f"u{number}": {"plan": f"plan{number}"} for number in range(200)}
    processor = site.started()
    site.sync("alpha", users)
    site.sync("alpha", {"u7": {"plan": "changed"}, "u8": None})
    assert accept("u7").outcome == "succeeded"
    processor.end()
    site.forget_state()
    processor.start()
    processor.wait_ready()
    assert sum(line["records"] for line in processor.said("restored")) >= 200
    assert accept("u7").outcome == "succeeded"
    assert accept("u150").outcome == "succeeded"
    assert accept("u8").reason == "missing_attributes"
    assert [one["plan"] for one in told(vendors)] == ["changed", "changed", "plan150"]


def test_attributes_that_came_while_it_stood_still_are_used_and_not_those_of_before(site, vendors, app, accept):
    processor = site.started()
    site.sync("alpha", {"u1": {"plan": "old"}})
    assert accept("u1").outcome == "succeeded"
    processor.end()
    site.sync("alpha", {"u1": {"plan": "new"}})
    event_id = accept("u1", wait=False)
    processor.start()
    assert outcome(site, event_id).outcome == "succeeded"
    assert [one["plan"] for one in told(vendors)] == ["old", "new"]
