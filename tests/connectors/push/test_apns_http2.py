"""Pushes as Apple takes them: HTTP/2 and nothing else, one team a connection, one stream until the first success."""

import time
from uuid import uuid4

import jwt
import pytest

from connectors.kit.http import Signed
from connectors.push.apns import connector
from processor.config.model import AppConnector
from processor.control.switchboard import check_all
from processor.http.curl import CurlTransport
from processor.settings import HttpSettings
from testkit import flows
from testkit.certificates import loopback
from testkit.http2 import Http2Server, Told
from testkit.vendors import apns
from testkit.vendors.exchange import Ask
from testkit.vendors.front import Front

PUSHES = 60
OTHER_TEAM = "OTHERTEAM9"


class Apple:
    """The emulator behind Apple's rule: a connection belongs to the team of its first token."""

    def __init__(self):
        self.front = Front()
        self.teams = {}

    def __call__(self, asked):
        team = jwt.decode(asked.headers["authorization"].split()[1], options={"verify_signature": False})["iss"]
        if self.teams.setdefault(asked.connection, team) != team:
            return Told(403, b'{"reason":"InvalidProviderToken"}')
        if team == OTHER_TEAM:
            return Told(200, headers=[("apns-id", asked.headers["apns-id"])], delay=0.02)
        answer = self.front.serve(Ask(asked.method, f"/apns{asked.target}", asked.headers, asked.body)).answer
        headers = [(name.lower(), value) for name, value in answer.headers]
        return Told(answer.status, answer.body, headers, delay=0.02)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return loopback(tmp_path_factory.mktemp("tls"), now=time.time())


@pytest.fixture
def apple():
    return Apple()


@pytest.fixture
def server(tls, apple):
    with Http2Server(tls[1], apple, trusting_first=True) as running:
        yield running


@pytest.fixture
def curl(tls):
    made = CurlTransport(ca_file=tls[0])
    yield made
    made.close()


def settings(server, team=apns.TEAM_ID):
    return {"bundle_id": apns.BUNDLE_ID, "team_id": team, "token_key": apns.token_key(), "token_key_id": apns.KEY_ID,
            "base_url": server.url(), "allow_test_hosts": True}


def token_of(entered):
    flow = connector.tokens[""](connector.settings.model_validate(entered), time.time())
    return flows.drive(flow).done


def pushes(server, team, count=PUSHES):
    """Signed pushes of one app, each to a device of its own, under one token."""
    entered = settings(server, team)
    token = token_of(entered)
    for number in range(count):
        call = flows.call(connector, "send_push", settings=entered, params={"title": "Stay", "body": "20 % off"},
                          attributes={"push_endpoints_apns": f"{number + 0xa1 * 16**62:064x}"}, outcome_id=str(uuid4()))
        request = next(connector.actions["send_push"].run(call))
        yield flows.sign(connector, entered, request, token=token)


def send(transport, signed: list[Signed], lanes):
    """All at once; how each ended, in order."""
    for number, (one, lane) in enumerate(zip(signed, lanes, strict=True)):
        transport.start(one, number, timeout=10, lane=lane)
    found, end = {}, time.monotonic() + 15
    while len(found) < len(signed) and time.monotonic() < end:
        found.update((done.ticket, done.answer) for done in transport.wait(0.5))
    return [found[number] for number in range(len(signed))]


def test_a_burst_reaches_apple_over_few_connections(server, apple, curl):
    answers = send(curl, list(pushes(server, apns.TEAM_ID)), ["app"] * PUSHES)
    assert {one.status for one in answers} == {200}
    assert server.connections <= 4
    assert len(apple.front.vendors["apns"].devices) == PUSHES
    again = send(curl, list(pushes(server, apns.TEAM_ID)), ["app"] * PUSHES)
    assert {one.status for one in again} == {200}
    assert server.connections <= 4, "the connections are kept"
    assert server.most_streams > 10


def test_apps_of_two_teams_do_not_meet_on_a_connection(server, apple, curl):
    mine, theirs = list(pushes(server, apns.TEAM_ID)), list(pushes(server, OTHER_TEAM))
    mixed = [one for pair in zip(mine, theirs, strict=True) for one in pair]
    answers = send(curl, mixed, ["mine", "theirs"] * PUSHES)
    assert {one.status for one in answers} == {200}
    assert set(apple.teams.values()) == {apns.TEAM_ID, OTHER_TEAM}


def test_on_one_lane_two_teams_would_be_refused(server, curl):
    signed = [*pushes(server, apns.TEAM_ID, 1), *pushes(server, OTHER_TEAM, 1)]
    answers = [send(curl, [one], ["both"])[0].status for one in signed]
    assert answers == [200, 403], "else the look-alike is too kind to show anything"


def test_the_connection_test_speaks_http2_too(server, tls, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", tls[0])
    used = AppConnector(connector, connector.settings.model_validate(settings(server)), True, connector.limits)
    wrong = used.settings.model_copy(update={"token_key_id": "WRONGKEY99"})
    found = list(check_all([("app", used), ("app", AppConnector(connector, wrong, True, connector.limits))],
                           HttpSettings()))
    assert [(one.state, one.account) for one in found] == [("works", apns.BUNDLE_ID), ("fails", "")]
    assert found[1].code == "InvalidProviderToken"
    assert server.connections == 2
