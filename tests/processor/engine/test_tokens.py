"""Tokens: fetched once for all that wait, renewed once after a refusal, and when they fail everybody hears of it."""

import pytest

from connectors.kit import Limits
from processor.engine.options import EngineOptions
from testkit.engine.harness import UNSENT, Harness
from testkit.engine.vendors import configuration, vendor

OPTIONS = EngineOptions(partitions=2)


def harness(*chain, options=OPTIONS, **more):
    return Harness(configuration({"p": list(chain)}, **more), options=options)


def test_one_token_is_fetched_for_many_that_wait():
    process = harness("alpha.tokened")
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    assert process.lines == ["POST alpha/token"]
    process.answer(json={"token": "t1"})
    assert sorted(process.lines) == ["PUT alpha/tokened/e1", "PUT alpha/tokened/e2"]
    assert {one.headers["Authorization"] for one in process.calls} == {"t1"}


def test_a_refused_token_is_renewed_once():
    process = harness("alpha.tokened")
    process.accept("e1")
    process.answer(json={"token": "old"})
    process.answer(answer=401)
    process.answer("/token", json={"token": "new"})
    assert process.call().headers["Authorization"] == "new"
    process.answer(answer=401)
    assert process.lines == [], "a second refusal is no matter of the token"
    process.checkpoint()
    assert process.world.chain("app:e1").waiting_for == "settings"


def test_a_token_is_renewed_once_for_all_that_used_it():
    process = harness("alpha.tokened")
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.answer(json={"token": "old"})
    first, second = process.calls
    process.transport.answer(first, 401)
    process.transport.answer(second, 401)
    process.turn()
    assert process.lines == ["POST alpha/token"]


def test_a_token_that_expires_is_fetched_anew():
    process = harness("alpha.tokened")
    process.accept("e1")
    process.answer(json={"token": "t1"})
    process.answer()
    process.advance(601.0)
    process.accept("e2")
    assert process.lines == ["POST alpha/token"]


@pytest.mark.parametrize(("answer", "waits_for"), [(400, "settings"), (401, "settings"), (UNSENT, "retry")])
def test_the_failure_of_a_token_reaches_all_that_wait(answer, waits_for):
    process = harness("alpha.tokened", options=EngineOptions(partitions=2, park_after=0.0))
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.answer("/token", answer)
    process.checkpoint()
    assert {process.world.chain(f"app:{name}").waiting_for for name in ("e1", "e2")} == {waits_for}
    process.settle(90.0)
    assert [one.outcome for one in process.world.results()] == ["succeeded", "succeeded"]


def test_a_broken_token_flow_ends_as_broken():
    def token(_settings, _now):
        raise ZeroDivisionError
        yield

    alpha = vendor("alpha")
    alpha.tokens["main"] = token
    process = harness("alpha.tokened", connectors=[alpha])
    process.accept("e1")
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.tokened", "failed", "broken")]


def test_a_token_flow_that_returns_no_token_ends_as_broken():
    def token(_settings, _now):
        return "t"
        yield

    alpha = vendor("alpha")
    alpha.tokens["main"] = token
    process = harness("alpha.tokened", connectors=[alpha])
    process.accept("e1")
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.tokened", "failed", "broken")]


def test_a_token_fetched_among_few_places_lets_those_behind_it_go_on():
    process = harness("alpha.tokened", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.settle()
    assert sorted(process.sent) == ["POST alpha/token", "PUT alpha/tokened/e1", "PUT alpha/tokened/e2"]
    assert process.gate("alpha").busy == 0
