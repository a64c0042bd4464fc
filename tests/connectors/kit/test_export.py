"""Batches of exports: finding what a vendor minds."""

from connectors.kit import Done, Item, Rejected, Settings, halved, post
from testkit import flows
from testkit.flows import answer


def send(settings, items):
    """A vendor that refuses a whole request and does not say for which item."""
    response = yield post("/batch", body=b"".join(item.body for item in items), look_at=[400])
    if response.ok:
        return [Done(item.reference) for item in items]
    if len(items) == 1:
        return [Rejected("bad")]
    return (yield from halved(send, settings, items))


def test_halving_finds_the_bad_item_and_keeps_the_order():
    items = [Item(name.encode(), name) for name in "abcde"]
    no, yes = answer(400), answer(200)
    run = flows.drive(send(Settings(), items), [no, yes, no, no, yes])
    assert [one.body for one in run.requests] == [b"abcde", b"ab", b"cde", b"c", b"de"]
    assert [getattr(end, "reference", end) for end in run.done[:2] + run.done[3:]] == ["a", "b", "d", "e"]
    assert run.done[2].code == "bad"
