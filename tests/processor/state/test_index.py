"""Notes about parked chains: in order of their keys, and gone with the process that made them."""

import pytest

from processor.state import StateError, StateFolder

NOW = 1_760_000_000.0


@pytest.fixture
def folder(tmp_path):
    made = StateFolder(tmp_path / "state", 8, clock=lambda: NOW)
    yield made
    made.close_all()


def test_notes_are_found_by_key_and_in_order_below_a_prefix(folder):
    index = folder.open(0).index
    for key in (b"g2", b"a1", b"g1", b"g3", b"h1"):
        index.put(key, b"of " + key)
    index.delete(b"g2")
    assert (index.get(b"g1"), index.get(b"g2")) == (b"of g1", None)
    assert [key for key, _ in index.scan(b"g", b"g", 10)] == [b"g1", b"g3"]
    assert index.scan(b"g2", b"g", 10) == [(b"g3", b"of g3")]
    assert [key for key, _ in index.scan(b"g", b"g", 1)] == [b"g1"]


def test_a_store_that_is_opened_again_has_its_chains_and_no_notes_of_them(folder):
    # They follow from the chain records; what a crash left of them would be half of the truth.
    store = folder.open(0)
    store.put_chain("demo:e1", b"open")
    store.index.put(b"g1", b"x")
    store.commit(store.seal(), {"chains": 1}, NOW)
    folder.close(0)
    store = folder.open(0)
    assert store.discarded == ""
    assert store.chain("demo:e1") == b"open"
    assert (store.index.get(b"g1"), store.index.scan(b"", b"", 9)) == (None, [])
    store.index.put(b"g2", b"y")
    assert store.index.get(b"g2") == b"y"


def test_notes_of_a_closed_store_cannot_be_asked_for_and_the_error_names_it(folder):
    store = folder.open(3)
    index = store.index
    folder.close(3)
    with pytest.raises(StateError, match="partition-3"):
        index.get(b"g1")


@pytest.mark.parametrize("read", [0, 1])
def test_a_listing_of_chains_that_nobody_reads_to_its_end_does_not_keep_the_store_open(folder, read):
    # A partition may leave, or the loop may end, while its chains are taken up.
    store = folder.open(0)
    for number in range(3):
        store.put_chain(f"demo:e{number}", b"open")
    store.commit(store.seal(), {"chains": 3}, NOW)
    listing = store.chains()
    for _ in range(read):
        next(listing)
    folder.close(0)
    assert folder.open(0).chain("demo:e1") == b"open"
    assert list(listing) == []
