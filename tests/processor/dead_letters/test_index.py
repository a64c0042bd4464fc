"""The index: later records supersede, nulls forget, filters find, pages follow one another."""

import sqlite3

import pytest

from processor.dead_letters.index import Change, Index, letter_id
from processor.dead_letters.selection import Selection, moment
from testkit.letters import CODEC, NOON, failed_binding, key_of, letter_of, unread


def events(index, **wanted):
    return [one.event for one in index.entries(Selection(**wanted))]


@pytest.fixture
def several(filled):
    """Five letters that differ in everything that can be asked for."""
    filled.put(
        letter_of("e1", at=NOON),
        letter_of("e2", failed_binding("zendesk", "create_ticket", reason="unavailable", code="http_503",
                                       message="Down"), at=NOON + 1000, user="u2"),
        letter_of("e3", app="beta", prompt="other", at=NOON + 2000),
        letter_of("e4", failed_binding(), failed_binding("braze", "track", code="quota"), at=NOON + 3000),
        unread(created_at=NOON + 4000))
    return filled.index


@pytest.mark.parametrize(("wanted", "found"), [
    ({}, ["", "e4", "e3", "e2", "e1"]),
    ({"app": "beta"}, ["e3"]),
    ({"connector": "stripe"}, ["e4", "e3", "e1"]),
    ({"connector": "braze"}, ["e4"]),
    ({"action": "zendesk.create_ticket"}, ["e2"]),
    ({"action": "create_ticket"}, ["e2"]),
    ({"reason": "undecodable"}, [""]),
    ({"code": "broken_avro"}, [""]),
    ({"code": "http_503"}, ["e2"]),
    ({"connector": "stripe", "code": "quota"}, []),
    ({"prompt": "other", "interaction": "accept"}, ["e3"]),
    ({"user": "u2"}, ["e2"]),
    ({"event": "e4"}, ["e4"]),
    ({"since": NOON + 3000}, ["", "e4"]),
    ({"since": NOON + 1000, "until": NOON + 3000}, ["e3", "e2"]),
    ({"text": "no SUCH"}, ["e4", "e3", "e1"]),
    ({"text": "%"}, []),
    ({"states": ("closed",)}, []),
    ({"states": ("open", "closed"), "app": "beta"}, ["e3"]),
])
def test_a_filter_finds_what_it_says_newest_first(several, wanted, found):
    assert events(several, **wanted) == found
    assert several.count(Selection(**wanted)) == len(found)


def test_pages_follow_one_another_without_gap_or_repeat(filled):
    filled.put(*(letter_of(f"e{number:02d}", at=NOON + number // 3) for number in range(20)))
    seen, after = [], ""
    while page := list(filled.index.entries(Selection(), limit=6, after=after)):
        seen += [one.event for one in page]
        after = page[-1].id
    assert sorted(seen) == [f"e{number:02d}" for number in range(20)]


def test_a_later_record_supersedes_within_one_batch_and_across(filled):
    filled.put(letter_of(), letter_of(state="replayed", replays=1))
    assert [(one.state, one.replays) for one in filled.index.entries(Selection())] == [("replayed", 1)]
    filled.put(letter_of(state="closed", note="enough"))
    assert [one.state for one in filled.index.entries(Selection())] == ["closed"]
    assert filled.index.letter(key_of(letter_of())).note == "enough"


def test_a_null_forgets(filled):
    filled.put(letter_of(), letter_of("e2"))
    filled.write((key_of(letter_of()), None))
    assert events(filled.index) == ["e2"]
    assert filled.index.letter(key_of(letter_of())) is None


def test_what_a_replay_brought_to_its_end_is_still_found_by_what_had_failed(filled):
    filled.put(letter_of())
    filled.put(letter_of(state="succeeded", reason="", failures=(), created_at=NOON + 99, run=1, replays=1))
    (found,) = filled.index.entries(Selection(connector="stripe", reason="rejected"))
    assert (found.state, found.code, found.at) == ("succeeded", "resource_missing", NOON)


def test_a_letter_comes_back_whole(filled):
    filled.put(letter_of())
    assert filled.index.letter(key_of(letter_of())) == letter_of()


def test_what_the_topic_deleted_by_age_is_forgotten(filled):
    filled.put(letter_of("e1"), letter_of("e2"), letter_of("e3"))
    filled.index.aged_out(0, 2)
    assert events(filled.index) == ["e3"]


def test_a_record_that_is_no_letter_is_passed_over_and_counted(filled):
    filled.write((b"a", CODEC.encode_dead_letter(letter_of("e2"))), (b"b", b"no letter"))
    assert events(filled.index) == ["e2"]
    assert (filled.index.strange, filled.index.positions()) == (1, {0: 2})


def test_a_batch_that_fails_leaves_nothing_behind(filled):
    filled.put(letter_of())
    with pytest.raises(sqlite3.ProgrammingError):
        filled.index.apply([Change(0, 1, b"a", CODEC.encode_dead_letter(letter_of("e2", app="new")))], {0: object})
    assert events(filled.index) == ["e1"]
    assert filled.index.positions() == {0: 1}
    filled.put(letter_of("e3", app="new"))
    assert events(filled.index, app="new") == ["e3"], "what was known of kinds is known anew"


def test_a_letter_is_named_by_id_by_its_first_digits_by_event_and_by_key(filled):
    filled.put(letter_of(), unread())
    key = key_of(letter_of())
    whole = letter_id(key)
    for name in (whole, whole[:8], "e1", key.decode()):
        assert [one.event for one in filled.index.named(name)] == ["e1"]
    assert [one.reason for one in filled.index.named("prompt.interactions:0:1")] == ["undecodable"]
    assert filled.index.named("nothing") == []


def test_stats_count_what_failed_alike(several):
    found = {(one.app, one.connector, one.code): one.letters for one in several.groups(Selection())}
    assert found == {("alpha", "stripe", "resource_missing"): 2, ("beta", "stripe", "resource_missing"): 1,
                     ("alpha", "zendesk", "http_503"): 1, ("", "", "broken_avro"): 1}


def test_an_index_that_was_closed_goes_on_where_it_was(tmp_path, filled):
    filled.put(letter_of())
    with Index(tmp_path, CODEC) as again:
        assert events(again) == ["e1"]
        assert again.positions() == {0: 1}


def test_only_its_owner_may_read_the_index(filled):
    assert filled.index.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("text", "found"), [
    ("2h", 1_000_000_000 - 7_200_000), ("90s", 1_000_000_000 - 90_000), ("1970-01-02", 86_400_000),
    ("1970-01-02T01:00+01:00", 86_400_000),
])
def test_a_point_in_time_is_a_date_or_so_long_ago(text, found):
    assert moment(text, 1_000_000.0) == found


def test_what_is_no_point_in_time_is_refused_with_examples():
    with pytest.raises(ValueError, match="write 2026-11-24"):
        moment("yesterday", 0.0)
