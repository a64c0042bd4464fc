"""Where chains of the real engine stand by their durable records, and the account that a person is given."""

import pytest

from processor.engine.chain import EXPORTS
from processor.waiting import account, where
from processor.waiting.account import CAUSES
from testkit.engine.harness import NOW, Harness
from testkit.engine.vendors import Bind, configuration
from testkit.engine.world import CODEC


@pytest.fixture
def process():
    return Harness(configuration({"p": ["alpha.key", "beta.key"], "n": ["alpha.needs"]}, exports=("gamma",)))


def place(process, event_id="e1", *, configured=True):
    key = f"app:{event_id}"
    record = process.world.chain(key)
    return where(key, record, CODEC, process.configuration if configured else None), record




def test_the_first_binding_without_a_receipt_is_what_a_chain_waits_for(process):
    process.accept("e1")
    process.answer("alpha/key/e1", 200, {"id": "ch_1"})
    process.answer("beta/key/e1", 503, headers={"retry-after": "200"})
    process.checkpoint()
    waiting, record = place(process)
    assert (waiting.connector, waiting.binding, waiting.cause) == ("beta", "beta.key", "retry")
    assert waiting.since == record.first_failed_at == NOW * 1000
    assert waiting.next_at > NOW * 1000 + 200_000


def test_without_a_configuration_the_connector_is_unknown_rather_than_guessed_wrong(process):
    process.accept("e1")
    process.answer("alpha/key/e1", 503, headers={"retry-after": "200"})
    process.checkpoint()
    waiting, _ = place(process, configured=False)
    assert (waiting.connector, waiting.binding) == ("?", "?")


def test_missing_attributes_are_named(process):
    process.accept("e1", prompt_id="n")
    process.checkpoint()
    waiting, record = place(process)
    assert (waiting.cause, waiting.missing) == ("attributes", ("email",))
    why, goes_on, you_can = account(waiting, record).says
    assert "binding alpha.needs" in why
    assert "email" in why
    assert "2027-01-15 08:00:30 UTC" in goes_on
    assert "attributes set" in you_can


def test_a_chain_that_waits_for_its_turn_names_the_chain_before_it(process):
    process.accept("e1")
    process.answer("alpha/key/e1", 503, headers={"retry-after": "200"})
    process.accept("e2")
    process.checkpoint()
    waiting, record = place(process, "e2")
    earlier = [(key.partition(":")[2], CODEC.chain(data)) for key, data in process.world.chains().items()
               if not key.endswith(EXPORTS)]
    assert waiting.cause == "order"
    told = account(waiting, record, earlier)
    assert told.behind == ["e1"]
    assert "(e1)" in told.says[0]


def test_exports_wait_for_their_own_connector(process):
    process.accept("e1")
    process.advance(1.1)
    process.answer("gamma/import", 401)
    process.checkpoint()
    waiting, record = place(process, "e1#exports")
    assert (waiting.connector, waiting.cause, waiting.exports) == ("gamma", "settings", True)
    assert "gamma refuses the credentials" in account(waiting, record).says[0]


def test_a_replay_waits_only_for_what_it_may_run(process):
    process.accept("e1")
    process.answer("alpha/key/e1", 503, headers={"retry-after": "200"})
    process.checkpoint()
    _, record = place(process)
    waiting = where("app:e1#1", record._replace(run=1, only=("beta.key",)), CODEC, process.configuration)
    assert waiting.binding == "beta.key"


def test_a_marked_call_is_told_of():
    process = Harness(configuration({"p": [Bind("alpha.never")]}))
    process.accept("e1")
    process.checkpoint()
    waiting, record = place(process)
    assert waiting.cause == "running"
    assert any("must not be repeated" in text for text in account(waiting, record).says)


def test_every_cause_that_the_engine_knows_has_its_words():
    assert set(CAUSES) == {"retry", "limit", "circuit", "settings", "attributes", "order", "running"}
