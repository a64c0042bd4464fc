"""Shopify: every request, every answer that the vendor is known to give."""

import json
import re

import pytest
from pydantic import ValidationError

from connectors.billing import _shopify_answers as asked
from connectors.billing.shopify import connector
from connectors.kit import Repeat
from testkit import flows, specs
from testkit.flows import OUTCOME, answer

SETTINGS = {"shop_url": "Example.myshopify.com", "storefront_token": "hush"}
CART = "gid://shopify/Cart/c1?key=k1"
CONTEXT = {"cart_id": CART, "buyer_ip": "203.0.113.7"}
PATH = "/api/2026-04/graphql.json"
VARIANT = "gid://shopify/ProductVariant/"
ITEMS = {"items": [{"sku": "17", "quantity": 2}]}
MARK = [{"key": "_engage_id", "value": OUTCOME}]
CODE = {"discount_code": "SAVE10"}


def data(**fields):
    return answer(json={"data": fields})


def cart(id=CART, *lines, codes=(), more=None):
    info = {"hasNextPage": more is not None, "endCursor": more}
    return data(cart={"id": id, "checkoutUrl": "https://example.com/c", "totalQuantity": 2,
                      "discountCodes": [{"code": code, "applicable": fits} for code, fits in codes],
                      "lines": {"nodes": list(lines), "pageInfo": info}})


def mutated(name, id=CART, warnings=(), codes=None):
    made = {"id": id, "checkoutUrl": "https://example.com/c", "totalQuantity": 3}
    if codes is not None:
        made["discountCodes"] = [{"code": code, "applicable": fits} for code, fits in codes]
    told = [{"code": code, "message": "Hm.", "target": "t"} for code in warnings]
    return data(**{name: {"cart": made if id else None, "userErrors": [], "warnings": told}})


def refusal(name, code, field=("lines", "0"), message="No."):
    return data(**{name: {"cart": None, "warnings": [],
                          "userErrors": [{"code": code, "field": list(field), "message": message}]}})


def failed(code=None, message="No."):
    extensions = {"extensions": {"code": code}} if code else {}
    return answer(json={"errors": [{"message": message, **extensions}]}, headers={"X-Request-Id": "r1"})


def run(id, answers=(), *, params=None, settings=None, context=CONTEXT, **more):
    default = {"add_to_cart": ITEMS, "add_discount": CODE}.get(id, {})
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})}, params=default if params is None
                      else params, context=context, **more)
    return flows.run(connector, id, made, answers)


def queries(ended):
    assert {(one.method, one.path) for one in ended.requests} <= {("POST", PATH)}
    return [flows.json(one)["query"] for one in ended.requests]


def variables(request):
    return flows.json(request)["variables"]


# -- settings and signing


@pytest.mark.parametrize(("kind", "header"), [("private", "Shopify-Storefront-Private-Token"),
                                              ("public", "X-Shopify-Storefront-Access-Token")])
def test_signing_puts_shop_and_token_onto_a_request(kind, header):
    request = run("add_to_cart", [answer(500)]).requests[0]
    signed = flows.sign(connector, {**SETTINGS, "token_type": kind}, request)
    assert signed.url == f"https://example.myshopify.com{PATH}"
    assert flows.header(signed, header) == "hush"
    assert (flows.header(signed, "content-type"), flows.header(signed, "accept")) == ("application/json",) * 2
    assert "hush" not in str(request)


def test_the_version_is_a_setting():
    assert run("add_to_cart", [answer(500)], settings={"api_version": "2026-10"}).lines == [
        "POST /api/2026-10/graphql.json"]


@pytest.mark.parametrize(("more", "place"), [
    ({"shop_url": "https://example.myshopify.com"}, "shop_url"), ({"shop_url": "example.com"}, "shop_url"),
    ({"shop_url": "x.myshopify.com/admin"}, "shop_url"), ({"shop_url": "a.b.myshopify.com"}, "shop_url"),
    ({"storefront_token": ""}, "storefront_token"), ({"token_type": "admin"}, "token_type"),
    ({"token_type": "public", "storefront_token": "shpat_hush"}, "token_type"),
    ({"api_version": "latest"}, "api_version"),
    ({"base_url": "https://evil.example"}, "base_url"), ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"sku_map": {"MUG": "17"}}, "sku_map"), ({"other": 1}, "other"),
])
def test_settings_that_cannot_be_right_are_refused_at_their_place(more, place):
    with pytest.raises(ValidationError) as wrong:
        connector.settings.model_validate({**SETTINGS, **more})
    assert [error["loc"] for error in wrong.value.errors()] == [(place,)]
    assert "hush" not in str(wrong.value)


