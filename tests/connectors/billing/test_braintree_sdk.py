"""Braintree's own Python library sends what we send, and reads what our tests and the emulator answer."""

import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connectors.billing.braintree import connector
from connectors.kit import get
from testkit import flows
from testkit.emulated import Emulated
from testkit.flows import OUTCOME
from testkit.vendors.braintree import MERCHANT_ID, PRIVATE_KEY, PUBLIC_KEY
from testkit.vendors.server import VendorServer

pytestmark = pytest.mark.vendor
SETTINGS = {"merchant_id": MERCHANT_ID, "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY}
ADDRESS = "ü&<a>@example.com"
CUSTOMER = (b'<customer><id>c-1</id><credit-cards type="array"><credit-card><token>tok</token><default type="boolean">'
            b'true</default><subscriptions type="array"><subscription><id>s1</id><plan-id>other</plan-id><status>Active'
            b'</status><created-at type="datetime">2026-01-01T00:00:00Z</created-at><discounts type="array"/>'
            b"</subscription></subscriptions></credit-card></credit-cards></customer>")
SEARCH = (b'<search-results><page-size type="integer">50</page-size><ids type="array"><item>c-1</item></ids>'
          b"</search-results>")
SUBSCRIPTION = (b'<subscription><id>s1</id><plan-id>gold</plan-id><status>Active</status><add-ons type="array"/>'
                b'<discounts type="array"/><transactions type="array"/></subscription>')


class Keeping(BaseHTTPRequestHandler):
    """Keeps what it is asked and answers as the gateway does."""

    def do_GET(self):
        self.take(CUSTOMER)

    def do_POST(self):
        self.take(SEARCH if self.path.endswith("advanced_search_ids") else SUBSCRIPTION)

    def do_PUT(self):
        self.take(SUBSCRIPTION)

    def take(self, reply):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.kept.append((self.command, self.path, headers, body.decode()))
        self.send_response(201 if self.command == "POST" and reply is SUBSCRIPTION else 200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def loopback():
    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        server.kept = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def sdk():
    return pytest.importorskip("braintree", reason="braintree is not installed")


def gateway(sdk, port):
    place = sdk.environment.Environment("loopback", "127.0.0.1", str(port), "", False, None)
    return sdk.BraintreeGateway(sdk.Configuration(place, MERCHANT_ID, PUBLIC_KEY, PRIVATE_KEY))


def ours(id, params, answers):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes={"email_address": ADDRESS})
    return flows.run(connector, id, made, [flows.answer(201, body=one) for one in answers]).requests


def test_what_we_send_is_what_the_vendors_library_sends(sdk, loopback):
    theirs = gateway(sdk, loopback.server_port)
    added = {"inherited_from_id": "off5"}
    theirs.customer.search(sdk.CustomerSearch.email == ADDRESS)
    theirs.customer.find("c-1")
    theirs.subscription.create({
        "id": OUTCOME, "payment_method_token": "tok", "plan_id": "gold", "merchant_account_id": "eur",
        "trial_period": True, "trial_duration": 14, "trial_duration_unit": "day", "discounts": {"add": [added]}})
    theirs.subscription.update("s1", {"discounts": {"add": [
        {**added, "amount": Decimal("5.00"), "number_of_billing_cycles": 3}]}})
    subscribe = ours("subscribe_plan", {"plan_id": "gold", "merchant_account_id": "eur", "trial_days": 14,
                                        "discount_id": "off5"}, [SEARCH, CUSTOMER, SUBSCRIPTION])
    discount = ours("add_discount", {"discount_id": "off5", "amount": "5.00", "number_of_billing_cycles": 3},
                    [SEARCH, CUSTOMER, SUBSCRIPTION])
    for (method, path, headers, body), request in zip(loopback.kept, [*subscribe, discount[2]], strict=True):
        signed = flows.sign(connector, SETTINGS, request)
        assert (signed.method, signed.url.removeprefix("https://api.braintreegateway.com:443")) == (method, path)
        assert (signed.body or b"").decode() == body
        for name in ("authorization", "x-apiversion", "accept", "content-type"):
            assert flows.header(signed, name) == headers[name]


def test_the_vendors_library_reads_what_the_emulator_answers(sdk):
    with VendorServer() as server:
        here = Emulated(server, connector, SETTINGS)
        done = here.do("subscribe_plan", params={"plan_id": "premium", "discount_id": "SAVE5"},
                       attributes={"braintree_id": "ann"})
        answer = here._answer(get("/customers/ann", content_type="application/xml"), False)
        root = sdk.util.parser.Parser(answer.text).parse()
        person = sdk.Customer(None, root["customer"])
    (card,) = person.credit_cards
    assert card.default is True
    assert {one.id: [discount.id for discount in one.discounts] for one in card.subscriptions} == {
        "sub_ann": [], done.reference: ["SAVE5"]}
