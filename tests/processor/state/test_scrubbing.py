"""Who is erased is gone from RocksDB's files, not only from what it answers."""

from __future__ import annotations

import pytest

from processor.model.attributes import AttributesState
from processor.state.store import PartitionStore
from processor.state.tuning import Tuning

HOUR = 3600
CANARY = "canary-7f3a@forget.example"


@pytest.fixture
def store(tmp_path):
    made = PartitionStore(tmp_path / "p0", (), Tuning(16), HOUR)
    yield made
    made.close()


def on_disk(store, text=CANARY):
    return [file.name for file in store.path.iterdir() if text.encode() in file.read_bytes()]


def commit(store):
    store.commit(store.seal(), {"t": 1}, now=1000.0)


def fill(store, count):
    for number in range(count):
        store.put_attributes(f"shop:u{number}", AttributesState({"email_address": f"u{number}@x.example"}, 1, 1))
    store.put_attributes("shop:canary", AttributesState({"email_address": CANARY}, 1, 1))
    store.put_chain("shop:e1", f"chain of {CANARY}".encode())
    store.finish(b"0123456789abcdef")
    commit(store)


@pytest.mark.parametrize("count", [0, 3000])
def test_an_erased_user_leaves_every_file(store, count):
    fill(store, count)
    for family in (store._attributes, store._chains):
        family.flush()
    assert on_disk(store), "the test would pass with a store that hides its values"
    store.put_attributes("shop:canary", None)
    store.put_chain("shop:e1", None)
    commit(store)
    assert on_disk(store)
    store.expire(0)
    store._scrubber.wait()
    assert on_disk(store) == []
    assert store.attributes("shop:u7") is None if count == 0 else store.attributes("shop:u7").attributes


def test_what_was_erased_before_a_restart_is_taken_off_afterwards(tmp_path):
    tuning = Tuning(16)
    store = PartitionStore(tmp_path / "p0", (), tuning, HOUR)
    fill(store, 10)
    for family in (store._attributes, store._chains):
        family.flush()
    store.put_attributes("shop:canary", None)
    store.put_chain("shop:e1", None)
    commit(store)
    families = [name for name in store._database.list_cf(str(store.path)) if name.startswith("finished")]
    store.close()
    store = PartitionStore(tmp_path / "p0", families, tuning, HOUR)
    assert on_disk(store)
    store.expire(0)
    store._scrubber.wait()
    assert on_disk(store) == []
    store.close()


def test_nothing_is_merged_where_nothing_was_erased(store):
    fill(store, 10)
    store.expire(0)
    assert store._scrubber._thread is None
