"""Open chains as pages ask for them."""

import pytest

from console.activity.chains import Chains, KeyedRecord
from processor.model.chain import ChainRecord
from processor.model.dead_letter import Origin
from testkit.letters import CODEC, NOON


def chain(event, user="anna", app="shop", cause="circuit", offset=1, **fields):
    return ChainRecord(app, user, event, 0, "parked" if cause else "running", cause, NOON + 5000, Origin(
        "prompt.interactions", 0, offset, NOON, f"{app}:{user}".encode(), b""), "v1", {}, -1, 0, [], [], 1, 0, NOON,
        None, ["stripe.apply_coupon"])._replace(**fields)


def put(chains, *records):
    chains._groups = (0.0, [])
    chains.take([KeyedRecord(0, at, f"{one.app_id}:{one.event_id}".encode(), CODEC.encode_chain(one))
                 for at, one in enumerate(records)], {0: len(records)})


def end(chains, key):
    chains._groups = (0.0, [])
    chains.take([KeyedRecord(0, 99, key, None)], {0: 100})


@pytest.fixture
def chains(tmp_path):
    made = Chains(tmp_path, CODEC, lambda: None)
    yield made
    made.close()


def test_what_waits_is_counted_by_app_connector_and_cause(chains):
    put(chains, chain("e1"), chain("e2"), chain("e3", app="other"), chain("e4", cause="limit"), chain("e5", cause=""))
    assert [(one.app_id, one.connector, one.cause, one.chains) for one in chains.groups("shop")] == [
        ("shop", "stripe", "circuit", 2), ("shop", "stripe", "limit", 1)]
    assert chains.groups("shop")[0].oldest_event in ("e1", "e2")
    assert len(chains.groups()) == 3


def test_what_has_ended_waits_no_more(chains):
    put(chains, chain("e1"))
    end(chains, b"shop:e1")
    assert chains.groups() == []
    assert chains.of_event("shop", "e1") == []


def test_of_a_key_the_last_record_counts(chains):
    put(chains, chain("e1"), chain("e1", cause="settings"))
    assert [one.cause for one in chains.groups()] == ["settings"]


def test_a_chain_that_keeps_its_turn_names_the_earlier_one(chains):
    put(chains, chain("e1"), chain("e2", cause="order", offset=2))
    assert chains.of_event("shop", "e2")[0].behind == ["e1"]


def test_what_is_no_chain_is_passed_over(chains):
    chains.take([KeyedRecord(0, 0, b"shop:e1", b"nonsense")], {0: 1})
    assert chains.groups() == []
