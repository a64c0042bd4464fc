"""Piano's own Python library sends what we send, and reads what the emulator answers."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
import requests

from connectors.billing.piano import connector
from testkit import flows
from testkit.emulated import Emulated
from testkit.flows import NOW, answer
from testkit.vendors.piano import AID, API_TOKEN
from testkit.vendors.server import VendorServer

pytestmark = pytest.mark.vendor
SETTINGS = {"api_token": API_TOKEN, "aid": AID}
SUBSCRIPTION = {"subscription_id": "RC1", "auto_renew": True, "will_auto_renew": True, "can_be_resumed": False,
                "term": {"term_id": "T1"}, "next_bill_date": int(NOW)}
YES = {"code": 0, "ts": 1, "data": True}
CHANGE = {"from_term_id": "T1", "to_term_id": "T2", "to_term_period_id": "P", "prorate_access": True}


class Keeping(requests.adapters.BaseAdapter):
    """Keeps what is sent and says yes to everything."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def send(self, request, **_more):
        self.kept.append(request)
        reply = requests.Response()
        reply.status_code, reply._content, reply.request = 200, orjson.dumps(YES), request
        return reply

    def close(self):
        """There is nothing to close."""


@pytest.fixture
def sdk():
    return pytest.importorskip("pianosdk", reason="pianosdk is not installed")


@pytest.fixture
def sending(sdk, monkeypatch):
    """The library, for what it sends alone: it reads no answers."""
    for name in ("subscription", "term_change"):
        monkeypatch.setattr(f"pianosdk.publisher.api.publisher_{name}_api._json_deserialize", lambda *_: None)
    return sdk


def theirs(sdk, do):
    """What the library sends."""
    config = sdk.configuration.Configuration(api_host="https://api.piano.io", api_token=API_TOKEN)
    keeping = Keeping()
    config.http_client.session.mount("https://", keeping)
    from pianosdk.publisher.api import publisher_subscription_api, publisher_term_change_api

    do(publisher_subscription_api.PublisherSubscriptionApi(config), publisher_term_change_api.PublisherTermChangeApi(
        config))
    return keeping.kept


def ours(id, params, *replies, **attributes):
    made = flows.call(connector, id, settings=SETTINGS, params=params,
                      attributes=attributes or {"piano_subscription_id": "RC1", "piano_uid": "U 1"})
    answers = [answer(json=one) for one in replies]
    return [flows.sign(connector, SETTINGS, one) for one in flows.run(connector, id, made, answers).requests]


def parts(url, body):
    """Path, and all parameters in one order; the library writes True, we write true."""
    split = urlsplit(url)
    text = (body.decode() if isinstance(body, bytes) else body or "") if body != b"{}" else ""
    pairs = [*parse_qsl(split.query), *parse_qsl(text)]
    return split.netloc, split.path, sorted((name, value.lower()) for name, value in pairs)


def compare(sent, kept):
    for signed, request in zip(sent, kept, strict=True):
        assert signed.method == request.method
        assert parts(signed.url, signed.body) == parts(request.url, request.body)
        for name in ("api_token", "accept"):
            assert flows.header(signed, name) == request.headers[name]
        if signed.method == "POST":
            assert flows.header(signed, "content-type") == request.headers["content-type"]


READ = {"code": 0, "ts": 1, "subscription": SUBSCRIPTION}
STOPPED = {**READ, "subscription": {**SUBSCRIPTION, "auto_renew": False, "will_auto_renew": False,
                                    "can_be_resumed": True}}
MOVED = datetime.fromtimestamp(NOW + 7 * 86_400, UTC)
CASES = [
    ("resubscribe", {}, [STOPPED, YES], lambda one, _: (one.get(AID, "RC1"), one.resume_subscription(AID, "RC1"))),
    ("cancel_subscription", {"refund_last_payment": True}, [READ, YES],
     lambda one, _: (one.get(AID, "RC1"), one.cancel_subscription(AID, "RC1", True))),
    ("move_next_bill_date", {"days": 7}, [READ, YES],
     lambda one, _: (one.get(AID, "RC1"), one.update(AID, "RC1", MOVED))),
    ("upgrade_subscription", CHANGE, [READ, YES, YES, YES, YES], lambda one, term: (
        one.get(AID, "RC1"), term.get_subscription_upgrade_status(AID, "U 1", "RC1"), term.can_change_term("RC1"),
        term.change(AID, "U 1", "RC1", "T2", "0", True, True, "P"),
        term.get_subscription_upgrade_status(AID, "U 1", "RC1"))),
]


@pytest.mark.parametrize(("id", "params", "replies", "do"), CASES)
def test_what_we_send_is_what_the_vendors_library_sends(sending, id, params, replies, do):
    compare(ours(id, params, *replies), theirs(sending, do))


def test_the_vendors_library_lists_as_we_do(sending):
    listed = {"code": 0, "ts": 1, "subscriptions": [SUBSCRIPTION]}
    compare(ours("cancel_subscription", {}, listed, YES, piano_uid="U 1")[:1],
            theirs(sending, lambda one, _: one.list(AID, "U 1")))


def test_the_vendors_library_reads_what_the_emulator_answers(sdk):
    with VendorServer() as server:
        here = Emulated(server, connector, SETTINGS)
        here.do("cancel_subscription", attributes={"piano_uid": "ann"})

        class Here(sdk.configuration.Configuration):
            def get_base_url(self):
                return server.url("piano")

        from pianosdk.publisher.api import publisher_subscription_api

        subscriptions = publisher_subscription_api.PublisherSubscriptionApi(Here(api_token=API_TOKEN))
        (listed,) = subscriptions.list(AID, "ann").data
        whole = subscriptions.get(AID, "SUB-ann").data
    assert (listed.subscription_id, listed.auto_renew, listed.term.term_id) == ("SUB-ann", False, "TM-BASIC")
    assert (whole.can_be_resumed, whole.will_auto_renew) == (True, False)
