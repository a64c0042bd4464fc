"""What an administrator enters for Shopify: settings of the shop, parameters of its actions."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.auth import starts_with
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

VARIANT = "gid://shopify/ProductVariant/"
SELLING_PLAN = "gid://shopify/SellingPlan/"
SHOPS = (".myshopify.com",)
PRIVATE = ("shpat_", "shpss_", "shpca_")
MOST_LINES = 250
"""Lines that one request may add."""
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", re.IGNORECASE)


class ShopifySettings(Settings):
    """How to reach one shop's Storefront API."""

    shop_url: str = field("Shop URL", placeholder="example.myshopify.com",
                          help="The shop's myshopify.com name, without https:// and without a path.")
    storefront_token: SecretStr = field(
        "Storefront private access token", min_length=1,
        help="Headless channel > Storefront API > private token; with the rights unauthenticated_read_product_listings,"
             " unauthenticated_write_checkouts and unauthenticated_read_checkouts.")
    token_type: Literal["private", "public"] = field(
        "Token type", default="private", public=True,
        help="A public token also works; a private one is meant for servers.")
    api_version: str = field("API version", default="2026-04", pattern=r"^20\d\d-(01|04|07|10)$",
                             help="Comes quarterly and lives about a year; 2026-04 is the one that was checked.")
    base_url: str = field("API base URL", default="", help="Leave empty: it follows from the shop URL.")
    sku_map: dict[str, str] = field(
        "SKU to variant id", default={},
        help="For each SKU its variant, gid://shopify/ProductVariant/... A SKU that is not here is searched for, which"
             " Shopify does not promise to find.")
    allow_test_hosts: bool = test_hosts_field()

    @field_validator("shop_url")
    @classmethod
    def _is_shop(cls, shop: str) -> str:
        if not _SHOP.fullmatch(shop):
            raise ValueError("write the shop's own name, such as example.myshopify.com")
        return shop.lower()

    @field_validator("sku_map")
    @classmethod
    def _names_variants(cls, given: dict[str, str]) -> dict[str, str]:
        wrong = [sku for sku, variant in given.items() if not is_variant(variant)]
        if wrong:
            raise ValueError(f"write {VARIANT}<number> for {', '.join(wrong)}")
        return given

    @model_validator(mode="after")
    def _goes_to_shopify(self) -> Self:
        why = host_problem(self.address, SHOPS, test_hosts=self.allow_test_hosts)
        wrong = self.token_type == "public" and starts_with(self.storefront_token, *PRIVATE)  # noqa: S105 - a kind
        refuse({**({"base_url": why} if why else {}),
                **({"token_type": "does not fit: the token is a private one"} if wrong else {})})
        return self

    @property
    def address(self) -> str:
        """Where the shop's API is."""
        return self.base_url or f"https://{self.shop_url}"

    @property
    def path(self) -> str:
        """The one place that everything is posted to."""
        return f"/api/{self.api_version}/graphql.json"


def is_variant(text: str) -> bool:
    """Whether a text is the id of a variant."""
    return text.startswith(VARIANT) and text.removeprefix(VARIANT).isdecimal()


class CartItem(Params):
    """One product variant that goes into the cart."""

    sku: str = field("SKU", min_length=1, help="A SKU, a variant's number, or its gid://shopify/ProductVariant/... id.")
    quantity: int = field("Quantity", default=1, ge=1, le=1_000_000, help="How many.")
    selling_plan_id: str = field("Selling plan", default="", pattern=r"^((gid://shopify/SellingPlan/)?\d+)?$",
                                 help="For subscriptions: the number of the selling plan.")


class AddToCart(Params):
    """What goes into the cart."""

    items: list[CartItem] = field("SKUs and quantities", min_length=1, max_length=MOST_LINES,
                                  help="All of them are added at once.")
    create_cart: bool = field("Make a cart when the event has none", default=True,
                              help="Also when the cart is gone. The outcome names the new cart and its checkout.")


class AddDiscount(Params):
    """Which code goes onto the cart."""

    discount_code: str = field("Discount code", default="", max_length=255,
                               help="Used where the user types none into the prompt.")


class Redirect(Params):
    """Where the user goes."""

    url: str = field("URL", placeholder="https://example.com/offer or /collections/sale",
                     help="An address with https://, or a path of the shop.")

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        plain = not re.search(r"[\x00-\x20\x7f\\]", url)
        path = url.startswith("/") and not url.startswith("//")
        if not plain or not (path or re.match(r"https://[^/@?#]+([/?#]|$)", url)):
            raise ValueError("write an address that begins with https://, or a path that begins with one slash")
        return url
