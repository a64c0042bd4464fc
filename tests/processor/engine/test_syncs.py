"""Changes of attributes that are exported: each once, also when a crash brings the change again."""

from dataclasses import replace

import pytest

from connectors.kit import BatchLimits, Done, Item, NoParams, Params, field, post
from processor.config.model import ExportBinding, configuration_of
from testkit.engine.harness import Harness
from testkit.engine.vendors import VendorSettings, configuration, vendor

EACH = BatchLimits(1, 1000, 100, 1.0)


def profile(call):
    return Item(str(call.attributes["email"]).encode(), call.outcome_id)


def send(_settings, items):
    yield post("/profiles", body=items[0].body)
    return [Done() for _ in items]


class Traits(Params):
    traits: list[str] = field("Traits")


def harness(*traits):
    connector, params = vendor("mix"), Traits(traits=list(traits)) if traits else NoParams()
    connector.export("traits", "Traits", item=profile, limits=EACH, params=type(params), trigger="attributes")(send)
    made = configuration({"p": []}, connectors=[connector])
    sync = ExportBinding("mix.traits", connector, connector.exports["traits"], params, VendorSettings(), frozenset())
    return Harness(configuration_of({"app": replace(made.apps["app"], exports=(sync,))}))


def bodies(process):
    return [one.signed.body for one in process.transport.sent]


def test_a_change_is_sent_and_what_changes_nothing_is_not():
    process = harness()
    process.sync("ann0", email="a")
    process.settle()
    process.sync("ann0", email="a")
    process.settle()
    assert bodies(process) == [b"a"]
    assert process.outcomes() == [("mix.traits", "succeeded", "")]


@pytest.mark.parametrize(("traits", "sent"), [(["email"], [b"a"]), (["email", "plan"], [b"a", b"a"])])
def test_a_change_of_what_no_sync_sends_sets_off_none(traits, sent):
    process = harness(*traits)
    for attributes in ({"email": "a"}, {"email": "a", "plan": "gold"}):
        process.sync("ann0", **attributes)
        process.settle()
    assert bodies(process) == sent


def test_one_that_was_under_way_at_a_crash_is_sent_although_its_change_was_durable():
    """The attributes of the store have the change already: it changes nothing when it comes again."""
    process = harness()
    process.sync("ann0", email="a")
    process.checkpoint()
    assert len(process.calls) == 1
    heir = process.crash()
    assert bodies(heir) == [b"a"]
    heir.settle()
    assert heir.outcomes() == [("mix.traits", "succeeded", "")]


def test_one_that_had_ended_is_not_sent_again():
    process = harness()
    process.sync("bob0", email="b")
    process.sync("ann0", email="a")
    [of_ann] = [one for one in process.calls if one.signed.body == b"a"]
    process.transport.answer(of_ann, 200)
    process.turn()
    process.checkpoint()
    heir = process.crash()
    assert bodies(heir) == [b"b"], "the offset waited for it, and the other is known to have ended"
    heir.settle()
    assert len(heir.outcomes()) == 2


def test_an_older_change_that_comes_again_does_not_bring_back_what_it_said():
    process = harness()
    process.sync("ann0", email="old")
    process.sync("ann0", email="new")
    process.checkpoint()
    heir = process.crash()
    assert set(bodies(heir)) == {b"new"}
    assert heir.loop.partitions[0].store.attributes("app:ann0").attributes == {"email": "new"}
