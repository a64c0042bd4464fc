"""The rules of a control call: tokens renewed once, waits kept, bugs named, nothing secret in a failure."""

import pytest
from pydantic import SecretStr

from connectors.kit import Connector, Limits, Misconfigured, Request, Settings, Signed, Token, field, get, post
from connectors.kit.errors import Broken, Unavailable
from processor.config.model import AppConnector
from processor.control.checking import check, options
from processor.control.line import MAX_CALLS, Line
from processor.http.transport import Completion, TransportError
from testkit.flows import answer


class Keys(Settings):
    key: SecretStr = field("Key", default=SecretStr("hunter22"))


class Canned:
    """A transport that answers from a list and keeps what was sent."""

    def __init__(self, *answers):
        self.answers, self.sent, self.cancelled = list(answers), [], []

    def start(self, signed, ticket, **_more):
        self.sent.append(signed)
        self.ticket = ticket

    def wait(self, _seconds):
        if not self.answers:
            return []
        return [Completion(self.ticket, self.answers.pop(0), 0.1)]

    def cancel(self, ticket):
        self.cancelled.append(ticket)


def sign(request: Request, context) -> Signed:
    token = [f"Authorization: {context.token.value}"] if context.token else []
    return Signed(request.method, f"https://v.example{request.path}", token, request.body)


def token_flow(settings, now):
    got = yield post("/token", effect=False)
    return Token(str(got.member("token")), now + 60)


def ask(_settings):
    got = yield get("/me", realm="main")
    return got.json


def connector(**more):
    return Connector("v", "V", "custom", Keys, lambda _settings: sign, limits=Limits(timeout=1),
                     tokens={"main": token_flow}, **more)


def line(transport, made=None, slept=None):
    used = AppConnector(made or connector(), Keys(), active=True, limits=Limits(timeout=1))
    return Line(used, transport, clock=lambda: 1000.0, sleep=(slept if slept is not None else []).append,
                nonce=lambda: "n")


def test_a_token_is_fetched_once_and_renewed_once_after_a_401():
    transport = Canned(answer(json={"token": "t-1"}), answer(401), answer(json={"token": "t-2"}), answer(json=7))
    assert line(transport).run(ask(Keys())) == 7
    assert [one.headers for one in transport.sent] == [[], ["Authorization: t-1"], [], ["Authorization: t-2"]]


def test_a_second_401_is_the_settings_fault():
    transport = Canned(answer(json={"token": "t-1"}), answer(401), answer(json={"token": "t-2"}), answer(401))
    with pytest.raises(Misconfigured):
        line(transport).run(ask(Keys()))


def test_a_refused_token_is_the_settings_fault_whatever_the_status():
    with pytest.raises(Misconfigured, match="no token"):
        line(Canned(answer(400))).run(ask(Keys()))


def test_a_call_without_an_answer_is_cut_and_unavailable():
    transport = Canned()
    with pytest.raises(Unavailable, match="no answer within 1 s"):
        line(transport).run(ask(Keys()))
    assert transport.cancelled == [1]


def test_a_lost_connection_is_unavailable():
    with pytest.raises(Unavailable, match="could not connect"):
        line(Canned(TransportError("connect", "could not connect"))).run(ask(Keys()))


def test_a_pause_that_a_flow_asks_for_is_kept():
    def patient():
        yield get("/job", wait=2.5)

    slept = []
    line(Canned(answer()), slept=slept).run(patient())
    assert slept == [2.5]


def test_a_flow_that_never_ends_is_ended():
    def endless():
        while True:
            yield get("/page")

    with pytest.raises(Broken, match=f"more than {MAX_CALLS}"):
        line(Canned(*[answer()] * (MAX_CALLS + 1))).run(endless())


def test_a_bug_of_a_connector_is_told_as_one():
    def crooked(_settings):
        yield get("/me")
        raise KeyError("x")

    used = AppConnector(connector(check=crooked), Keys(), active=True, limits=Limits())
    found = check("app", used, lambda _used: line(Canned(answer())))
    assert (found.state, found.reason) == ("fails", "broken")
    assert "KeyError" in found.message


def test_a_vendor_that_repeats_key_or_token_shows_neither():
    transport = Canned(answer(json={"token": "t-secret"}), answer(403, body=b"hunter22 and t-secret are refused"))
    used = AppConnector(connector(check=ask), Keys(), active=True, limits=Limits())
    found = check("app", used, lambda _used: line(transport))
    assert found.message == "*** and *** are refused"


def test_signing_in_is_all_that_can_be_tried_where_there_is_no_check():
    used = AppConnector(connector(), Keys(), active=True, limits=Limits())
    right = check("app", used, lambda _used: line(Canned(answer(json={"token": "t"}))))
    wrong = check("app", used, lambda _used: line(Canned(answer(401))))
    assert (right.state, wrong.state) == ("untested", "fails")
    assert right.message.startswith("signing in works")


def test_a_refused_pick_list_shows_no_key_either():
    def listed(_settings):
        yield get("/list")
        return []

    used = AppConnector(connector(options={"all": listed}), Keys(), active=True, limits=Limits())
    with pytest.raises(Misconfigured) as refused:
        options(used, "all", lambda _used: line(Canned(answer(403, body=b"hunter22 is refused"))))
    assert "hunter22" not in f"{refused.value} {refused.value.message}"
    assert "*** is refused" in str(refused.value)
