"""The books: what they call balanced."""

import pytest

from processor.engine.books import Books


@pytest.mark.parametrize(("changes", "balanced"), [
    ({}, True),
    ({"events_in": 4, "finished": 1, "parked": 1, "in_flight": 1, "handed_over": 1}, True),
    ({"events_in": 1}, False),
    ({"finished": 1}, False),
    ({"outcomes": 1}, False),
    ({"planned": 3, "outcomes": 2, "open_bindings": 1}, True),
])
def test_every_event_and_binding_is_somewhere(changes, balanced):
    books = Books()
    for name, value in changes.items():
        setattr(books, name, value)
    assert books.balance().balanced is balanced


def test_what_is_planned_is_open_until_it_is_done_or_left():
    books = Books()
    books.plan(3)
    books.plan(-1)
    assert (books.planned, books.open_bindings) == (2, 2)
    assert books.balance().balanced
