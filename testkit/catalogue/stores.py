"""App stores: instructions to the app, reads that change nothing, and what a server can do beside them."""

from __future__ import annotations

from collections.abc import Mapping

from testkit.catalogue.case import ALREADY, DOUBT, Case, On, of

APPLE = {"transaction_id": "{number}0"}
GOOGLE = {"purchase_token": "tok-{user}", "product_id": "coins", "order_id": "GPA.{user}"}
ROKU = {"transaction_id": "{digest}"}
AMAZON = {"amazon_user_id": "{user}", "amazon_receipt_id": "receipt-{user}"}

STORES: Mapping[str, tuple[Case, ...]] = {
    "apple_app_store": of(
        {},
        Case("request_purchase", (), {"product_id": "premium"}, None),
        Case("verify_transaction"),
        Case("get_subscription_status"),
        Case("extend_renewal_date", ("subscription.extended",), {"days": 7}, On("PUT"), lost=DOUBT),
        Case("finish_transaction", ("transaction.finished",), {}, On("POST")),
        Case("set_app_account_token", ("transaction.account_token_set",), {}, On("PUT")),
        Case("send_consumption_info", ("transaction.consumption_sent",), {}, On("PUT"), form={"consent": "yes"}),
        context=APPLE,
    ),
    "google_play": of(
        {},
        Case("request_purchase", (), {"product_id": "gold"}, None),
        Case("verify_subscription", ("subscription.acknowledged",), {"acknowledge": True},
             On("POST", ":acknowledge$")),
        Case("verify_product", (), {}, On("GET")),
        Case("acknowledge_subscription", ("subscription.acknowledged",), {}, On("POST", ":acknowledge$")),
        Case("acknowledge_product", ("product.acknowledged",), {}, On("POST", ":acknowledge$")),
        Case("consume_product", ("product.consumed",), {}, On("POST", ":consume$"), lost=ALREADY),
        Case("defer_renewal", ("subscription.deferred",), {"days": 7}, On("POST", ":defer$"), lost=DOUBT),
        Case("cancel_subscription", ("subscription.canceled",), {}, On("POST", ":cancel$")),
        Case("revoke_subscription", ("subscription.revoked",), {}, On("POST", ":revoke$"), lost=ALREADY),
        Case("refund_order", ("order.refunded",), {}, On("POST", ":refund$"), lost=ALREADY),
        context=GOOGLE,
    ),
    "amazon_appstore": of(
        {},
        Case("request_purchase", (), {"product_id": "gold"}, None),
        Case("verify_receipt"),
        Case("get_subscription_status"),
        context=AMAZON,
    ),
    "roku": of(
        {},
        Case("request_purchase", (), {"product_id": "gold"}, None),
        Case("validate_transaction"),
        Case("cancel_subscription", ("subscription.cancelled",), {}, On("POST", "/cancel"), lost=ALREADY),
        Case("refund_subscription", ("subscription.refunded",), {"amount": "1.50"}, On("POST", "/refund"), lost=DOUBT),
        Case("issue_service_credit", ("service_credit.issued",), {"amount": "2"}, On("POST", "/issue"), lost=DOUBT),
        Case("update_bill_cycle", ("bill_cycle.moved",), {"days": 3}, On("POST", "/update"), lost=DOUBT),
        context=ROKU,
    ),
}
"""By connector, in the order of its actions."""
