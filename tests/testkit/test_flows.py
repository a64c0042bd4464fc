import pytest

from connectors.kit import Connector, Done, Params, Settings, any_of, field, get, post, reader, sign_with
from testkit import flows
from testkit.flows import answer, call, drive, run


class KeySettings(Settings):
    key: str = field("Key")


class Colour(Params):
    colour: str = field("Colour", default="red")


def explain(response):
    return str(response.member("code") or ""), ""


paint = Connector(
    id="paint", title="Paint", category="custom", settings=KeySettings, read=reader(explain),
    signer=lambda settings: sign_with("https://paint.example", {"X-Key": settings.key}),
)


@paint.action("brush", "Brush", params=Colour, requires=any_of("wall_id"))
def brush(call):
    seen = yield get("/walls", query={"id": call.first("wall_id")}, look_at=[404])
    if seen.status == 404:
        return Done(note="already_done")
    try:
        yield post("/brush", form={"colour": call.params.colour, "empty": ""})
    except Exception:  # noqa: BLE001 - what a flow must never be able to do
        return Done("caught")
    return Done("w")


def brushed(answers, **more):
    made = call(paint, "brush", settings={"key": "k"}, **{"attributes": {"wall_id": "7"}, **more})
    return run(paint, "brush", made, answers)


def test_a_run_holds_every_request_and_what_the_flow_returned():
    ended = brushed([answer(json={}), answer()], params={"colour": "blue"})
    assert ended.lines == ["GET /walls", "POST /brush"]
    assert flows.query(ended.requests[0]) == [("id", "7")]
    assert flows.form(ended.requests[1]) == [("colour", "blue"), ("empty", "")]
    assert ended.done == Done("w")


def test_a_status_that_the_flow_looks_at_is_given_to_it():
    assert brushed([answer(404)]).done.note == "already_done"


def test_other_refusals_end_the_flow_with_the_connectors_reading_and_it_cannot_catch_them():
    ended = brushed([answer(), answer(422, {"code": "wet"})])
    assert (ended.reason, ended.code, ended.done) == ("rejected", "wet", None)


def test_what_an_action_requires_is_checked_before_any_request():
    ended = brushed([], attributes={"wall_id": ""})
    assert (ended.requests, ended.reason) == ((), "missing_attributes")


def test_an_answer_too_many_or_too_few_is_a_mistake_of_the_test():
    with pytest.raises(AssertionError, match="1 answers were not used"):
        brushed([answer(404), answer()])
    with pytest.raises(AssertionError, match="no answer is left for request 2: POST /brush"):
        brushed([answer()])


def test_signing_is_the_connectors_own():
    signed = flows.sign(paint, {"key": "k"}, get("/walls", query={"id": "7"}))
    assert (signed.url, flows.header(signed, "x-key")) == ("https://paint.example/walls?id=7", "k")


def test_other_flows_are_driven_without_a_call():
    def names():
        seen = yield get("/names")
        return seen.json

    assert drive(names(), [answer(json=["a"])]).done == ["a"]
