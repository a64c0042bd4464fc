"""What vendors see of a user's order after a crash: outcomes that were not durable are worked out anew.

What testkit/processor/order.py excuses in trials (`_refused_before`) is here, step by step.
"""

import pytest

from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration


def process_of(second="alpha.harmless", last="alpha.key"):
    """Two bindings for prompt `p`, of which the second is skipped where the first fails; one for `q`."""
    return Harness(configuration({"p": ["alpha.key", second], "q": [last]}))


def refused_then_gone_on(process):
    """The first event's first binding is refused, so that the user's next event is called; none of it is durable."""
    process.accept("e1")
    process.accept("e2", prompt_id="q")
    process.answer("key/e1", 422)


@pytest.mark.parametrize("second", ["alpha.harmless", "alpha.never"])
def test_a_binding_may_be_called_first_behind_a_later_event_where_another_answer_lets_its_chain_go_on(second):
    """The vendor heard of the later event from the process that crashed, and of this binding from its heir only."""
    process = process_of(second)
    refused_then_gone_on(process)
    assert process.sent == ["POST alpha/key/e1", "POST alpha/key/e2"]
    assert process.outcomes() == [], "nobody else can know that e1 was refused"
    key = process.transport.sent[0].headers["Idempotency-Key"]

    heir = process.crash()
    assert heir.call("key/e1").headers["Idempotency-Key"] == key, "a vendor that keeps keys knows it"
    heir.answer("key/e1", 200)
    heir.advance(0.2)
    assert heir.lines == [heir.sent[1]], "the heir keeps the order: the later event waits for the whole chain"
    heir.settle(1.0)
    assert [line.rpartition("/")[2] for line in heir.sent] == ["e1", "e1", "e2"]
    assert heir.outcomes("e1") == [("alpha.key", "succeeded", ""), (second, "succeeded", "")]
    assert heir.outcomes("e2") == [("alpha.key", "succeeded", "")]


def test_the_same_answer_leads_to_the_same_calls():
    process = process_of()
    refused_then_gone_on(process)
    heir = process.crash()
    heir.answer("key/e1", 422)
    heir.settle(1.0)
    assert heir.sent == process.sent
    assert heir.outcomes("e1") == [("alpha.key", "failed", "rejected"), ("alpha.harmless", "skipped", "")]


def test_a_later_event_whose_call_must_not_be_repeated_is_called_when_all_before_it_is_durable():
    process = process_of(last="alpha.never")
    refused_then_gone_on(process)
    process.advance(0.2)
    assert process.lines == ["POST alpha/never/e2"]
    assert process.outcomes("e1") == [("alpha.key", "failed", "rejected"), ("alpha.harmless", "skipped", "")]
    heir = process.crash()
    heir.settle(1.0)
    assert heir.sent == [], "e1 has ended for everybody, and e2 is in doubt"
    assert heir.outcomes("e2") == [("alpha.never", "failed", "in_doubt")]


def test_what_became_durable_before_the_crash_keeps_its_refusal():
    process = process_of()
    refused_then_gone_on(process)
    process.checkpoint()
    heir = process.crash()
    heir.settle(1.0)
    assert heir.sent == ["POST alpha/key/e2"]
    assert heir.outcomes("e1") == [("alpha.key", "failed", "rejected"), ("alpha.harmless", "skipped", "")]
