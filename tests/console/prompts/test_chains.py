"""Chains as plain data: whatever is moved, a binding that keeps its meaning keeps its id."""

import pytest

from console.prompts.chains import (
    Place,
    chain_of,
    copied,
    ids_of,
    inserted,
    moved,
    replaced,
    tidy,
    with_chain,
    without,
)


def binding(action, mark, **more):
    return {"action": action, "params": {"mark": mark}, **more}


A1, A2, A3, B = binding("v.a", 1), binding("v.a", 2), binding("v.a", 3), binding("v.b", 9)


def marks_by_id(chain):
    return dict(zip(ids_of(chain), [one["params"]["mark"] for one in chain], strict=True))


def test_ids_are_those_that_the_processor_gives():
    assert ids_of([A1, B, A2, binding("v.b", 1, id="mine"), A3]) == ["v.a", "v.b", "v.a#2", "mine", "v.a#3"]


@pytest.mark.parametrize(("source", "target"), [(0, 2), (2, 0), (1, 0), (0, 1)])
def test_who_is_moved_within_a_chain_keeps_its_id_and_so_do_the_others(source, target):
    prompt = {"accept": [A1, B, A2]}
    made = chain_of(moved(prompt, Place("accept", source), Place("accept", target)), "accept")
    assert marks_by_id(made) == marks_by_id(prompt["accept"])
    expected = [1, 9, 2]
    expected.insert(target, expected.pop(source))
    assert [one["params"]["mark"] for one in made] == expected


def test_nothing_is_written_down_where_ids_cannot_change():
    assert moved({"accept": [A1, B]}, Place("accept", 0), Place("accept", 1)) == {"accept": [B, A1]}
    assert without([A1, B], 0) == [B]


def test_those_that_stay_keep_their_ids_when_one_is_removed_and_the_next_one_takes_none_of_theirs():
    left = without([A1, A2, A3], 0)
    assert marks_by_id(left) == {"v.a#2": 2, "v.a#3": 3}
    more = inserted(left, binding("v.a", 4))
    assert marks_by_id(more) == {"v.a#2": 2, "v.a#3": 3, "v.a": 4}


def test_one_that_comes_before_the_same_action_takes_no_id_away():
    assert marks_by_id(inserted([A1, B], binding("v.a", 5), 0)) == {"v.a": 1, "v.b": 9, "v.a#2": 5}
    assert inserted([A1], A2) == [A1, A2], "at the end the place says it"


def test_a_binding_goes_to_another_interaction_once_or_is_there_twice():
    prompt = {"title": "T", "accept": [A1, B], "decline": [A2]}
    gone = moved(prompt, Place("accept", 0), Place("decline", 0))
    assert chain_of(gone, "accept") == [B]
    assert marks_by_id(chain_of(gone, "decline")) == {"v.a": 2, "v.a#2": 1}
    twice = copied(prompt, Place("accept", 1), "timeout")
    assert twice["accept"] == [A1, B]
    assert twice["timeout"] == [B]
    same = copied({"accept": [binding("v.a", 1, id="mine")]}, Place("accept", 0), "accept")
    assert len(set(ids_of(same["accept"]))) == 2


def test_an_emptied_chain_leaves_the_prompt():
    assert moved({"accept": [B]}, Place("accept", 0), Place("timeout", 7)) == {"timeout": [B]}
    assert with_chain({"title": "T", "accept": [B]}, "accept", []) == {"title": "T"}
    assert tidy({"decline": [], "accept": [B], "title": "", "timeout": None}) == {"accept": [B]}


def test_one_is_put_in_the_place_of_another():
    assert replaced({"accept": [A1, B]}, Place("accept", 1), A2) == {"accept": [A1, A2]}
