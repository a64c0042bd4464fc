"""Single promises of a partition's store: what one checkpoint, one restore, one expiry does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from processor.state import StateError, StateFolder, StoredAttributes

NOW = 1_760_000_000.0
HOUR = 3600
ANNA = StoredAttributes({"email_address": "anna@example.com", "tags": ["a", "b"], "age": 40, "vip": True}, 7, 1000)


@pytest.fixture
def folder(tmp_path):
    made = StateFolder(tmp_path / "state", 8, clock=lambda: NOW)
    yield made
    made.close_all()


@pytest.fixture
def store(folder):
    return folder.open(0)


def test_a_sealed_set_that_was_not_committed_stays_readable_and_is_committed_later(store):
    # An aborted transaction's checkpoint is sent again together with what came after it.
    store.put_attributes("demo:anna", ANNA)
    first = store.seal()
    store.put_chain("demo:e1", b"open")
    second = store.seal()
    assert store.attributes("demo:anna") == ANNA
    store.commit(first, {"a": 1}, NOW)
    store.commit(second, {"a": 2}, NOW)
    assert (store.attributes("demo:anna"), store.chain("demo:e1")) == (ANNA, b"open")
    assert store.sizes()["pending"] == 0


def test_a_value_written_again_after_the_seal_survives_the_commits_of_older_ones(store):
    # The very same object comes back: identity is no proof that nothing lay between.
    other = ANNA._replace(offset=8)
    store.put_attributes("demo:anna", ANNA)
    first = store.seal()
    store.put_attributes("demo:anna", other)
    second = store.seal()
    store.put_attributes("demo:anna", ANNA)
    store.commit(first, {}, NOW)
    store.commit(second, {}, NOW)
    assert store.attributes("demo:anna") == ANNA


def test_sealed_sets_cannot_be_committed_out_of_turn(store):
    # The older one would put its stale values over the newer ones.
    store.seal()
    second = store.seal()
    with pytest.raises(ValueError, match="sealed set 2 committed out of turn: 1 is next"):
        store.commit(second, {}, NOW)


def test_chains_are_listed_as_they_were_when_the_listing_began(store):
    # The engine ends and parks chains while it goes through them after a restart.
    for number in range(5):
        store.put_chain(f"demo:e{number}", b"1")
    store.commit(store.seal(), {}, NOW)
    store.put_chain("demo:e1", None)
    listing = store.chains()
    store.put_chain("demo:e2", None)
    store.put_chain("demo:e9", b"2")
    store.commit(store.seal(), {}, NOW)
    assert sorted(key for key, _ in listing) == ["demo:e0", "demo:e2", "demo:e3", "demo:e4"]
    assert sorted(key for key, _ in store.chains()) == ["demo:e0", "demo:e3", "demo:e4", "demo:e9"]


def test_ended_events_are_forgotten_by_whole_buckets_and_not_too_early(store):
    start = NOW // (6 * HOUR) * 6 * HOUR
    store.load_finished([b"a" * 16], start)
    store.load_finished([b"b" * 16], start + 6 * HOUR - 1)
    store.load_finished([b"c" * 16], start + 6 * HOUR)
    assert store.expire(start + 6 * HOUR - 1) == 0
    assert [store.seen(one * 16) for one in (b"a", b"b", b"c", b"d")] == [True, True, True, False]
    assert store.expire(start + 6 * HOUR) == 1
    assert [store.seen(one * 16) for one in (b"a", b"b", b"c", b"d")] == [False, False, True, False]


def test_when_an_event_ended_last_is_known_to_the_second(folder, store):
    store.finish(b"a" * 16)
    assert store.ended_at(b"a" * 16) == float("inf"), "it is not on disk yet"
    store.commit(store.seal(), {}, 1_800_000_000.25)
    store.finish(b"a" * 16)
    store.commit(store.seal(), {}, 1_800_050_000.0)
    store.load_finished([b"b" * 16], 1_800_000_007.0)
    store = folder.open(0)
    assert [store.ended_at(one * 16) for one in (b"a", b"b", b"c")] == [1_800_050_000.0, 1_800_000_007.0, None]


def test_an_expired_bucket_stays_away_after_a_restart_and_can_be_made_again(folder, store):
    store.load_finished([b"a" * 16], NOW - 100 * HOUR)
    store.set_positions({}, NOW)
    store.expire(NOW - 50 * HOUR)
    store = folder.open(0)
    assert store.discarded == ""
    assert not store.seen(b"a" * 16)
    store.load_finished([b"b" * 16], NOW - 100 * HOUR)
    assert store.seen(b"b" * 16)


def test_a_restore_in_bulk_sets_and_removes(store):
    many = [(f"demo:u{number}", ANNA._replace(offset=number)) for number in range(2500)]
    assert store.load_attributes(many) == 2500
    assert store.load_attributes([("demo:u0", None), ("demo:u1", ANNA._replace(offset=9999))]) == 2
    assert store.load_chains([("demo:e1", b"1"), ("demo:e2", b"2"), ("demo:e1", None)]) == 3
    assert store.load_finished((bytes([number]) * 16 for number in range(3)), NOW) == 3
    assert store.attributes("demo:u0") is None
    assert store.attributes("demo:u1").offset == 9999
    assert store.attributes("demo:u2499").offset == 2499
    assert dict(store.chains()) == {"demo:e2": b"2"}
    assert store.seen(b"\x02" * 16)


def test_positions_and_topic_ids_are_kept_apart_and_survive_a_restart(folder, store):
    store.set_positions({"attributes": 5, "chains": 6}, NOW - 1)
    store.set_topic_ids({"attributes": "abc"})
    store.commit(store.seal(), {"chains": 7}, NOW)
    store = folder.open(0)
    assert store.positions() == {"attributes": 5, "chains": 7}
    assert store.topic_ids() == {"attributes": "abc"}
    assert store.written() == NOW


def test_partitions_do_not_see_each_other(folder):
    one, two = folder.open(1), folder.open(2)
    one.put_attributes("demo:anna", ANNA)
    one.commit(one.seal(), {"a": 1}, NOW)
    assert two.attributes("demo:anna") is None
    assert two.positions() == {}


def test_a_closed_store_says_so(store):
    store.close()
    for use in (lambda: store.attributes("demo:anna"), lambda: store.chain("demo:e1"), store.positions):
        with pytest.raises(StateError, match="is closed"):
            use()


def test_sizes_grow_with_what_is_stored(store):
    before = store.sizes()
    store.load_attributes((f"demo:u{number}", ANNA) for number in range(1000))
    store.load_finished((os.urandom(16) for _ in range(100)), NOW)
    after = store.sizes()
    assert after["disk_bytes"] > before["disk_bytes"]
    assert after["attributes"] == pytest.approx(1000, rel=0.1)
    assert after["finished"] == pytest.approx(100, rel=0.1)


ENDLESS_COMMITS = """
import sys, time
from processor.state import StateFolder, StoredAttributes
store = StateFolder(sys.argv[1], 8).open(0)
number = 0
while True:
    number += 1
    store.put_attributes("demo:anna", StoredAttributes({"n": number, "more": "x" * 2000}, number, 0))
    store.put_chain("demo:e", str(number).encode())
    store.finish(number.to_bytes(16, "big"))
    store.commit(store.seal(), {"attributes": number}, time.time())
    if number == 50:
        print("running", flush=True)
"""


@pytest.mark.parametrize("milliseconds", [1, 20, 77])
def test_a_process_killed_between_commits_leaves_data_and_positions_of_the_same_commit(tmp_path, milliseconds):
    process = subprocess.Popen([sys.executable, "-c", ENDLESS_COMMITS, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"running\n"
    time.sleep(milliseconds / 1000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    folder = StateFolder(tmp_path, 8)
    store = folder.open(0)
    number = store.positions()["attributes"]
    assert number >= 50
    assert store.discarded == ""
    assert store.attributes("demo:anna").attributes["n"] == number
    assert store.chain("demo:e") == str(number).encode()
    assert store.seen(number.to_bytes(16, "big"))
    assert not store.seen((number + 1).to_bytes(16, "big"))
    folder.close_all()
