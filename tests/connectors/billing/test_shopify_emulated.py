"""Shopify's flows against its emulator over HTTP: what is done twice has one effect where there is a cart to see."""

import pytest
import requests

from connectors.billing.shopify import connector
from connectors.kit import Misconfigured, Rejected, Unavailable
from testkit.emulated import Emulated
from testkit.vendors.server import VendorServer
from testkit.vendors.shopify import SHOP_URL, TOKEN

SETTINGS = {"shop_url": SHOP_URL, "storefront_token": TOKEN}
CART = "gid://shopify/Cart/ann?key=secret"
CONTEXT = {"cart_id": CART, "buyer_ip": "203.0.113.7"}
CASES = [
    ("add_to_cart", {"items": [{"sku": "MUG", "quantity": 2}, {"sku": "77"}]}, 2),
    ("add_discount", {"discount_code": "SAVE10"}, 1),
]


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def shopify(server):
    return Emulated(server, connector, SETTINGS)


@pytest.mark.parametrize("token_type", ["private", "public"])
def test_the_connection_test_names_the_shop(server, token_type):
    assert Emulated(server, connector, {**SETTINGS, "token_type": token_type}).ask(connector.check).name == (
        "Emulated shop")


@pytest.mark.parametrize(("id", "params", "count"), CASES)
def test_an_action_done_again_has_its_effect_once(shopify, id, params, count):
    first = shopify.do(id, params=params, context=CONTEXT)
    again = shopify.do(id, params=params, context=CONTEXT)
    assert len(shopify.effects) == count
    assert (first.note, first.reference, again.reference) == ("", CART.partition("?")[0], first.reference)


def test_another_outcome_adds_again(shopify):
    for number in (1, 2, 1, 2):
        shopify.do("add_to_cart", number, params=CASES[0][1], context=CONTEXT)
    assert sorted(line["quantity"] for line in shopify.control.state("shopify")["carts"][CART]["lines"]) == [1, 1, 2, 2]


def test_an_answer_that_was_lost_is_found_on_the_cart(shopify):
    shopify.control.fault("reset", vendor="shopify", contains="cartLinesAdd", times=1, taken=True)
    with pytest.raises(requests.ConnectionError):
        shopify.do("add_to_cart", params=CASES[0][1], context=CONTEXT)
    shopify.do("add_to_cart", params=CASES[0][1], context=CONTEXT, doubtful=True)
    assert len(shopify.effects) == 2


def test_without_a_cart_each_try_makes_one_that_only_its_outcome_knows(shopify):
    """Documented: a cart whose making was not answered is seen by nobody."""
    made = [shopify.do("add_to_cart", params=CASES[0][1], context={}).detail["cart_id"] for _ in range(2)]
    assert len(set(made)) == 2
    follow = shopify.do("add_to_cart", params=CASES[0][1], context={"cart_id": made[0]})
    assert "cart_id" not in follow.detail
    assert len(shopify.effects) == 4


def test_a_cart_that_is_gone_is_replaced_and_named(shopify):
    done = shopify.do("add_to_cart", params=CASES[0][1], context={"cart_id": "gid://shopify/Cart/missing?key=k"})
    assert done.detail["cart_id"].startswith("gid://shopify/Cart/emulated")


def test_codes_that_are_there_stay(shopify):
    shopify.control.seed("shopify", "codes", cart=CART, codes=["WINBACK"])
    shopify.do("add_discount", params={"discount_code": "SAVE10"}, context=CONTEXT)
    assert shopify.control.state("shopify")["carts"][CART]["codes"] == ["WINBACK", "SAVE10"]


@pytest.mark.parametrize(("id", "params", "code"), [
    ("add_to_cart", {"items": [{"sku": "NOPE"}]}, "sku_not_found"),
    ("add_to_cart", {"items": [{"sku": "999"}, {"sku": "MUG"}]}, "INVALID_MERCHANDISE_LINE"),
    ("add_to_cart", {"items": [{"sku": "SOLDOUT"}]}, "MERCHANDISE_OUT_OF_STOCK"),
    ("add_discount", {"discount_code": "NOPE"}, "DISCOUNT_NOT_FOUND"),
    ("add_discount", {"discount_code": "BIGSPENDER"}, "DISCOUNT_PURCHASE_NOT_IN_RANGE"),
])
def test_refusals_come_with_the_vendors_code(shopify, id, params, code):
    with pytest.raises(Rejected) as refused:
        shopify.do(id, params=params, context=CONTEXT)
    assert refused.value.code == code
    assert "cart.line_added" not in shopify.kinds


def test_a_wrong_token_and_a_throttle(server, shopify):
    with pytest.raises(Misconfigured):
        Emulated(server, connector, {**SETTINGS, "storefront_token": "x"}).ask(connector.check)
    shopify.control.fault("inner_error", vendor="shopify", times=1)
    with pytest.raises(Unavailable, match="THROTTLED"):
        shopify.ask(connector.check)


def test_every_action_that_calls_is_tried():
    calls = {name for name, one in connector.actions.items() if one.kind == "call"}
    assert {case[0] for case in CASES} == calls
