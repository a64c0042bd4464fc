"""Google Play's flows against its emulator over HTTP: what is done twice has one effect, or is never repeated."""

import pytest
import requests

from connectors.billing.google_play import connector
from connectors.kit import Misconfigured, Rejected, Repeat
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, google_account
from testkit.vendors.google_play import PACKAGE_NAME

CONTEXT = {"purchase_token": "tok-1", "product_id": "coins", "order_id": "GPA.tok-1"}
CASES = [
    ("verify_subscription", {"acknowledge": True}, "subscription.acknowledged"), ("verify_product", {}, ""),
    ("acknowledge_subscription", {}, "subscription.acknowledged"),
    ("acknowledge_product", {}, "product.acknowledged"), ("consume_product", {}, "product.consumed"),
    ("cancel_subscription", {}, "subscription.canceled"),
    ("revoke_subscription", {}, "subscription.revoked"), ("revoke_subscription", {"refund": "full"},
                                                          "subscription.revoked"),
    ("refund_order", {"revoke": True}, "order.refunded"),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


def emulated(server, **more):
    settings = {"package_name": PACKAGE_NAME, "service_account_json": google_account.key_file(),
                "token_url": f"{server.url('google_play')}/token", **more}
    return Emulated(server, connector, settings)


@pytest.fixture
def play(server):
    return emulated(server)


@pytest.mark.parametrize(("id", "params", "kind"), CASES)
def test_an_action_done_again_has_one_effect_and_one_reference(play, id, params, kind):
    first = play.do(id, params=params, context=CONTEXT)
    again = play.do(id, params=params, context=CONTEXT)
    assert play.kinds == ([kind] if kind else [])
    assert again.reference == first.reference
    assert play.control.state("google_play")["tokens"] == 1


def lose(play, method):
    play.control.fault("reset", vendor="google_play", path=f":{method}$", times=1, taken=True)


@pytest.mark.parametrize(("id", "method"), [
    ("consume_product", "consume"), ("cancel_subscription", "cancel"), ("revoke_subscription", "revoke"),
    ("refund_order", "refund"),
])
def test_what_happened_behind_a_lost_answer_is_found(play, id, method):
    lose(play, method)
    with pytest.raises(requests.ConnectionError):
        play.do(id, context=CONTEXT)
    assert play.do(id, context=CONTEXT, doubtful=True).reference
    assert len(play.effects) == 1


def test_a_deferral_done_again_defers_again_which_is_why_it_is_never_repeated(play):
    for _ in range(2):
        play.do("defer_renewal", params={"days": 7}, context=CONTEXT)
    assert play.kinds == ["subscription.deferred"] * 2
    assert connector.actions["defer_renewal"].repeat is Repeat.NEVER


def test_a_single_item_is_revoked_once_and_its_safety_is_never(play):
    params = {"refund": "item", "product_id": "extra"}
    play.do("revoke_subscription", params=params, context=CONTEXT)
    assert play.do("verify_subscription", context=CONTEXT).detail["product_id"] == "gold"
    with pytest.raises(Rejected):
        play.do("revoke_subscription", params=params, context=CONTEXT)
    assert play.kinds == ["subscription.revoked"]


def going_on(flow, answer):
    """The rest of a flow behind an answer."""
    try:
        while True:
            answer = yield flow.send(answer)
    except StopIteration as end:
        return end.value


def test_an_etag_that_grew_old_between_reading_and_writing_is_read_again(play):
    flow = connector.actions["defer_renewal"].run(play._call("defer_renewal", 1, {"days": 7}, {"context": CONTEXT}))
    answer = play._answer(next(flow), gets_token=False)
    play.do("acknowledge_subscription", 2, context=CONTEXT)
    assert play.drive(going_on(flow, answer)).note == ""
    assert play.kinds == ["subscription.acknowledged", "subscription.deferred"]
    assert [one.status for one in play.control.requests("google_play")].count(400) == 1


@pytest.mark.parametrize(("id", "seeded", "code"), [
    ("defer_renewal", {"subscriptionState": "SUBSCRIPTION_STATE_PAUSED"}, "subscriptionNotDeferrable"),
    ("verify_subscription", {"subscriptionState": "SUBSCRIPTION_STATE_ON_HOLD"}, "subscription_on_hold"),
    ("revoke_subscription", {"subscriptionState": "SUBSCRIPTION_STATE_EXPIRED"}, "subscription_expired"),
])
def test_refusals_do_nothing(play, id, seeded, code):
    play.control.seed("google_play", "subscription", token="tok-1", **seeded)
    with pytest.raises(Rejected) as refused:
        play.do(id, params={"days": 7} if id == "defer_renewal" else {}, context=CONTEXT)
    assert (refused.value.code, play.kinds) == (code, [])


def test_unknown_purchases_and_wrong_settings(server, play):
    assert play.ask(connector.check) == (PACKAGE_NAME, "live")
    with pytest.raises(Rejected, match="notFound"):
        play.do("consume_product", context={**CONTEXT, "purchase_token": "missing-1"})
    with pytest.raises(Rejected, match="notFound"):
        emulated(server, package_name="com.example.other").ask(connector.check)
    with pytest.raises(Rejected, match="invalid_grant"):  # the engine makes that a misconfiguration
        emulated(server, service_account_json=google_account.key_file(client_email="x@y.example")).ask(connector.check)


def test_a_token_that_has_ended_is_a_401_for_which_the_engine_gets_a_new_one(play):
    play.ask(connector.check)
    play.control.advance(3700)
    with pytest.raises(Misconfigured) as ended:
        play.ask(connector.check)
    assert ended.value.stale_token


def test_every_action_is_tried():
    assert {case[0] for case in CASES} | {"request_purchase", "defer_renewal"} == set(connector.actions)


def test_what_the_app_sells_can_be_picked(play):
    found = {name: [one.value for one in play.ask(flow)] for name, flow in connector.options.items()}
    assert found == {"products": ["gold", "coins"], "base_plans": ["monthly"], "offers": ["winback"]}
