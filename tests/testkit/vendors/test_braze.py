"""The emulated Braze behaves as its card says: partial refusals, silent passing over, events stored each time."""

from __future__ import annotations

import pytest

from testkit.vendors.braze import API_KEY, TRACK_ONLY_KEY


@pytest.fixture
def braze(caller):
    return caller("braze", Authorization=f"Bearer {API_KEY}")


def track(braze, **arrays):
    return braze("POST", "/users/track", data=arrays)


def event(**more):
    return {"email": "ann@example.com", "name": "saved", "time": "2027-01-15T08:00:00.000Z", **more}


def test_objects_that_are_refused_are_named_and_the_rest_is_done(braze, control):
    got = track(braze, attributes=[{"email": "ann"}, {"email": "ann@example.com", "plan": "gold"}], events=[{"x": 1}])
    assert got.status == 201
    assert [(one["input_array"], one["index"]) for one in got.json["errors"]] == [("attributes", 0), ("events", 0)]
    assert control.counts("braze") == {"profile.created": 1, "profile.updated": 1}


def test_setting_what_is_set_changes_nothing_and_null_takes_away(braze, control):
    for value in ("gold", "gold", None):
        track(braze, attributes=[{"external_id": "b-7", "plan": value}])
    assert control.counts("braze") == {"profile.created": 1, "profile.updated": 2}
    assert control.state("braze")["profiles"][0]["attributes"] == {}


def test_an_alias_alone_makes_a_profile_only_where_that_is_said(braze, control):
    alias = {"user_alias": {"alias_label": "l", "alias_name": "n"}, "plan": "gold"}
    assert track(braze, attributes=[alias]).json == {"message": "success", "attributes_processed": 1}
    assert control.state("braze")["profiles"] == []
    track(braze, attributes=[{**alias, "_update_existing_only": False}])
    assert control.state("braze")["profiles"][0]["aliases"] == {"l": "n"}


def test_of_profiles_with_one_address_the_one_with_an_external_id_is_taken(braze, control):
    for external in (None, "b-7", None):
        control.seed("braze", "profile", email="ann@example.com", external_id=external)
    track(braze, attributes=[{"email": "ann@example.com", "plan": "gold"}])
    held = control.state("braze")["profiles"]
    assert [one["external_id"] for one in held if "plan" in one["attributes"]] == ["b-7"]


def test_identical_events_are_events_of_their_own(braze, control):
    track(braze, events=[event(), event()])
    assert control.counts("braze")["event.recorded"] == 2


@pytest.mark.parametrize(("arrays", "said"), [
    ({}, "required"), ({"attributes": [{"email": "a@example.com"}] * 76}, "75"),
    ({"attributes": [{"external_id": "blocked-1"}]}, "blacklisted"),
    ({"events": [event(properties={"event_name": "x"})]}, "reserved"),
])
def test_some_requests_are_refused_whole(braze, control, arrays, said):
    got = track(braze, **arrays)
    assert got.status == 400
    assert said in got.json["message"]
    assert control.ledger("braze") == []


@pytest.mark.parametrize("more", [
    {"time": "yesterday"}, {"name": ""}, {"properties": {"$x": 1}}, {"properties": {"x": "y" * 256}},
])
def test_events_that_are_not_well_formed_are_refused(braze, more):
    assert "errors" in track(braze, events=[event(**more)]).json


def test_aliases_of_unknown_users_are_passed_over(braze, control):
    alias = {"external_id": "b-7", "alias_label": "l", "alias_name": "n"}
    for number in (0, 1, 1):
        got = braze("POST", "/users/alias/new", data={"user_aliases": [alias]})
        assert (got.status, got.json["aliases_processed"]) == (201, number)
        if not number:
            control.seed("braze", "profile", external_id="b-7")
    assert control.counts("braze")["alias.created"] == 1


@pytest.mark.parametrize(("key", "path", "status"), [
    ("wrong", "/users/track", 401), (TRACK_ONLY_KEY, "/users/alias/new", 403), (API_KEY, "/users/nothing", 404),
])
def test_keys_permissions_and_paths_are_checked(caller, key, path, status):
    assert caller("braze", Authorization=f"Bearer {key}")("POST", path, data={}).status == status


def test_a_rate_limit_names_the_second_at_which_it_ends(braze, control):
    control.fault("answer", vendor="braze", status=429, retry_after=7, times=1)
    got = track(braze, attributes=[{"email": "ann@example.com"}])
    assert got.status == 429
    assert int(got.headers["x-ratelimit-reset"]) > 1_700_000_000
