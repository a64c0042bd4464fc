"""Looking in stretches finds what the whole search finds, each look within its time."""

import pytest

from processor.dead_letters import looking
from processor.dead_letters.index import Change, Index, letter_id
from processor.dead_letters.looking import look, tally
from processor.dead_letters.selection import Selection
from testkit.letters import CODEC, NOON, failed_binding, key_of, letter_of

COUNT = 60


def letter(number):
    """Three at a time, so that stretches end between letters of the same moment."""
    vendor = ("stripe", "zendesk")[number % 2]
    return letter_of(f"e{number}", failed_binding(vendor, "act", message=f"no such thing, number {number}."),
                     at=NOON + number // 3, app=("alpha", "beta")[number % 5 == 0], user=f"u{number % 7}",
                     state=("open", "closed")[number % 4 == 0])


@pytest.fixture
def index(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "STRETCH", 7)
    monkeypatch.setattr("processor.dead_letters.index.BROAD", 5)
    with Index(tmp_path, CODEC) as made:
        made.apply([Change(0, at, key_of(one), CODEC.encode_dead_letter(one))
                    for at, one in enumerate(map(letter, range(COUNT)))], {})
        made.built()
        yield made


def over():
    """A clock by which each look has used up its time after one stretch."""
    ticks = iter(range(10_000))
    return lambda: float(next(ticks))


WANTED = [
    Selection(), Selection(text="number 3."), Selection(text="NUMBER 5"), Selection(text="nothing"),
    Selection(app="beta"), Selection(connector="stripe", text="number 1"), Selection(states=("closed",)),
    Selection(user="u3"), Selection(user="u3", text="number 3"), Selection(event="e12"),
    Selection(since=NOON + 5, until=NOON + 12), Selection(since=NOON + 5, until=NOON + 12, text="1"),
    Selection(ids=("0", "1", "2", "3", "4", "5", "6", "7")), Selection(action="stripe.act", states=("open",)),
    Selection(since=NOON + 500),
]


@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("wanted", WANTED, ids=Selection.said)
def test_all_looks_together_find_each_letter_once_and_in_order(index, wanted, limit):
    found, after = [], ""
    for _ in range(200):
        one = look(index, wanted, limit, after, 0.5, over())
        assert len(one.entries) <= limit
        found += one.entries
        after = one.next
        if not after:
            break
    assert not after
    assert found == list(index.entries(wanted))


def test_a_look_ends_with_its_time_and_says_how_far_back_it_came(index):
    first = look(index, Selection(text="number 3."), 10, "", 0.5, over())
    assert (first.entries, first.looked) == ([], 7)
    assert first.back_to == NOON + 53 // 3, "the seventh letter from the end"
    assert first.next
    patient = look(index, Selection(text="number 3."), 10, "", 1000, over())
    assert ([one.event for one in patient.entries], patient.next, patient.looked) == (["e3"], "", COUNT)


def test_a_filter_that_leads_to_few_letters_is_answered_at_once(index):
    found = look(index, Selection(event="e0", text="number"), 10, "", 0, over())
    assert ([one.event for one in found.entries], found.next) == (["e0"], "")


def test_a_look_goes_on_behind_a_letter_too_but_not_behind_what_was_never_there(index):
    behind = letter_id(key_of(letter(30)))
    found = look(index, Selection(), 1000, behind, 1000)
    assert found.entries == list(index.entries(Selection(), after=behind))
    assert 0 < len(found.entries) < COUNT
    for strange in ("f" * 15, "1_xyz", "x_1", "1_", "1" * 40 + "_0", "no"):
        with pytest.raises(ValueError, match=r"no id|no place|no letter|invalid literal"):
            look(index, Selection(), 10, strange, 1000)


def test_a_list_goes_on_where_it_was_though_its_last_letter_was_forgotten_since(index):
    first = look(index, Selection(), 5, "", 1000)
    index.apply([Change(0, COUNT, first.entries[-1].key, None)], {})
    second = look(index, Selection(), 5, first.next, 1000)
    assert second.entries == list(index.entries(Selection()))[4:9]


@pytest.mark.parametrize("wanted", WANTED, ids=Selection.said)
def test_a_tally_counts_what_the_whole_search_counts(index, wanted):
    counted = tally(index, wanted, 1000)
    assert (counted.groups, counted.whole) == (index.groups(wanted), True)


def test_a_tally_that_ran_out_of_time_says_so(index):
    counted = tally(index, Selection(), 0.5, over())
    assert (sum(one.letters for one in counted.groups), counted.whole) == (7, False)


def test_what_another_version_has_read_is_dropped_but_not_what_belongs_to_runs(tmp_path):
    with Index(tmp_path, CODEC) as old:
        old.apply([Change(0, 0, key_of(letter(1)), CODEC.encode_dead_letter(letter(1)))], {0: 1})
        old.db.executescript("PRAGMA user_version = 1; ALTER TABLE kinds DROP COLUMN alike; CREATE TABLE runs(x);")
    with Index(tmp_path, CODEC) as new:
        assert (list(new.entries(Selection())), new.positions()) == ([], {})
        new.apply([Change(0, 0, key_of(letter(1)), CODEC.encode_dead_letter(letter(1)))], {0: 1})
        assert [one.letters for one in new.groups(Selection())] == [1]
        new.db.execute("SELECT x FROM runs")
