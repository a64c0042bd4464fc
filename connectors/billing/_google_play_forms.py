"""What an administrator picks for actions of the Google Play connector."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from connectors.kit import Params, field
from connectors.kit.fields import refuse


class PurchaseParams(Params):
    """What to offer in the store's dialog."""

    product_id: str = field("Product (In App SKU)", options="products", min_length=1,
                            help="What the store's dialog offers.")
    intent: Literal["purchase", "upgrade", "downgrade"] = field(
        "Intent", default="upgrade", help="An upgrade or downgrade replaces the user's present subscription.")
    base_plan_id: str = field("Base plan", default="", options="base_plans",
                              help="Of a subscription with several base plans.")
    offer_id: str = field("Offer", default="", options="offers", help="An offer of the base plan.")
    replacement_mode: Literal[
        "", "WITH_TIME_PRORATION", "CHARGE_PRORATED_PRICE", "CHARGE_FULL_PRICE", "WITHOUT_PRORATION", "DEFERRED"
    ] = field(
        "Replacement mode", default="",
        help="How the old subscription is made up for. CHARGE_PRORATED_PRICE suits an upgrade, DEFERRED a downgrade.",
    )


class VerifySubscriptionParams(Params):
    """What the subscription should be, and whether to confirm it."""

    expected_product_id: str = field("Expected product", default="", options="products",
                                     help="Fails where it is another one. Empty: any product.")
    acknowledge: bool = field(
        "Acknowledge when pending", default=False,
        help="Confirms the delivery of an active subscription; without it Google gives the money back after 3 days.",
    )


class VerifyProductParams(Params):
    """What the purchase should be."""

    expected_product_id: str = field("Expected product", default="", options="products",
                                     help="Fails where it is another one. Empty: any product.")


class ProductParams(Params):
    """Which product was bought."""

    product_id: str = field(
        "Product", default="", options="products", help="Else the product in the event's context product_id."
    )


class DeferParams(Params):
    """How long to extend."""

    days: int = field("Days (1 to 365)", ge=1, le=365, help="Added to the end of what is paid.")


class CancelParams(Params):
    """Who ends the subscription."""

    cancellation_type: Literal["USER_REQUESTED_STOP_RENEWALS", "DEVELOPER_REQUESTED_STOP_PAYMENTS"] = field(
        "Who cancels", default="USER_REQUESTED_STOP_RENEWALS",
        help="What the user asked for, the user may restore in Google Play; what you decided, not.",
    )


class RevokeParams(Params):
    """How much money is given back."""

    refund: Literal["full", "prorated", "item"] = field(
        "Refund", default="prorated",
        help="full: the last charge; prorated: the part that is not used up; item: one item of a subscription with"
             " add-ons.",
    )
    product_id: str = field("Item", default="", options="products", help="Only for the refund of an item.")

    @model_validator(mode="after")
    def _item_is_named(self) -> Self:
        if (self.refund == "item") != bool(self.product_id):
            refuse({"product_id": "goes with the refund 'item', and only with it"})
        return self


class RefundParams(Params):
    """What else happens with the refund."""

    revoke: bool = field("Also end access", default=False, help="Off: the user keeps what was bought.")
