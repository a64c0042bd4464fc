"""Google's own client sends what we send, for the token too."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from connectors.billing.google_play import SCOPE, connector
from testkit import flows
from testkit.flows import NOW, answer
from testkit.vendors import google_account
from testkit.vendors.google_play import PACKAGE_NAME

pytestmark = pytest.mark.vendor
SETTINGS = {"package_name": PACKAGE_NAME, "service_account_json": google_account.key_file()}
TOKEN = "tok.e-n_1/ä:x"
CONTEXT = {"purchase_token": TOKEN, "product_id": "coins 1", "order_id": "GPA.1-2..0"}
READ = answer(json={"subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "etag": "e1", "lineItems": [
    {"productId": "gold", "expiryTime": "2027-02-01T00:00:00Z"}]})
PAID = answer(json={"purchaseStateContext": {"purchaseState": "PURCHASED"}})
EMPTY = answer(json={})
TOKEN_ANSWER = b'{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}'


class Keeping:
    """Stands in for the client's transport: keeps what it is given, and answers with nothing."""

    def __init__(self, response):
        self._response = response
        self.kept = []

    def request(self, uri, method="GET", body=None, headers=None, **_more):
        self.kept.append((method, uri, body, headers or {}))
        return self._response({"status": "200"}), b"{}"

    def close(self):
        """Nothing is open."""


@pytest.fixture
def client():
    discovery = pytest.importorskip("googleapiclient.discovery", reason="google-api-python-client is not installed")
    httplib2 = pytest.importorskip("httplib2")
    http = Keeping(httplib2.Response)
    return discovery.build("androidpublisher", "v3", http=http, static_discovery=True), http


def calls(api):
    """The client's calls in the order of ours below."""
    shop = api.monetization()
    purchases, where = api.purchases(), {"packageName": PACKAGE_NAME, "token": TOKEN}
    subscriptions, product = purchases.subscriptionsv2(), {**where, "productId": "coins 1"}
    order = {"packageName": PACKAGE_NAME, "orderId": "GPA.1-2..0"}
    cancellation = {"cancellationType": "USER_REQUESTED_STOP_RENEWALS"}
    deferral = {"deferDuration": "604800s", "etag": "e1", "validateOnly": False}
    return [
        subscriptions.get(**where),
        purchases.productsv2().getproductpurchasev2(**where),
        purchases.subscriptions().acknowledge(**where, subscriptionId="gold", body={}),
        purchases.products().acknowledge(**product, body={}),
        purchases.products().consume(**product),
        subscriptions.defer(**where, body={"deferralContext": deferral}),
        subscriptions.cancel(**where, body={"cancellationContext": cancellation}),
        subscriptions.revoke(**where, body={"revocationContext": {"proratedRefund": {}}}),
        api.orders().get(**order), api.orders().refund(**order, revoke=True),
        purchases.voidedpurchases().list(packageName=PACKAGE_NAME, maxResults=1),
        shop.subscriptions().list(packageName=PACKAGE_NAME, pageSize=1000),
        shop.onetimeproducts().list(packageName=PACKAGE_NAME, pageSize=1000),
        shop.subscriptions().basePlans().offers().list(
            packageName=PACKAGE_NAME, productId="-", basePlanId="-", pageSize=1000),
    ]


def ours():
    """Our requests for the same."""
    def last(id, answers, **params):
        call = flows.call(connector, id, settings=SETTINGS, params=params, context=CONTEXT)
        return flows.run(connector, id, call, answers).requests

    order = last("refund_order", [EMPTY, EMPTY], revoke=True)
    check = flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), [EMPTY]).requests
    made = connector.settings.model_validate(SETTINGS)
    lists = [request for name, answers in (("products", [EMPTY, EMPTY]), ("offers", [EMPTY]))
             for request in flows.drive(connector.options[name](made), answers).requests]
    return [
        *last("verify_subscription", [READ]), *last("verify_product", [PAID]),
        last("acknowledge_subscription", [READ, EMPTY])[1], *last("acknowledge_product", [EMPTY]),
        *last("consume_product", [EMPTY]), last("defer_renewal", [READ, EMPTY], days=7)[1],
        *last("cancel_subscription", [EMPTY]), last("revoke_subscription", [READ, EMPTY])[1], *order, *check,
        *lists,
    ]


def read(url):
    """Address without query, and the query without what is the default."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", [one for one in parse_qsl(parts.query)
                                                            if one != ("alt", "json")]


def test_what_we_send_is_what_the_vendors_client_sends(client):
    api, http = client
    for call in calls(api):
        call.execute()
    for (method, uri, body, headers), request in zip(http.kept, ours(), strict=True):
        signed = flows.sign(connector, SETTINGS, request)
        assert (signed.method, *read(signed.url)) == (method, *read(uri))
        assert json.loads(signed.body or b"null") == json.loads(body or "null")
        if body:
            assert flows.header(signed, "content-type") == headers["content-type"]


def test_our_assertion_claims_what_the_vendors_library_claims():
    oauth = pytest.importorskip("google.oauth2.service_account", reason="google-auth is not installed")
    kept = []

    def transport(url, method, headers, body, **_more):
        kept.append((method, url, headers, body))
        return SimpleNamespace(status=200, headers={}, data=TOKEN_ANSWER)

    account = oauth.Credentials.from_service_account_info(json.loads(google_account.key_file()), scopes=[SCOPE])
    account.refresh(transport)
    request = flows.drive(connector.tokens[""](connector.settings.model_validate(SETTINGS), NOW),
                          [answer(json={"access_token": "t"})]).requests[0]
    (method, url, headers, body), = kept
    assert (request.method, request.path) == (method, url)
    assert request.headers["Content-Type"] == headers["Content-Type"]
    theirs, mine = dict(parse_qsl(body.decode())), dict(flows.form(request))
    assert theirs["grant_type"] == mine["grant_type"]
    told = [jwt.decode(one["assertion"], options={"verify_signature": False}) for one in (theirs, mine)]
    lives = [one.pop("exp") - one.pop("iat") for one in told]
    assert (told[0], lives[0]) == (told[1], lives[1])
    heads = [jwt.get_unverified_header(one["assertion"]) for one in (theirs, mine)]
    assert heads[0] == heads[1]
