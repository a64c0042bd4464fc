"""The ledger: results, receipts and dead letters as they go out."""

from processor.engine.options import EngineOptions
from testkit.engine.harness import NOW, Harness
from testkit.engine.vendors import Bind, configuration, event
from testkit.engine.world import TOPICS


def failed(*chain, options=None, **more):
    process = Harness(configuration({"p": list(chain) or ["alpha.key"]}), options=options)
    process.sync("ann0", email="ann@example.org")
    process.publish(event("e1", time=NOW, **more))
    for _ in range(5):
        for call in list(process.calls):
            process.transport.answer(call, 400, {"error": {"message": "no, ann@example.org, +49 170 1234567"}})
        process.turn()
    process.checkpoint()
    return process


def test_a_dead_letter_holds_all_that_is_needed_to_understand_and_repeat_it():
    letter, = failed("alpha.key", "beta.key").world.letters()
    assert letter.event == event("e1", time=NOW)
    assert (letter.state, letter.reason, letter.run, letter.config_version) == ("open", "rejected", 0, "v1")
    assert letter.origin.topic == TOPICS.interactions
    assert letter.origin.value
    assert letter.attributes == {"email": "ann@example.org"}
    assert letter.attributes_offset == 0
    assert list(letter.remaining) == ["alpha.key", "beta.key"]


def test_an_exchange_shows_no_secret_and_no_person():
    failure, = failed().world.letters()[0].failures
    shown = str(failure.exchange)
    assert failure.exchange.status == 400
    assert "ann@example.org" not in shown
    assert "1234567" not in shown
    assert "s1" not in shown, "requests are kept unsigned"


def test_an_event_with_several_failures_makes_one_letter_that_names_all():
    process = failed(Bind("alpha.key", on_error="continue"), Bind("beta.key", on_error="continue"))
    letter, = process.world.letters()
    assert [one.binding_id for one in letter.failures] == ["alpha.key", "beta.key"]


def test_a_letter_that_is_too_large_refers_to_the_original():
    options = EngineOptions(partitions=2, largest={TOPICS.dead_letters: 5000})
    process = failed(options=options, form={"text": "x" * 6000})
    letter, = process.world.letters()
    assert letter.origin.value is None
    assert (letter.origin.topic, letter.origin.partition, letter.origin.offset) == (TOPICS.interactions, 0, 0)
    assert letter.event is None
    assert "too large" in letter.message
    assert len(process.world.values(TOPICS.dead_letters)[0]) <= 5000


def test_keys_are_such_that_a_later_record_supersedes():
    process = failed()
    keys = {one.topic: one.key for one in process.world.records}
    assert keys[TOPICS.dead_letters] == b"app:ann0:e1"
    assert keys[TOPICS.results] == b"app:ann0"


def test_results_say_which_attributes_were_used():
    result, = failed().world.results()
    assert (result.attributes_offset, result.attributes_time) == (0, int(NOW * 1000))
