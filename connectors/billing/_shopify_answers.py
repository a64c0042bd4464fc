"""What is asked of Shopify in GraphQL, and how its answers are read: most failures come with status 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit import Failure, Misconfigured, Rejected, Request, Response, Unavailable, failure

Row = dict[str, Any]
MARK = "_engage_id"
"""Attribute of a cart line that holds the outcome's id; shops hide attributes that begin with an underscore."""

_ERRORS = "userErrors { code field message } warnings { code message target }"
SHOP = "query Shop { shop { name } }"
CART = (
    "query Cart($id: ID!, $after: String) { cart(id: $id) { id checkoutUrl totalQuantity"
    " discountCodes { code applicable } lines(first: 250, after: $after) { pageInfo { hasNextPage endCursor }"
    " nodes { id quantity attributes { key value } } } } }"
)
SKU = (
    "query Sku($q: String!) { products(first: 10, query: $q)"
    " { nodes { id variants(first: 100) { nodes { id sku } } } } }"
)
CREATE = (
    "mutation Create($input: CartInput!) { cartCreate(input: $input)"
    f" {{ cart {{ id checkoutUrl totalQuantity }} {_ERRORS} }} }}"
)
ADD = (
    "mutation Add($cartId: ID!, $lines: [CartLineInput!]!) { cartLinesAdd(cartId: $cartId, lines: $lines)"
    f" {{ cart {{ id checkoutUrl totalQuantity }} {_ERRORS} }} }}"
)
DISCOUNT = (
    "mutation Disc($cartId: ID!, $codes: [String!]!) { cartDiscountCodesUpdate(cartId: $cartId, discountCodes: $codes)"
    f" {{ cart {{ id checkoutUrl discountCodes {{ code applicable }} }} {_ERRORS} }} }}"
)

SHOP_WIDE: Mapping[int, str] = {
    401: "the token is wrong", 402: "the shop is frozen", 403: "the token lacks a right",
    404: "no such shop or API version", 423: "the shop is locked",
}
"""Statuses that every call of the shop would meet."""
SLOWLY = 60.0
"""Seconds to wait after a security rejection (430)."""
HINTS: Mapping[str, str] = {
    "INVALID_MERCHANDISE_LINE": "no such variant", "MERCHANDISE_NOT_APPLICABLE": "not sold in this shop or channel",
    "VARIANT_REQUIRES_SELLING_PLAN": "only sold as a subscription: name a selling plan",
    "SELLING_PLAN_NOT_APPLICABLE": "the selling plan does not fit the variant",
    "MERCHANDISE_OUT_OF_STOCK": "out of stock", "DISCOUNT_NOT_FOUND": "no such code",
    "DISCOUNT_PURCHASE_NOT_IN_RANGE": "it stays on the cart until its conditions are met",
    "DISCOUNT_QUANTITY_NOT_IN_RANGE": "it stays on the cart until its conditions are met",
    "DISCOUNT_NO_ENTITLED_LINE_ITEMS": "it stays on the cart until its conditions are met",
    "DISCOUNT_NO_ENTITLED_SHIPPING_LINES": "it stays on the cart until its conditions are met",
    "DISCOUNT_ELIGIBLE_CUSTOMER_MISSING": "it stays on the cart until its conditions are met",
}


def read(request: Request, response: Response) -> Failure | None:
    """Status, then `errors`, then the mutation's `userErrors`; warnings are the flow's to judge."""
    known: Row = {"status": response.status, "request_id": response.headers.get("x-request-id", "")}
    if not response.ok:
        return _by_status(response, known)
    errors = _rows(response.member("errors"))
    if errors:
        return _by_error(request, errors, known)
    data = response.member("data")
    if not isinstance(data, dict):
        return Unavailable("unreadable_answer", "a success without data in it", unknown=request.effect, **known)
    refusals = [one for part in data.values() if isinstance(part, dict) for one in _rows(part.get("userErrors"))]
    return _by_refusal(request, refusals, known) if refusals else None


def _rows(found: Any) -> list[Row]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _by_status(response: Response, known: Row) -> Failure | None:
    status, message = response.status, response.text[:200]
    if status in SHOP_WIDE:
        return Misconfigured(f"http_{status}", SHOP_WIDE[status], **known)
    if status == 430:
        return Unavailable("http_430", "Shopify took the call for an attack", retry_after=SLOWLY, **known)
    return failure(response, message=message, request_id=known["request_id"])


def _by_error(request: Request, errors: list[Row], known: Row) -> Failure:
    codes = [str((one.get("extensions") or {}).get("code") or "") for one in errors]
    message = "; ".join(str(one.get("message") or "") for one in errors)
    code = next((one for one in codes if one), "graphql_error")
    if "THROTTLED" in codes:
        return Unavailable("THROTTLED", message, throttled=True, **known)
    if "INTERNAL_SERVER_ERROR" in codes:
        return Unavailable("INTERNAL_SERVER_ERROR", message, unknown=request.effect, **known)
    wrong = {"ACCESS_DENIED", "UNAUTHORIZED", "SHOP_INACTIVE"}.intersection(codes)
    return (Misconfigured if wrong else Rejected)(code, message, **known)


def _by_refusal(request: Request, refusals: list[Row], known: Row) -> Failure:
    first = refusals[0]
    code = str(first.get("code") or "user_error")
    if code == "SERVICE_UNAVAILABLE":
        return Unavailable(code, str(first.get("message") or ""), unknown=request.effect, **known)
    if code == "INVALID" and "cartId" in (first.get("field") or []):
        return Rejected("cart_not_found", "no such cart; carts are forgotten after about ten days", **known)
    return Rejected(code, "; ".join(hinted(one) for one in refusals), **known)


def hinted(one: Row) -> str:
    """A message of the vendor with what it means."""
    hint = HINTS.get(str(one.get("code") or ""), "")
    message = str(one.get("message") or "")
    return f"{message} ({hint})" if hint else message


def warnings(part: Row) -> list[Row]:
    """What a mutation did otherwise than it was told."""
    return _rows(part.get("warnings"))