def test_the_connection_test_names_the_shop():
    settings = connector.settings.model_validate(SETTINGS)
    ended = flows.drive(connector.check(settings), [data(shop={"name": "Ann's"})], connector.read)
    assert queries(ended) == [asked.SHOP]
    assert ended.done == ("Ann's", "")


# -- the buyer


@pytest.mark.parametrize(("context", "ip", "kind", "sent"), [
    (CONTEXT, "198.51.100.1", "private", "203.0.113.7"), ({"cart_id": CART}, "198.51.100.1", "private", "198.51.100.1"),
    ({**CONTEXT, "buyer_ip": "2001:DB8::1"}, None, "private", "2001:db8::1"),
    ({**CONTEXT, "buyer_ip": "1.2.3.4\r\nX: y"}, None, "private", None), ({"cart_id": CART}, None, "private", None),
    (CONTEXT, None, "public", None),
])
def test_the_buyers_address_goes_along_with_a_private_token(context, ip, kind, sent):
    ended = run("add_discount", [cart(), mutated("cartDiscountCodesUpdate", codes=[("SAVE10", True)])],
                context=context, ip_address=ip, settings={"token_type": kind})
    assert [one.headers.get("Shopify-Storefront-Buyer-IP") for one in ended.requests] == [sent, sent]


# -- add_to_cart


def test_items_are_added_to_the_events_cart_with_our_mark():
    ended = run("add_to_cart", [cart(), mutated("cartLinesAdd")])
    assert queries(ended) == [asked.CART, asked.ADD]
    assert variables(ended.requests[0]) == {"id": CART, "after": None}
    assert variables(ended.requests[1]) == {"cartId": CART, "lines": [
        {"merchandiseId": f"{VARIANT}17", "quantity": 2, "attributes": MARK}]}
    assert [one.effect for one in ended.requests] == [False, True]
    assert ended.done == ("gid://shopify/Cart/c1", "", {"checkout_url": "https://example.com/c", "total_quantity": "3"})


def test_a_line_with_our_mark_is_an_earlier_try_wherever_it_stands():
    other = {"id": "l0", "quantity": 1, "attributes": [{"key": "_engage_id", "value": "other"}]}
    ours = {"id": "l1", "quantity": 1, "attributes": MARK}
    ended = run("add_to_cart", [cart(CART, other, more="x"), cart(CART, ours)])
    assert queries(ended) == [asked.CART, asked.CART]
    assert variables(ended.requests[1]) == {"id": CART, "after": "x"}
    assert ended.done.note == ""
    assert queries(run("add_to_cart", [cart(CART, other), mutated("cartLinesAdd")]))[-1] == asked.ADD


@pytest.mark.parametrize("context", [{}, {"cart_id": " "}])
def test_without_a_cart_one_is_made_and_named_for_the_app(context):
    new = "gid://shopify/Cart/new?key=n"
    ended = run("add_to_cart", [mutated("cartCreate", new)], context=context)
    assert queries(ended) == [asked.CREATE]
    assert variables(ended.requests[0]) == {"input": {"lines": [
        {"merchandiseId": f"{VARIANT}17", "quantity": 2, "attributes": MARK}]}}
    assert ended.done == ("gid://shopify/Cart/new", "", {
        "checkout_url": "https://example.com/c", "total_quantity": "3", "cart_id": new})


def test_a_cart_that_is_gone_is_replaced():
    ended = run("add_to_cart", [data(cart=None), mutated("cartCreate", "gid://shopify/Cart/new?key=n")])
    assert queries(ended) == [asked.CART, asked.CREATE]
    assert ended.done.detail["cart_id"] == "gid://shopify/Cart/new?key=n"


