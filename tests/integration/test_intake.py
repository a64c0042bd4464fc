"""What arrives broken, misplaced, too large or too early has a defined end, and the stream goes on."""

import time

import pytest

from processor.model.attributes import UserAttributes
from testkit.processor.apps import event, one_app


@pytest.fixture
def running(site, vendors):
    """One processor that works."""
    site.configure(one_app(vendors.url))
    return site.started()


@pytest.fixture
def now():
    return int(time.time() * 1000)


def goes_on(site, now):
    """A good event behind a bad one is worked; returns all results."""
    site.publish(*(event(90_000 + number, f"after{number}", time=now) for number in range(8)))
    with site.results() as results:
        return [one.value for one in results.at_least(8)]


def undecodable(site, count=1):
    """The dead letters so far."""
    with site.letters() as letters:
        return letters.at_least(count)


@pytest.mark.parametrize("role", ["interactions", "attributes", "replays"])
def test_messages_that_cannot_be_read_are_dead_letters_with_their_bytes_and_headers(site, running, now, role):
    values = [b"\x00\x01 this is no Avro", b"\xc3\x01" + b"\x07" * 8 + b"of a schema that nobody knows",
              site.codec.encode_event(event(1, time=now))[:20], b""]
    places = site.send(role, *((b"some key", value) for value in values), partition=1,
                       headers=[("traceparent", b"00-1")])
    letters = undecodable(site, len(values))
    assert {one.key for one in letters} == {f"{site.topics[role]}:1:{place.offset}".encode() for place in places}
    for letter, value, place in zip(letters, values, places, strict=True):
        origin = letter.value.origin
        assert letter.value.reason == "undecodable"
        assert (origin.topic, origin.partition, origin.offset) == (site.topics[role], 1, place.offset)
        assert (origin.key, origin.value) == (b"some key", value)
        assert dict(origin.headers) == {"traceparent": b"00-1"}
    assert len(goes_on(site, now)) == 8
    assert running.metric("undecodable_total") == len(values)


def test_an_interaction_without_a_value_is_undecodable(site, running, now):
    site.send("interactions", (b"alpha:u1", None))
    [letter] = undecodable(site)
    assert letter.value.origin.value is None
    assert len(goes_on(site, now)) == 8


def test_an_event_of_an_unknown_app_is_undecodable_and_says_so(site, running, now):
    site.publish(event(1, time=now, app="nobody"))
    [letter] = undecodable(site)
    assert "no app 'nobody' is configured" in letter.value.message
    assert site.codec.event(letter.value.origin.value).event_id == "e00001"
    assert len(goes_on(site, now)) == 8


def test_a_time_far_in_the_future_is_undecodable_and_one_of_tomorrow_morning_is_not(site, running, now):
    site.publish(event(1, time=now + 25 * 3_600_000), event(2, time=now + 23 * 3_600_000))
    [letter] = undecodable(site)
    assert "bad_time" in letter.value.message
    assert "e00002" in {one.event_id for one in goes_on(site, now)}


def test_values_up_to_a_mebibyte_are_worked_and_larger_ones_are_dead_letters_that_name_the_original(
        site, running, now):
    big = event(1, "u1", time=now, form={"text": "x" * 1_000_000})
    larger = event(2, "u1", time=now, form={"text": "x" * 1_100_000})
    places = site.publish(big, larger)
    [letter] = undecodable(site)
    origin = letter.value.origin
    assert "too_large" in letter.value.message
    assert (origin.topic, origin.partition, origin.offset) == (site.topics["interactions"], *places[1])
    assert "e00001" in {one.event_id for one in goes_on(site, now)}


def test_events_without_a_key_or_in_the_wrong_partition_are_forwarded_and_find_their_attributes(site, running, now):
    users = [f"stray{number}" for number in range(12)]
    site.sync("alpha", {user: {"account": f"acc-{user}"} for user in users})
    records = [(None if number % 2 else b"wrong key", site.codec.encode_event(
        event(number, user, "account", time=now))) for number, user in enumerate(users)]
    site.send("interactions", *records, partition=2)
    with site.results() as results:
        found = results.at_least(12)
    assert {(one.value.user_id, one.value.outcome) for one in found} == {(user, "succeeded") for user in users}
    assert all(one.key == f"alpha:{one.value.user_id}".encode() for one in found)
    misplaced = running.metric("misplaced_total")
    assert 0 < misplaced < 12
    assert len({one.partition for one in found}) > 1


def test_attributes_without_a_key_are_forwarded_to_their_user(site, vendors, now):
    site.configure(one_app(vendors.url))
    site.started(join_grace=20)
    users = [f"stray{number}" for number in range(8)]
    values = [site.codec.encode_attributes(UserAttributes("alpha", user, "merge", {"account": user}, now))
              for user in users]
    site.send("attributes", *((None, value) for value in values), partition=3)
    site.publish(*(event(number, user, "account", time=now) for number, user in enumerate(users)))
    with site.results() as results:
        found = results.at_least(8)
    assert {(one.value.user_id, one.value.outcome) for one in found} == {(user, "succeeded") for user in users}


def test_the_same_event_published_twice_runs_once_also_across_a_restart(site, vendors, running, now):
    events = [event(number, f"u{number % 3}", time=now) for number in range(10)]
    site.publish(*events, *events)
    with site.results() as results:
        results.at_least(10)
        running.until(lambda: running.metric("duplicates_total") == 10, what="ten duplicates")
        running.end()
        site.forget_state()
        running.start()
        running.wait_ready()
        site.publish(*events, event(99, time=now))
        results.at_least(11)
        running.until(lambda: running.metric("duplicates_total") == 10, what="ten duplicates after the restart")
        assert sorted(one.value.event_id for one in results.now()) == [*(f"e{n:05d}" for n in range(10)), "e00099"]
    assert vendors.counts("custom_api") == {"call.taken": 11}
