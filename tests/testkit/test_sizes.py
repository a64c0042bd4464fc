"""What an event takes is as little as the documents say."""

from testkit import sizes
from testkit.engine.world import TOPICS


def test_an_ordinary_event_leaves_a_result_and_an_id_and_no_chain_record():
    found = sizes.in_topics("alpha.key", events=5)
    assert set(found) == {TOPICS.results, TOPICS.finished}
    assert found[TOPICS.finished] < 40
    assert found[TOPICS.results] < 250


def test_what_is_marked_costs_a_record_and_its_removal():
    assert 100 < sizes.in_topics("alpha.never", events=5)[TOPICS.chains] < 800
    assert 100 < sizes.in_topics(exports=("mix",), events=5)[TOPICS.chains] < 400


def test_the_local_store_is_bounded_an_entry(tmp_path):
    found = sizes.on_disk(tmp_path, 2000)
    assert 16 <= found["ended event"] < 60
    assert found["parked chain"] < 2000
    assert found["user"] < 2000
