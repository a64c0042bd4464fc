"""The library that Python programs send to Apple with (aioapns; Apple has none) sends what we send, over HTTP/2."""

import asyncio
import ssl
import time

import jwt
import orjson
import pytest

from connectors.push.apns import connector
from processor.http.curl import CurlTransport
from testkit import flows
from testkit.certificates import loopback
from testkit.http2 import Http2Server, Told
from testkit.vendors import apns

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
PHONE = "a1" * 32
THEIRS_ALONE = {"host", ":authority"}
OURS_ALONE = {"user-agent", "accept", "content-length", "host", ":authority"}


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return loopback(tmp_path_factory.mktemp("tls"), now=time.time())


@pytest.fixture
def server(tls):
    with Http2Server(tls[1], lambda asked: Told(200, headers=[("apns-id", asked.headers["apns-id"])])) as running:
        yield running


@pytest.fixture
def library(server, monkeypatch):
    sdk = pytest.importorskip("aioapns", reason="aioapns is not installed")
    place = __import__("aioapns.connection", fromlist=["*"])
    monkeypatch.setattr(place.APNsProductionClientProtocol, "APNS_SERVER", "127.0.0.1")
    monkeypatch.setattr(place.APNsTLSClientProtocol, "APNS_PORT", server.port)
    return sdk


def settings(server):
    return {"bundle_id": apns.BUNDLE_ID, "team_id": apns.TEAM_ID, "token_key": apns.token_key(),
            "token_key_id": apns.KEY_ID, "base_url": server.url(), "allow_test_hosts": True}


def ours(server, tls, **params):
    """Send our push, and give the notification's id and collapse id."""
    entered, now = settings(server), time.time()
    call = flows.call(connector, "send_push", settings=entered, params={"title": "Stay", "body": "20 % ü", **params},
                      attributes={"push_endpoints_apns": PHONE}, now=now)
    request = next(connector.actions["send_push"].run(call))
    token = flows.drive(connector.tokens[""](connector.settings.model_validate(entered), now)).done
    transport = CurlTransport(ca_file=tls[0])
    transport.start(flows.sign(connector, entered, request, token=token), 1, timeout=5, lane="app")
    (done,) = transport.wait(5)
    transport.close()
    assert done.answer.status == 200
    return server.asked[-1]


def theirs(library, server, message, **more):
    async def send():
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = library.APNs(key=apns.token_key(), key_id=apns.KEY_ID, team_id=apns.TEAM_ID, topic=apns.BUNDLE_ID,
                              ssl_context=context)
        told = await client.send_notification(library.NotificationRequest(PHONE, message, **more))
        client.pool.close()
        return told.is_successful

    assert asyncio.run(send())
    return server.asked[-1]


@pytest.mark.parametrize(("params", "message", "kind", "priority"), [
    ({}, {"aps": {"alert": {"title": "Stay", "body": "20 % ü"}, "sound": "default"}}, "ALERT", 10),
    ({"silent": True}, {"aps": {"content-available": 1}}, "BACKGROUND", 5),
])
def test_a_push_is_what_the_library_sends(library, server, tls, params, message, kind, priority):
    mine = ours(server, tls, **params)
    other = theirs(
        library, server, message, notification_id=mine.headers["apns-id"], time_to_live=86_400, priority=priority,
        collapse_key=mine.headers["apns-collapse-id"], push_type=library.PushType[kind])
    assert orjson.loads(mine.body) == orjson.loads(other.body)
    left, right = dict(mine.headers), dict(other.headers)
    claims = [jwt.decode(one.pop("authorization").removeprefix("bearer "), options={"verify_signature": False})
              for one in (left, right)]
    assert claims[0]["iss"] == claims[1]["iss"]
    assert abs(int(left.pop("apns-expiration")) - int(right.pop("apns-expiration"))) < 30
    assert {name: value for name, value in left.items() if name not in OURS_ALONE} == {
        name: value for name, value in right.items() if name not in THEIRS_ALONE}
