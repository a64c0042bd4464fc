"""Shopify's Storefront API: carts with lines and discount codes; GraphQL, told apart by the field that is asked for."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World, is_missing

TOKEN = "shopify-emulator-token"  # noqa: S105 - opens nothing but the emulator
SHOP_URL = "emulated.myshopify.com"
VARIANTS = {"MUG": 1001, "SHIRT": 1002, "SOLDOUT": 1003}
"""Variants by SKU; other numbers exist too, but for those that begin with 9."""
CODES = ("SAVE10", "WINBACK")
CONDITIONAL = "BIGSPENDER"
"""A code whose conditions no cart meets."""
GID = "gid://shopify/ProductVariant/"
CART = "gid://shopify/Cart/"

Row = dict[str, Any]


class Shopify(Vendor):
    """The emulated shop."""

    name = "shopify"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.carts: dict[str, Row] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the token, then do what the query's field says."""
        if TOKEN not in (ask.headers.get("shopify-storefront-private-token"),
                         ask.headers.get("x-shopify-storefront-access-token")):
            return answer(401, {"errors": [{"message": "", "extensions": {"code": "UNAUTHORIZED"}}]})
        if not ask.path.startswith("/api/20") or not ask.path.endswith("/graphql.json") or ask.method != "POST":
            return answer(404, {"errors": "Not Found"})
        given = ask.json
        if not isinstance(given, dict) or "query" not in given:
            return failed("parse error", "BAD_REQUEST")
        query, variables = str(given["query"]), given.get("variables") or {}
        field = next((name for name in self._fields if f"{{ {name}" in query), "")
        if not field:
            return failed("Field doesn't exist", "undefinedField")
        data = self._fields[field](self, variables)
        return answer(200, {"data": {field.rstrip("("): data}}, ("X-Request-Id", f"emulated-{self.world.number()}"))

    def _shop(self, _variables: Row) -> Row:
        return {"name": "Emulated shop"}

    def _products(self, variables: Row) -> Row:
        sku = str(variables.get("q", "")).removeprefix("sku:").strip('"')
        variants = [{"id": f"{GID}{number}", "sku": name} for name, number in VARIANTS.items() if name == sku]
        return {"nodes": [{"id": "gid://shopify/Product/1", "variants": {"nodes": variants}}] if variants else []}

    def cart(self, id: str) -> Row | None:
        """Every cart with a key exists, but for those whose token begins with `missing`."""
        token, _, key = id.removeprefix(CART).partition("?key=")
        if not id.startswith(CART) or is_missing(token) or not key:
            return None
        return self.carts.setdefault(id, {"lines": [], "codes": []})

    def _cart(self, variables: Row) -> Row | None:
        cart = self.cart(str(variables.get("id")))
        return None if cart is None else self._shown(str(variables["id"]), cart)

    def _shown(self, id: str, cart: Row) -> Row:
        token = id.removeprefix(CART)
        return {"id": id, "checkoutUrl": f"https://{SHOP_URL}/cart/c/{token}",
                "totalQuantity": sum(line["quantity"] for line in cart["lines"]),
                "discountCodes": [{"code": one, "applicable": one.upper() in CODES} for one in cart["codes"]],
                "lines": {"nodes": cart["lines"], "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def _add(self, variables: Row) -> Row:
        id = str(variables.get("cartId"))
        cart = self.cart(id)
        if cart is None:
            return refused("INVALID", ["cartId"], "The specified cart does not exist.")
        return self._put(id, cart, variables.get("lines") or [])

    def _create(self, variables: Row) -> Row:
        number = self.world.number()
        id = f"{CART}emulated{number}?key=key{number}"
        made: Row = {"lines": [], "codes": []}
        reply = self._put(id, made, (variables.get("input") or {}).get("lines") or [])
        if reply["cart"]:
            self.carts[id] = made
        return reply

    def _put(self, id: str, cart: Row, lines: list[Row]) -> Row:
        numbers = [str(line.get("merchandiseId", "")).removeprefix(GID) for line in lines]
        for place, number in enumerate(numbers):
            if not number.isdecimal() or number.startswith("9"):
                return refused("INVALID_MERCHANDISE_LINE", ["lines", str(place), "merchandiseId"],
                               "The merchandise does not exist.")
        out = [number == str(VARIANTS["SOLDOUT"]) for number in numbers]
        for line, sold_out in zip(lines, out, strict=True):
            if not sold_out:
                self._line(id, cart, line)
        told = [{"code": "MERCHANDISE_OUT_OF_STOCK", "message": "Sold out.", "target": f"{GID}{number}"}
                for number, sold_out in zip(numbers, out, strict=True) if sold_out]
        return {"cart": self._shown(id, cart), "userErrors": [], "warnings": told}

    def _line(self, id: str, cart: Row, line: Row) -> None:
        attributes = line.get("attributes") or []
        number = self.world.number()
        cart["lines"].append({"id": f"gid://shopify/CartLine/{number}", "quantity": line.get("quantity", 1),
                              "attributes": attributes, "merchandise": {"id": line["merchandiseId"]}})
        mark = next((one["value"] for one in attributes if one["key"].startswith("_")), "")
        self.note("cart.line_added", id.partition("?")[0], mark=mark, variant=line["merchandiseId"], line=number)

    def _discount(self, variables: Row) -> Row:
        id = str(variables.get("cartId"))
        cart = self.cart(id)
        if cart is None:
            return refused("INVALID", ["cartId"], "The specified cart does not exist.")
        wanted = [str(one) for one in variables.get("discountCodes", variables.get("codes")) or []]
        known = [one for one in wanted if one.upper() in (*CODES, CONDITIONAL)]
        for one in known:
            if one not in cart["codes"]:
                self.note("cart.code_added", id.partition("?")[0], code=one)
        cart["codes"] = known
        told = [{"code": "DISCOUNT_NOT_FOUND", "message": "Not found.", "target": one} for one in wanted
                if one not in known]
        told += [{"code": "DISCOUNT_PURCHASE_NOT_IN_RANGE", "message": "Too little.", "target": one} for one in known
                 if one.upper() == CONDITIONAL]
        return {"cart": self._shown(id, cart), "userErrors": [], "warnings": told}

    _fields: ClassVar[Mapping[str, Callable[[Shopify, Row], Row | None]]] = {
        "shop": _shop, "products": _products, "cart(": _cart, "cartLinesAdd": _add, "cartCreate": _create,
        "cartDiscountCodesUpdate": _discount,
    }
    """By the field that a query begins with."""

    def error(self, status: int) -> Answer:
        """Shopify's error body for a status."""
        return answer(status, {"errors": "refused by the emulator's script"})

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """A call too many, as GraphQL says it."""
        return failed("Throttled", "THROTTLED")

    def state(self) -> Mapping[str, Any]:
        """Carts by id."""
        return copy.deepcopy({"carts": self.carts})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`codes` (cart, codes): what is on a cart."""
        cart = self.cart(str(values.get("cart", ""))) if what == "codes" else None
        if cart is None:
            return super().seed(what, values)
        cart["codes"] = list(values["codes"])
        return values["cart"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.carts.clear()


def failed(message: str, code: str) -> Answer:
    """A failure of the whole request, with status 200."""
    return answer(200, {"errors": [{"message": message, "extensions": {"code": code}}]})


def refused(code: str, field: list[str], message: str) -> Row:
    """What a mutation answers that did nothing."""
    return {"cart": None, "userErrors": [{"code": code, "field": field, "message": message}], "warnings": []}
