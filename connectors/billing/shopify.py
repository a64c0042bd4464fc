"""Shopify: carts and discount codes. Storefront GraphQL API 2026-04, https://shopify.dev/docs/api/storefront."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from connectors.billing import _shopify_answers as answers
from connectors.billing._shopify_answers import MARK, Row
from connectors.billing._shopify_forms import (
    SELLING_PLAN,
    VARIANT,
    AddDiscount,
    AddToCart,
    CartItem,
    Redirect,
    ShopifySettings,
    is_variant,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Limits,
    MissingAttributes,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    instruct,
    post,
    sign_with,
)

CART_ID, BUYER_IP = "cart_id", "buyer_ip"
"""Names in the event's context."""
HEADERS = {"private": "Shopify-Storefront-Private-Token", "public": "X-Shopify-Storefront-Access-Token"}
PAGES = 4
"""Pages of lines of a cart that are read; a cart holds at most 500 lines."""
SOLD_OUT = "MERCHANDISE_OUT_OF_STOCK"

Found = Generator[Request, Response, Row | None]


def signer(settings: ShopifySettings) -> Sign:
    """The token in the header of its kind."""
    return sign_with(settings.address, {
        HEADERS[settings.token_type]: settings.storefront_token.get_secret_value(), "Accept": "application/json",
    })


def _ask(settings: ShopifySettings, query: str, step: str, *, effect: bool = False, buyer: str = "",
         **variables: Any) -> Request:
    headers = {"Shopify-Storefront-Buyer-IP": buyer} if buyer else {}
    return post(settings.path, json={"query": query, "variables": variables}, step=step, effect=effect, headers=headers)


def check(settings: ShopifySettings) -> CheckFlow:
    """Name the shop; whether carts may be written is not seen before the first one."""
    answer = yield _ask(settings, answers.SHOP, "shop")
    return Account(str(answer.member("data", "shop", "name") or settings.shop_url))


connector = Connector(
    id="shopify", title="Shopify", category="billing", settings=ShopifySettings, signer=signer, read=answers.read,
    check=check, help="Puts products and discount codes into the buyer's cart; sends the buyer to another page.",
    docs="https://shopify.dev/docs/api/storefront", api_version="Storefront 2026-04",
    request_id_header="x-request-id",
    # No count of requests is limited; bots are slowed down by the buyer's address.
    limits=Limits(concurrency=20, timeout=30.0),
    confidence="Not tried against a live shop. Unverified: whether products are found by their SKU (name variants in"
               " 'SKU to variant id'), how an unknown cart is answered (both known ways are read).",
)


class _Buyer(NamedTuple):
    """Whose cart it is."""

    settings: ShopifySettings
    cart: str
    """The id with its key; "" where the event names none."""
    ip: str

    def ask(self, query: str, step: str, *, effect: bool = False, **variables: Any) -> Request:
        """A request on behalf of the buyer."""
        return _ask(self.settings, query, step, effect=effect, buyer=self.ip, **variables)


def _buyer(call: Call[ShopifySettings, Any]) -> _Buyer:
    """Without the buyer's address all calls with a private token would count as those of one buyer."""
    event, ip = call.event, ""
    if call.settings.token_type == "private":  # noqa: S105 - a kind of token
        ip = _address(event.context.get(BUYER_IP) or event.ip_address or "")
    return _Buyer(call.settings, event.context.get(CART_ID, "").strip(), ip)


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def _public(cart: str) -> str:
    """A cart's id without its key, which is a secret of the buyer."""
    return cart.partition("?")[0]


def _cart(buyer: _Buyer) -> Found:
    """The buyer's cart with all its lines; None where it is gone."""
    lines: list[Row] = []
    found: Row | None = None
    after: str | None = None
    for _ in range(PAGES):
        answer = yield buyer.ask(answers.CART, "cart", id=buyer.cart, after=after)
        found = answer.member("data", "cart")
        if found is None:
            return None
        page = found.get("lines") or {}
        lines += page.get("nodes") or []
        info = page.get("pageInfo") or {}
        after = info.get("endCursor")
        if not info.get("hasNextPage") or not after:
            break
    return {**(found or {}), "lines": lines}


@connector.action(
    "add_to_cart", "Add to cart", params=AddToCart,
    # A line of ours carries the outcome's id. A cart whose making was not answered is seen by nobody.
    repeat=Repeat.LOOK_BEFORE,
    help="Needs the event's context cart_id (gid://shopify/Cart/...?key=...), or makes a cart and names it in the"
         " outcome. The context buyer_ip keeps Shopify from taking all buyers for one.",
)
def add_to_cart(call: Call[ShopifySettings, AddToCart]) -> Flow:
    """Add all items at once, unless a line of the cart carries our mark."""
    buyer = _buyer(call)
    if not buyer.cart and not call.params.create_cart:
        raise MissingAttributes([f"context.{CART_ID}"])
    cart = (yield from _cart(buyer)) if buyer.cart else None
    if cart and any(_is_ours(line, call.outcome_id) for line in cart["lines"]):
        return _in_cart(buyer, cart)
    if buyer.cart and not cart and not call.params.create_cart:
        raise _gone()
    lines = yield from _lines(call, buyer)
    if cart:
        answer = yield buyer.ask(answers.ADD, "add", effect=True, cartId=buyer.cart, lines=lines)
        return _settled(buyer, answer.member("data", "cartLinesAdd") or {}, len(lines))
    answer = yield buyer.ask(answers.CREATE, "create", effect=True, input={"lines": lines})
    return _settled(buyer, answer.member("data", "cartCreate") or {}, len(lines))


def _gone() -> Rejected:
    return Rejected("cart_not_found", "no such cart; carts are forgotten after about ten days")