def test_a_cart_that_shopify_itself_replaced_is_named():
    ended = run("add_to_cart", [cart(), mutated("cartLinesAdd", "gid://shopify/Cart/new?key=n")])
    assert ended.done.detail["cart_id"] == "gid://shopify/Cart/new?key=n"


def test_where_no_cart_shall_be_made_its_absence_is_named():
    params = {**ITEMS, "create_cart": False}
    ended = run("add_to_cart", context={}, params=params)
    assert (ended.requests, ended.failure.names) == ((), ("context.cart_id",))
    assert run("add_to_cart", [data(cart=None)], params=params).code == "cart_not_found"


@pytest.mark.parametrize(("sku", "variant"), [("17", f"{VARIANT}17"), (f"{VARIANT}18", f"{VARIANT}18"),
                                              ("MUG", f"{VARIANT}5"), ("0042", f"{VARIANT}6")])
def test_a_variant_is_known_by_number_id_or_setting(sku, variant):
    ended = run("add_to_cart", [cart(), mutated("cartLinesAdd")], params={"items": [{"sku": sku}]},
                settings={"sku_map": {"MUG": f"{VARIANT}5", "0042": f"{VARIANT}6"}})
    assert variables(ended.requests[1])["lines"][0]["merchandiseId"] == variant


@pytest.mark.parametrize(("sku", "term"), [("MUG-1", "sku:MUG-1"), ('A "b"\\', 'sku:"A \\"b\\"\\\\"'),
                                           ("a OR tag:x", 'sku:"a OR tag:x"')])
def test_another_sku_is_searched_for_once_and_only_the_very_same_one_counts(sku, term):
    found = data(products={"nodes": [{"id": "p", "variants": {"nodes": [{"id": f"{VARIANT}1", "sku": sku.lower() + "x"},
                                                                        {"id": f"{VARIANT}2", "sku": sku}]}}]})
    ended = run("add_to_cart", [cart(), found, mutated("cartLinesAdd")], params={"items": [{"sku": sku}, {"sku": sku}]})
    assert queries(ended) == [asked.CART, asked.SKU, asked.ADD]
    assert variables(ended.requests[1]) == {"q": term}
    assert [line["merchandiseId"] for line in variables(ended.requests[2])["lines"]] == [f"{VARIANT}2"] * 2


def test_an_unknown_sku_is_rejected_before_anything_is_changed():
    ended = run("add_to_cart", [cart(), data(products={"nodes": []})], params={"items": [{"sku": "MUG"}]})
    assert (ended.reason, ended.code) == ("rejected", "sku_not_found")
    assert not any(one.effect for one in ended.requests)


@pytest.mark.parametrize("plan", ["9", "gid://shopify/SellingPlan/9"])
def test_a_selling_plan_goes_along(plan):
    ended = run("add_to_cart", [cart(), mutated("cartLinesAdd")],
                params={"items": [{"sku": "17", "selling_plan_id": plan}]})
    assert variables(ended.requests[1])["lines"][0]["sellingPlanId"] == "gid://shopify/SellingPlan/9"


@pytest.mark.parametrize("code", ["INVALID_MERCHANDISE_LINE", "MERCHANDISE_NOT_APPLICABLE", "MINIMUM_NOT_MET",
                                  "VARIANT_REQUIRES_SELLING_PLAN", "SELLING_PLAN_NOT_APPLICABLE", "MAXIMUM_EXCEEDED",
                                  "INVALID_INCREMENT", "LESS_THAN", "CART_TOO_LARGE", "VALIDATION_CUSTOM",
                                  "ZIP_CODE_NOT_SUPPORTED"])
def test_a_refused_line_is_rejected_with_the_vendors_code_and_message(code):
    ended = run("add_to_cart", [cart(), refusal("cartLinesAdd", code)])
    assert (ended.reason, ended.code) == ("rejected", code)
    assert ended.failure.message.startswith("No.")


def test_an_unknown_cart_and_a_service_that_is_away_are_told_apart_from_other_refusals():
    gone = run("add_to_cart", [cart(), refusal("cartLinesAdd", "INVALID", ["cartId"])])
    assert (gone.reason, gone.code) == ("rejected", "cart_not_found")
    away = run("add_to_cart", [cart(), refusal("cartLinesAdd", "SERVICE_UNAVAILABLE")]).failure
    assert (away.reason, away.unknown) == ("unavailable", True)


