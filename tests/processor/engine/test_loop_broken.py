"""Connector code that is broken, or that fails in its own way: it costs its binding, never the process."""

import pytest

from connectors.kit import Done, Failure, Response, Unavailable, get, post
from connectors.kit.reading import read_status
from testkit.engine.harness import Harness
from testkit.engine.vendors import Bind, configuration, vendor


def harness(*chain, **more):
    return Harness(configuration({"p": list(chain)}, **more))


def _none(_call):
    yield get("/none")


def _no_request(_call):
    yield "GET /"


def _raises_at_once(_call):
    raise ZeroDivisionError
    yield


def _no_flow(_call):
    return 7


def _numbers(_call):
    yield get("/numbers")
    return Done(17, "", {"count": 3})


def _number_code(_call):
    yield get("/numbers")
    raise Failure(20003, None)


@pytest.mark.parametrize("flow", [_none, _no_request, _raises_at_once, _no_flow])
def test_a_broken_flow_ends_as_broken_and_the_process_lives(flow):
    alpha = vendor("alpha", more={"odd": flow})
    process = harness(Bind("alpha.odd", on_error="continue"), "beta.key", connectors=[alpha])
    process.accept("e1")
    process.settle()
    assert process.outcomes("e1") == [("alpha.odd", "failed", "broken"), ("beta.key", "succeeded", "")]


def test_an_exception_in_a_flow_names_action_and_place_but_no_value():
    process = harness("alpha.broken")
    process.accept("e1")
    process.settle()
    failed = process.world.letters("e1")[0].failures[0]
    assert failed.reason == "broken"
    assert "ZeroDivisionError in alpha.broken" in failed.message


def test_a_broken_signer_ends_as_broken():
    process = harness("alpha.key", secret="unsignable")
    process.accept("e1")
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "broken")]
    assert process.gate("alpha").busy == 0


def test_a_broken_reading_ends_as_broken():
    def read(_request, _answer):
        raise KeyError("missing")

    process = harness("alpha.key", connectors=[vendor("alpha", read=read)])
    process.accept("e1")
    process.answer()
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "broken")]


def test_numbers_where_text_is_expected_are_written_as_text():
    process = harness(Bind("alpha.odd"), Bind("alpha.code"),
                      connectors=[vendor("alpha", more={"odd": _numbers, "code": _number_code})])
    process.accept("e1")
    process.settle()
    first, second = process.world.results("e1")
    assert (first.reference, first.detail) == ("17", {"count": "3"})
    assert (second.code, second.message) == ("20003", "")


def test_a_flow_that_raises_unavailable_is_begun_anew():
    def flow(_call):
        answer = yield get("/job", look_at=(202,))
        if answer.status == 202:
            raise Unavailable("not_yet", "the job runs")
        return Done("made")

    process = harness("alpha.job", connectors=[vendor("alpha", more={"job": flow})])
    process.accept("e1")
    process.answer("/job", 202)
    process.advance(1.0)
    process.answer("/job", 200)
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.job", "succeeded", "")]


def test_a_failure_inside_a_200_is_read_by_the_connector():
    def read(request, answer):
        return Unavailable("inside", "try later") if answer.member("error") else read_status(request, answer)

    process = harness("alpha.key", connectors=[vendor("alpha", read=read)])
    process.accept("e1")
    process.answer(answer=200, json={"error": "overload"})
    process.advance(1.0)
    process.answer(answer=200, json={"id": "7"})
    process.checkpoint()
    assert process.world.results("e1")[0].attempts == 2


def test_a_request_may_wait_before_it_is_sent():
    def flow(_call):
        yield post("/job")
        answer: Response = yield get("/job", wait=3.0)
        return Done(str(answer.status))

    process = harness("alpha.job", connectors=[vendor("alpha", more={"job": flow})])
    process.accept("e1")
    process.answer("POST alpha/job")
    process.advance(2.9)
    assert process.lines == []
    process.advance(0.2)
    assert process.lines == ["GET alpha/job"]
