"""Sums tell the same as the letters themselves, as of when they were drawn."""

import pytest

from processor.dead_letters.index import Change, Index
from processor.dead_letters.selection import Selection
from processor.dead_letters.sums import Sums, answers
from testkit.letters import CODEC, NOON, failed_binding, key_of, letter_of, unread

LETTERS = [
    letter_of("e1"), letter_of("e2", at=NOON + 5), letter_of("e3", state="closed"), letter_of("e4", app="beta"),
    letter_of("e5", failed_binding(), failed_binding("zendesk", "create_ticket")),
    letter_of("e6", failed_binding("zendesk", "create_ticket", reason="unavailable", code="503"), prompt="other"),
    unread(),
]


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path, CODEC) as made:
        made.apply([Change(0, at, key_of(one), CODEC.encode_dead_letter(one)) for at, one in enumerate(LETTERS)], {})
        yield made


@pytest.mark.parametrize("wanted", [
    Selection(), Selection(states=("open",)), Selection(app="alpha"), Selection(connector="zendesk"),
    Selection(action="stripe.apply_coupon"), Selection(reason="undecodable"), Selection(prompt="other"),
    Selection(code="503", states=("open", "closed")), Selection(app="nothing"),
], ids=Selection.said)
def test_they_agree_with_what_is_counted(index, wanted):
    sums = Sums(index)
    sums.refresh()
    assert sums.groups(wanted) == index.groups(wanted)
    assert sum(one.letters for one in sums.groups(wanted)) == index.count(wanted)


def test_they_are_as_old_as_they_were_drawn(index):
    sums = Sums(index)
    assert sums.total() == 0
    sums.refresh()
    assert sums.total() == len(LETTERS)
    index.apply([Change(0, 99, key_of(LETTERS[0]), None)], {})
    assert sums.total() == len(LETTERS)
    sums.refresh()
    assert sums.total() == len(LETTERS) - 1


@pytest.mark.parametrize("wanted", [Selection(user="u1"), Selection(text="coupon"), Selection(since=1),
                                    Selection(ids=("a",)), Selection(event="e1")], ids=Selection.said)
def test_they_say_so_where_they_know_nothing(index, wanted):
    assert not answers(wanted)
    with pytest.raises(ValueError, match="single letters"):
        Sums(index).groups(wanted)
