"""Stripe and Zendesk over real HTTP: the flows and the emulators were written apart, from the same card."""

import time

import pytest
import requests

from connectors.kit import Response
from connectors.kit.catalogue import catalogue
from testkit import flows
from testkit.flows import NOW
from testkit.vendors import credentials
from testkit.vendors.server import VendorServer

ADDRESS = "ann@example.com"
OUTCOMES = "0a1b2c3d-0000-4000-8000-{:012d}"


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server, request):
    """Runs actions of one connector against its emulator, which forgets everything before each test."""
    control = server.control()
    control.reset()
    settings = {**SETTINGS[request.param], "base_url": server.url(request.param), "allow_test_hosts": True}
    return Vendor(settings, catalogue()[request.param], control)


SETTINGS = {
    "stripe": {"api_key": credentials.STRIPE_API_KEY},
    "zendesk": {"domain": "shop", "username": credentials.ZENDESK_USERNAME, "api_key": credentials.ZENDESK_API_KEY},
}


class Vendor:
    def __init__(self, settings, connector, control):
        self.settings, self.connector, self.control = settings, connector, control

    def drive(self, flow):
        """What the flow returns; a Failure is raised."""
        try:
            request = next(flow)
            while True:
                response = self.send(request)
                failure = None if response.status in request.look_at else self.connector.read(request, response)
                if failure is not None:
                    raise failure
                request = flow.send(response)
        except StopIteration as end:
            return end.value

    def send(self, request):
        signed = flows.sign(self.connector, self.settings, request)
        headers = dict(line.split(": ", 1) for line in signed.headers)
        got = requests.request(signed.method, signed.url, headers=headers, data=signed.body, timeout=10)
        return Response(got.status_code, {name.lower(): value for name, value in got.headers.items()}, got.content)

    def do(self, id, number=1, *, now=NOW, **params):
        made = flows.call(self.connector, id, settings=self.settings, params=params, now=now,
                          attributes={"email_address": ADDRESS}, outcome_id=OUTCOMES.format(number),
                          event_id=f"evt-{number}")
        return self.drive(self.connector.actions[id].run(made))

    def checked(self):
        return self.drive(self.connector.check(self.connector.settings(**self.settings)))

    def options(self, name):
        return self.drive(self.connector.options[name](self.connector.settings(**self.settings)))

    def kinds(self):
        return [effect.kind for effect in self.control.ledger(self.connector.id)]


def with_vendor(name):
    return pytest.mark.parametrize("vendor", [name], indirect=True)


@with_vendor("stripe")
def test_stripe_connection_and_pick_lists(vendor):
    assert vendor.checked().mode == "sandbox"
    assert all(vendor.options(name) for name in vendor.connector.options)


@with_vendor("zendesk")
def test_zendesk_connection_and_pick_lists(vendor):
    assert vendor.checked().name.startswith("shop.zendesk.com")
    assert all(vendor.options(name) for name in vendor.connector.options)


STRIPE = [
    ("subscribe_plan", {"price_id": "price_premium", "coupon_id": "SAVE20", "trial_period_days": 7}),
    ("unsubscribe_plan", {"when": "period_end", "feedback": "unused"}),
    ("unsubscribe_plan", {"when": "immediately", "prorate": True}),
    ("apply_coupon", {"coupon_id": "SAVE20"}),
    ("apply_coupon", {"promotion_code_id": "promo_FALL20", "keep_existing": False}),
    ("extend_trial", {"days": 7}),
    ("switch_subscription", {"price_id": "price_premium"}),
    ("switch_subscription", {"price_id": "price_annual", "when": "period_end"}),
    ("update_subscription", {"price_id": "price_premium", "quantity": 4, "payment_behavior": "pending_if_incomplete"}),
]
ZENDESK = [
    ("create_ticket", {"priority": "high", "group_id": 7001, "tags": ["vip user"]}),
    ("set_tickets_priority", {"priority": "urgent"}),
    ("assign_tickets_agent", {"assignee_id": 9002, "group_id": 7002}),
    ("suspend_user", {}),
    ("restore_user", {}),
    ("assign_tickets_group", {"group_id": 7002}),
    ("delete_tickets", {}),
    ("set_tickets_status", {"status": "pending"}),
    ("spam_tickets", {}),
    ("set_tickets_source", {"source": "In app"}),
]
CASES = [("stripe", *case) for case in STRIPE] + [("zendesk", *case) for case in ZENDESK]


@pytest.mark.parametrize(("vendor", "id", "params"), CASES, indirect=["vendor"],
                         ids=[f"{case[1]}-{index}" for index, case in enumerate(CASES)])
def test_an_action_done_again_as_after_a_crash_has_no_second_effect(vendor, id, params):
    """Each flow runs twice from its start with the same outcome id, as an engine does that lost its memory."""
    if id == "extend_trial":
        vendor.control.seed("stripe", "customer", id="cus_ann", email=ADDRESS)
        vendor.control.seed("stripe", "subscription", id="sub_t", customer="cus_ann", status="trialing",
                            trial_end=int(time.time()) + 86_400)
    if id == "restore_user":
        vendor.do("suspend_user", 2)
    first = vendor.do(id, **params)
    effects = vendor.control.ledger(vendor.connector.id)
    again = vendor.do(id, **params)
    assert effects, "the emulator noted no effect"
    assert vendor.control.ledger(vendor.connector.id) == effects
    assert first.note in ("", "accepted")
    if vendor.connector.id == "stripe":
        assert again.reference == first.reference


@with_vendor("stripe")
def test_a_trial_is_extended_once_also_when_stripe_has_forgotten_the_key(vendor):
    end = int(time.time()) + 5 * 86_400
    vendor.control.seed("stripe", "customer", id="cus_ann", email=ADDRESS)
    vendor.control.seed("stripe", "subscription", id="sub_t", customer="cus_ann", status="trialing", trial_end=end)
    vendor.do("extend_trial", days=7)
    vendor.control.advance(2 * 86_400)
    vendor.do("extend_trial", days=7)
    assert vendor.control.state("stripe")["subscriptions"]["sub_t"]["trial_end"] == end + 7 * 86_400
    vendor.do("extend_trial", 2, days=7)
    assert vendor.control.state("stripe")["subscriptions"]["sub_t"]["trial_end"] == end + 14 * 86_400


@with_vendor("stripe")
def test_of_two_subscriptions_only_one_ends_however_often_its_cancellation_is_done(vendor):
    vendor.control.seed("stripe", "customer", id="cus_ann", email=ADDRESS)
    for name in ("sub_a", "sub_b"):
        vendor.control.seed("stripe", "subscription", id=name, customer="cus_ann")
    for _ in range(3):
        vendor.do("unsubscribe_plan", when="immediately")
    found = vendor.control.state("stripe")["subscriptions"]
    assert sorted(found[name]["status"] for name in ("sub_a", "sub_b")) == ["active", "canceled"]
    vendor.do("unsubscribe_plan", 2, when="immediately")
    assert vendor.kinds() == ["subscription.canceled"] * 2


@with_vendor("zendesk")
def test_a_ticket_is_found_again_when_zendesk_has_forgotten_the_key(vendor):
    first = vendor.do("create_ticket")
    vendor.control.advance(86_400)
    assert vendor.do("create_ticket", now=NOW + 86_400).reference == first.reference


def test_every_action_is_tried():
    tried = {(name, action) for name, action, _ in CASES}
    assert tried == {(name, action) for name in SETTINGS for action in catalogue()[name].actions}