def test_what_is_sold_out_is_rejected_and_what_is_there_is_kept():
    out = "MERCHANDISE_OUT_OF_STOCK"
    alone = run("add_to_cart", [cart(), mutated("cartLinesAdd", warnings=[out])])
    assert (alone.reason, alone.code) == ("rejected", out)
    two = {"items": [{"sku": "17"}, {"sku": "18"}]}
    some = run("add_to_cart", [cart(), mutated("cartLinesAdd", warnings=[out])], params=two)
    assert some.done.detail["warnings"] == out
    assert run("add_to_cart", [cart(), mutated("cartLinesAdd", warnings=[out, out])], params=two).code == out


def test_fewer_than_wanted_is_noted():
    ended = run("add_to_cart", [cart(), mutated("cartLinesAdd", warnings=["MERCHANDISE_NOT_ENOUGH_STOCK"])])
    assert ended.done.detail["warnings"] == "MERCHANDISE_NOT_ENOUGH_STOCK"


def test_an_answer_without_a_cart_is_no_success():
    assert run("add_to_cart", [cart(), mutated("cartLinesAdd", "")]).code == "no_cart"


# -- add_discount


def test_a_code_is_put_beside_those_that_are_there():
    codes = [("OLD", False), ("KEEP", True), ("save10", False)]
    ended = run("add_discount", [cart(codes=codes), mutated("cartDiscountCodesUpdate", codes=[("SAVE10", True)])])
    assert queries(ended) == [asked.CART, asked.DISCOUNT]
    assert variables(ended.requests[1]) == {"cartId": CART, "codes": ["OLD", "KEEP", "SAVE10"]}
    assert ended.done == ("gid://shopify/Cart/c1", "", {"discount_code": "SAVE10"})


def test_a_code_that_applies_already_is_already_done_whatever_its_case():
    ended = run("add_discount", [cart(codes=[("save10", True)])])
    assert (queries(ended), ended.done.note) == ([asked.CART], "already_done")


def test_what_the_user_typed_goes_before_the_parameter():
    ended = run("add_discount", [cart(), mutated("cartDiscountCodesUpdate", codes=[("TYPED", True)])],
                form={"discount_code": " TYPED "})
    assert variables(ended.requests[1])["codes"] == ["TYPED"]


@pytest.mark.parametrize(("context", "params", "names"), [
    ({}, CODE, ("context.cart_id",)), (CONTEXT, {}, ("form.discount_code",)),
    ({}, {}, ("context.cart_id", "form.discount_code"))])
def test_an_event_without_cart_or_code_is_told_so_before_any_request(context, params, names):
    ended = run("add_discount", context=context, params=params)
    assert (ended.requests, ended.failure.names) == ((), names)


@pytest.mark.parametrize("code", [
    "DISCOUNT_NOT_FOUND", "DISCOUNT_CURRENTLY_INACTIVE", "DISCOUNT_USAGE_LIMIT_REACHED", "DISCOUNT_CODE_NOT_HONOURED",
    "DISCOUNT_CUSTOMER_NOT_ELIGIBLE", "DISCOUNT_CUSTOMER_USAGE_LIMIT_REACHED", "DISCOUNT_INCOMPATIBLE_PURCHASE_TYPE",
    "DISCOUNT_PURCHASE_NOT_IN_RANGE", "DISCOUNT_QUANTITY_NOT_IN_RANGE", "DISCOUNT_NO_ENTITLED_LINE_ITEMS",
    "DISCOUNT_ELIGIBLE_CUSTOMER_MISSING"])
def test_a_code_that_does_not_work_is_rejected_with_the_warnings_code(code):
    stays = "RANGE" in code or "ENTITLED" in code or "MISSING" in code
    codes = [("SAVE10", False)] if stays else []
    ended = run("add_discount", [cart(), mutated("cartDiscountCodesUpdate", warnings=[code], codes=codes)])
    assert (ended.reason, ended.code) == ("rejected", code)
    assert ("stays on the cart" in ended.failure.message) is stays