def _is_ours(line: Row, outcome: str) -> bool:
    return any(one.get("key") == MARK and one.get("value") == outcome for one in line.get("attributes") or [])


def _settled(buyer: _Buyer, part: Row, asked: int) -> Done:
    """What became of the items: some of them may be missing, or be fewer."""
    told, cart = answers.warnings(part), part.get("cart")
    out = [one for one in told if one.get("code") == SOLD_OUT]
    if len(out) >= asked:
        raise Rejected(SOLD_OUT, "; ".join(answers.hinted(one) for one in out))
    if not cart:
        raise Rejected("no_cart", "; ".join(answers.hinted(one) for one in told) or "Shopify named no cart")
    done = _in_cart(buyer, cart)
    codes = ",".join(sorted({str(one.get("code")) for one in told}))
    return done._replace(detail={**done.detail, "warnings": codes}) if codes else done


def _in_cart(buyer: _Buyer, cart: Row) -> Done:
    """A cart that is not the event's is named with its key, since the app cannot go on without."""
    there = str(cart.get("id") or "")
    detail = {"checkout_url": str(cart.get("checkoutUrl") or ""),
              "total_quantity": str(cart.get("totalQuantity") or 0)}
    if _public(there) != _public(buyer.cart):
        detail[CART_ID] = there
    return Done(_public(there), detail=detail)


def _lines(call: Call[ShopifySettings, AddToCart], buyer: _Buyer) -> Generator[Request, Response, list[Row]]:
    lines: list[Row] = []
    known: dict[str, str] = {}
    for item in call.params.items:
        if item.sku not in known:
            known[item.sku] = yield from _variant(buyer, item.sku)
        lines.append(_line(item, known[item.sku], call.outcome_id))
    return lines


def _line(item: CartItem, variant: str, outcome: str) -> Row:
    line: Row = {"merchandiseId": variant, "quantity": item.quantity, "attributes": [{"key": MARK, "value": outcome}]}
    plan = item.selling_plan_id
    if plan:
        line["sellingPlanId"] = plan if plan.startswith(SELLING_PLAN) else SELLING_PLAN + plan
    return line


def _variant(buyer: _Buyer, sku: str) -> Generator[Request, Response, str]:
    """The variant's id: from the settings, as it stands, or searched for."""
    mapped = buyer.settings.sku_map.get(sku)
    if mapped or is_variant(sku):
        return mapped or sku
    if sku.isdecimal():
        return VARIANT + sku
    answer = yield buyer.ask(answers.SKU, "sku", q=f"sku:{_term(sku)}")
    for product in answer.member("data", "products", "nodes") or []:
        for one in (product.get("variants") or {}).get("nodes") or []:
            if one.get("sku") == sku:
                return str(one["id"])
    raise Rejected("sku_not_found", f"no variant has the SKU '{sku}'; name it in the setting 'SKU to variant id'")


def _term(sku: str) -> str:
    """A SKU as a search term; what the search's grammar would read is quoted."""
    if re.fullmatch(r"[\w-]+", sku):
        return sku
    quoted = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


@connector.action(
    "add_discount", "Add Discount", params=AddDiscount, repeat=Repeat.LOOK_BEFORE,
    form_inputs=[FormInput("discount_code", "Discount code", required=False, help="Goes before the one above.")],
    help="Needs the event's context cart_id. The codes that are on the cart stay.",
)
def add_discount(call: Call[ShopifySettings, AddDiscount]) -> Flow:
    """Put a code onto the cart; the list that is sent replaces the codes, so that present ones are sent along."""
    buyer, code = _buyer(call), call.form("discount_code") or call.params.discount_code
    lacking = [name for name, value in ((f"context.{CART_ID}", buyer.cart), ("form.discount_code", code)) if not value]
    if lacking:
        raise MissingAttributes(lacking)
    cart = yield from _cart(buyer)
    if cart is None:
        raise _gone()
    present = cart.get("discountCodes") or []
    if _applies(present, code):
        return Done(_public(buyer.cart), "already_done", {"discount_code": code})
    kept = [str(one["code"]) for one in present if str(one["code"]).casefold() != code.casefold()]
    answer = yield buyer.ask(answers.DISCOUNT, "discount", effect=True, cartId=buyer.cart, codes=[*kept, code])
    return _discounted(buyer, answer.member("data", "cartDiscountCodesUpdate") or {}, code)


def _applies(codes: Sequence[Row], code: str) -> bool:
    return any(str(one.get("code")).casefold() == code.casefold() and one.get("applicable") is True for one in codes)


def _discounted(buyer: _Buyer, part: Row, code: str) -> Done:
    cart: Row = part.get("cart") or {}
    if _public(str(cart.get("id") or "")) not in ("", _public(buyer.cart)):
        raise _gone()  # Shopify makes a new, empty cart where the old one vanished meanwhile
    if _applies(cart.get("discountCodes") or [], code):
        return Done(_public(buyer.cart), detail={"discount_code": code})
    told = [one for one in answers.warnings(part) if str(one.get("code")).startswith("DISCOUNT_")]
    if told:
        raise Rejected(str(told[0]["code"]), "; ".join(answers.hinted(one) for one in told))
    raise Rejected("not_applicable", f"the code '{code}' does not apply to this cart")


@connector.action(
    "redirect", "Redirect", params=Redirect, repeat=Repeat.HARMLESS, kind="instruction",
    help="Tells the app to open an address, such as a cart's checkout.",
)
def redirect(call: Call[ShopifySettings, Redirect]) -> Flow:
    """Instruct the web SDK."""
    yield from ()
    return instruct("redirect", call.event.event_id, url=call.params.url, event_id=call.event.event_id)
