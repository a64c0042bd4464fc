"""The books tell effects from recognised repeats, and find what was done twice."""

from __future__ import annotations

from testkit.vendors.ledger import Effect, Ledger, silent_repeats


def ledger() -> Ledger:
    return Ledger(lambda: 1000.0)


def asked(books: Ledger, vendor: str, kind: str, **more) -> None:
    """One request with one effect."""
    books.begin()
    books.effect(vendor, kind, "ann", **more)


def test_effects_are_numbered_in_their_order_across_vendors():
    books = ledger()
    books.effect("stripe", "subscription.created", "ann")
    books.effect("zendesk", "ticket.created", "bob", key="k", mark="m", ticket=7)
    assert [one.sequence for one in books.effects()] == [1, 2]
    assert books.effects("zendesk") == [Effect(2, "zendesk", "ticket.created", "bob", "k", "m", {"ticket": 7}, 1000.0)]


def test_effects_can_be_read_on_from_a_place():
    books = ledger()
    for user in "abc":
        books.effect("stripe", "x", user)
    assert [one.user for one in books.effects(after=2)] == ["c"]


def test_a_recognised_repeat_is_no_effect():
    books = ledger()
    books.effect("stripe", "x", "ann", key="k")
    books.replay("stripe", "k", "ann")
    assert len(books.effects()) == 1
    assert books.counts("stripe") == {"x": 1, "(replayed)": 1}


def test_counts_outlive_the_oldest_effects():
    books = Ledger(lambda: 0.0, limit=2)
    for _ in range(5):
        books.effect("stripe", "x")
    assert len(books.effects()) == 2
    assert books.counts() == {"x": 5}


def test_the_same_reference_twice_is_a_silent_repeat():
    books = ledger()
    asked(books, "sendgrid", "mail.sent", mark="outcome-1", message="a")
    asked(books, "sendgrid", "mail.sent", mark="outcome-1", message="b")
    asked(books, "sendgrid", "mail.sent", mark="outcome-2", message="c")
    (group,) = silent_repeats(books.effects())
    assert [one.detail["message"] for one in group] == ["a", "b"]


def test_effects_without_reference_are_told_by_their_details():
    books = ledger()
    asked(books, "zendesk", "ticket.deleted", ticket=1)
    asked(books, "zendesk", "ticket.deleted", ticket=2)
    assert silent_repeats(books.effects()) == []
    asked(books, "zendesk", "ticket.deleted", ticket=2)
    assert len(silent_repeats(books.effects())) == 1


def test_what_counts_as_the_same_can_be_chosen():
    books = ledger()
    asked(books, "stripe", "subscription.discount_added", key="k1", coupon="SAVE20")
    asked(books, "stripe", "subscription.discount_added", key="k2", coupon="SAVE20")
    assert silent_repeats(books.effects()) == []
    assert len(silent_repeats(books.effects(), lambda one: (one.user, one.detail["coupon"]))) == 1


def test_two_effects_of_one_request_are_no_repeat():
    books = ledger()
    books.begin()
    for discount in ("di_1", "di_2"):
        books.effect("stripe", "subscription.discount_removed", "ann", key="k", discount=discount)
    assert silent_repeats(books.effects()) == []
    asked(books, "stripe", "subscription.discount_removed", key="k", discount="di_3")
    assert len(silent_repeats(books.effects())) == 1