def test_a_code_without_a_warning_must_apply_all_the_same():
    ended = run("add_discount", [cart(), mutated("cartDiscountCodesUpdate", codes=[("SAVE10", False)])])
    assert ended.code == "not_applicable"


def test_a_cart_that_is_gone_takes_no_code():
    assert run("add_discount", [data(cart=None)]).code == "cart_not_found"
    new = mutated("cartDiscountCodesUpdate", "gid://shopify/Cart/new?key=n", codes=[("SAVE10", True)])
    assert run("add_discount", [cart(), new]).code == "cart_not_found"


# -- redirect


@pytest.mark.parametrize("url", ["https://example.com/offer?x=1", "/collections/sale", "https://example.com"])
def test_a_redirect_is_an_instruction_and_calls_nobody(url):
    ended = run("redirect", params={"url": url}, context={})
    assert ended.requests == ()
    assert ended.done == ("evt-1", "", {"instruction": "redirect", "instruction.url": url,
                                        "instruction.event_id": "evt-1"})


@pytest.mark.parametrize("url", ["http://example.com", "javascript:alert(1)", "//evil.example", "/\\evil.example",
                                 "https://user@evil.example", "https://", "/a b", "example.com", "",
                                 "https://a\nb.example"])
def test_addresses_that_are_not_safe_are_refused(url):
    with pytest.raises(ValidationError):
        connector.actions["redirect"].params(url=url)


# -- reading of answers, repeats, forms


READINGS = [
    (answer(400), "rejected", "http_400"), (answer(401), "misconfigured", "http_401"),
    (answer(402), "misconfigured", "http_402"), (answer(403), "misconfigured", "http_403"),
    (answer(404), "misconfigured", "http_404"), (answer(423), "misconfigured", "http_423"),
    (answer(429), "unavailable", "http_429"), (answer(430), "unavailable", "http_430"),
    (answer(500), "unavailable", "http_500"), (answer(502), "unavailable", "http_502"),
    (answer(503), "unavailable", "http_503"), (answer(504), "unavailable", "http_504"),
    (failed("THROTTLED"), "unavailable", "THROTTLED"),
    (failed("INTERNAL_SERVER_ERROR"), "unavailable", "INTERNAL_SERVER_ERROR"),
    (failed("ACCESS_DENIED"), "misconfigured", "ACCESS_DENIED"), (failed("UNAUTHORIZED"), "misconfigured",
                                                                  "UNAUTHORIZED"),
    (failed("undefinedField"), "rejected", "undefinedField"), (failed(), "rejected", "graphql_error"),
    (answer(200, body=b'{"dat'), "unavailable", "unreadable_answer"), (answer(200, {}), "unavailable",
                                                                       "unreadable_answer"),
]


@pytest.mark.parametrize(("reply", "reason", "code"), READINGS)
@pytest.mark.parametrize("id", ["add_to_cart", "add_discount"])
def test_each_answer_of_a_change_is_read_by_who_must_act(id, reply, reason, code):
    ended = run(id, [cart(), reply])
    assert (ended.reason, ended.code) == (reason, code)


def test_only_answers_to_a_change_may_hide_an_effect():
    hidden = [failed("INTERNAL_SERVER_ERROR"), answer(500), answer(200, {})]
    assert [run("add_to_cart", [cart(), one]).failure.unknown for one in hidden] == [True] * 3
    assert [run("add_to_cart", [one]).failure.unknown for one in (hidden[0], hidden[2])] == [False] * 2
    assert not run("add_to_cart", [cart(), failed("THROTTLED")]).failure.unknown


def test_waits_and_request_ids_are_told():
    assert run("add_to_cart", [answer(430)]).failure.retry_after == 60.0
    assert run("add_to_cart", [answer(429, headers={"Retry-After": "3"})]).failure.retry_after == 3.0
    assert run("add_to_cart", [failed("THROTTLED")]).failure.throttled
    assert run("add_to_cart", [failed("x")]).failure.request_id == "r1"


def test_how_repeats_are_avoided():
    assert {name: one.repeat for name, one in connector.actions.items()} == {
        "add_to_cart": Repeat.LOOK_BEFORE, "add_discount": Repeat.LOOK_BEFORE, "redirect": Repeat.HARMLESS}


@pytest.mark.parametrize(("id", "params", "place"), [
    ("add_to_cart", {"items": []}, ("items",)), ("add_to_cart", {"items": [{"sku": ""}]}, ("items", 0, "sku")),
    ("add_to_cart", {"items": [{"sku": "a", "quantity": 0}]}, ("items", 0, "quantity")),
    ("add_to_cart", {"items": [{"sku": "a", "selling_plan_id": "x"}]}, ("items", 0, "selling_plan_id")),
    ("add_to_cart", {"items": [{"sku": "a"}] * 251}, ("items",)),
])
def test_parameters_that_cannot_be_right_are_refused_at_their_place(id, params, place):
    with pytest.raises(ValidationError) as wrong:
        connector.actions[id].params.model_validate(params)
    assert [error["loc"] for error in wrong.value.errors()] == [place]


# -- the vendor's own schema


TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*!?|\$[A-Za-z]+|[{}():,\[\]!]|\d+")


class Schema:
    """Holds a query against an introspection: fields, arguments, and the types of variables."""

    def __init__(self, types):
        self.types = types

    def check(self, query):
        words = TOKEN.findall(query)
        start = words.index(")") + 1 if words[2] == "(" else 2
        self.declared = dict(re.findall(r"\$(\w+):([\[\]A-Za-z!]+)", "".join(words[2:start])))
        self.words = words[start:]
        self.selection({"query": "QueryRoot", "mutation": "Mutation"}[words[0]])
        assert self.words == []

    def selection(self, type):
        fields = {one["name"]: one for one in self.types[type]["fields"]}
        assert self.words.pop(0) == "{"
        while self.words[0] != "}":
            field = fields[self.words.pop(0)]
            self.arguments(field)
            inner = re.sub(r"[\[\]!]", "", written(field["type"]))
            nested = self.types[inner]["kind"] not in ("SCALAR", "ENUM")
            assert nested == (self.words[0] == "{"), field["name"]
            if nested:
                self.selection(inner)
        self.words.pop(0)

    def arguments(self, field):
        known = {one["name"]: written(one["type"]) for one in field["args"]}
        given = {}
        if self.words[0] == "(":
            inside = "".join(self.words[1:self.words.index(")")])
            del self.words[:self.words.index(")") + 1]
            given = dict(re.findall(r"(\w+):(\$?\w+)", inside))
        for name, value in given.items():
            if value.startswith("$"):
                assert self.declared[value[1:]].rstrip("!") == known[name].rstrip("!")
        assert {name for name, kind in known.items() if kind.endswith("!")} <= set(given) <= set(known)


def written(type):
    wrap = {"NON_NULL": "{}!", "LIST": "[{}]"}.get(type["kind"])
    return wrap.format(written(type["ofType"])) if wrap else type["name"]


@pytest.fixture(scope="module")
def types():
    place = specs.folder()
    files = sorted((place / "shopify").glob("*.introspection.json")) if place else []
    if not files:
        pytest.skip("the vendor's schema is not beside the project")
    return {one["name"]: one for one in json.loads(files[0].read_text())["__schema"]["types"]}


@pytest.mark.parametrize("name", ["SHOP", "CART", "SKU", "CREATE", "ADD", "DISCOUNT"])
def test_every_query_is_as_the_vendors_schema_says(types, name):
    Schema(types).check(getattr(asked, name))


@pytest.mark.parametrize("query", ["query X { shop { nmae } }", "query X($id: String!) { cart(id: $id) { id } }",
                                   "query X { cart { id } }", "query X { shop }"])
def test_a_query_that_is_wrong_is_found(types, query):
    with pytest.raises((AssertionError, KeyError)):
        Schema(types).check(query)


def test_every_line_and_every_known_code_is_in_the_vendors_schema(types):
    line = variables(run("add_to_cart", [cart(), mutated("cartLinesAdd")], params={
        "items": [{"sku": "17", "selling_plan_id": "9"}]}).requests[1])["lines"][0]
    inputs = {one["name"] for one in types["CartLineInput"]["inputFields"]}
    assert set(line) <= inputs
    codes = {one["name"] for name in ("CartErrorCode", "CartWarningCode") for one in types[name]["enumValues"]}
    assert set(asked.HINTS) <= codes
