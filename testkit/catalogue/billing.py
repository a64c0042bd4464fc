"""Billing systems: each change happens once, whatever becomes of its answer."""

from __future__ import annotations

from collections.abc import Mapping

from testkit.catalogue.case import ACCEPTED, ALREADY, DOUBT, Case, On, of

EMAIL = {"email_address": "{user}@example.com"}
POST, PUT, PATCH = On("POST"), On("PUT"), On("PATCH")
ORDERS = On("POST", "/v1/orders")
RATE_PLAN = "product_rate_plan_id"
COUPON = {"coupon_code": "SAVE20"}

BILLING: Mapping[str, tuple[Case, ...]] = {
    "stripe": of(
        EMAIL,
        Case("subscribe_plan", ("subscription.created",), {"price_id": "price_premium"}, POST),
        Case("unsubscribe_plan", ("subscription.canceled",), {"when": "immediately"}, On("DELETE")),
        Case("apply_coupon", ("subscription.discount_added",), {"coupon_id": "SAVE20"}, POST),
        Case("extend_trial", ("subscription.trial_moved",), {"days": 7}, POST, {"stripe_id": "cus_trial{user}"}),
        Case("switch_subscription", ("subscription.items_changed",), {"price_id": "price_premium"}, POST),
        Case("update_subscription", ("subscription.items_changed",), {"price_id": "price_premium", "quantity": 3},
             POST),
    ),
    "recurly": of(
        {"account_code": "{user}"},
        Case("apply_coupon", ("coupon.redeemed",), {"coupon_id": "c-SAVE20"}, POST),
        Case("pause_subscription", ("subscription.pause_planned",), {"pause_cycles": 2}, PUT, lost=ALREADY),
        Case("resume_subscription", ("subscription.resumed",), {}, PUT, {"account_code": "paused-{user}"},
             lost=ALREADY),
        Case("switch_subscription", ("subscription.changed",), {"plan_code": "gold"}, POST, lost=ALREADY),
        Case("create_subscription", ("subscription.created",), {"plan_code": "gold", "currency": "USD"}, POST,
             {"account_code": "free-{user}"}),
        Case("reactivate_subscription", ("subscription.reactivated",), {}, PUT, {"account_code": "canceled-{user}"},
             lost=ALREADY),
        Case("update_subscription_price", ("subscription.changed",), {"unit_amount": "7.77"}, POST, lost=ALREADY),
        Case("convert_trial", ("subscription.trial_converted",), {}, PUT, {"account_code": "trial-{user}"},
             lost=ALREADY),
        Case("record_usage", ("usage.recorded",), {"add_on_code": "gb", "amount": "2.5"}, POST),
        Case("cancel_subscription", ("subscription.canceled",), {}, PUT, lost=ALREADY),
    ),
    "chargify": of(
        {"chargify_id": "1{number}"},
        Case("create_subscription", ("subscription.created",), {"product_id": "2"}, POST,
             {"chargify_id": "7{number}"}),
        Case("cancel_subscription", ("subscription.canceled",), {"product_id": "1"}, On("DELETE"), lost=ALREADY),
        Case("add_coupon", ("coupon.added",), {"product_id": "1", **COUPON}, POST, lost=ALREADY),
    ),
    "zuora": of(
        {"account_number": "A-{user}"},
        Case("add_plan", ("plan.added",), {RATE_PLAN: "prp_premium"}, ORDERS),
        Case("remove_plan", ("plan.removed",), {RATE_PLAN: "prp_basic"}, ORDERS),
        Case("cancel_subscription", ("subscription.cancelled",), {"cancellation_policy": "EndOfCurrentTerm"},
             ORDERS),
        Case("suspend_subscription", ("subscription.suspended",), {"suspend_policy": "Today"}, ORDERS),
        Case("resume_subscription", ("subscription.resumed",), {"resume_policy": "Today"}, ORDERS,
             seeds=(("subscription", {"account": "A-{user}", "number": "S-{user}", "status": "Suspended"}),)),
        Case("change_auto_renewal", ("subscription.renewal_changed",), {"auto_renew": False}, ORDERS),
        Case("create_subscription", ("subscription.created",),
             {RATE_PLAN: "prp_annual", "term_type": "TERMED", "if_subscribed": "add_another"}, ORDERS),
    ),
    "braintree": of(
        EMAIL,
        Case("subscribe_plan", ("subscription.created",), {"plan_id": "premium"}, On("POST", "/subscriptions$")),
        Case("add_discount", ("discount.added",), {"discount_id": "SAVE5"}, PUT, lost=ALREADY),
    ),
    "vindicia": of(
        {"vindicia_account_id": "{user}"},
        Case("replace_product", ("item.replaced",), {"product_id": "premium"}, POST),
        Case("add_product", ("item.added",), {"product_id": "addon"}, POST),
        Case("add_campaign", ("item.replaced",), {"campaign_code": "ANNUAL10"}, POST),
        Case("cancel_subscription", ("subscription.cancelled",), {}, POST, lost=ALREADY),
        Case("delay_billing", ("billing.delayed",), {"days": 30}, POST, lost=DOUBT),
    ),
    "cleeng": of(
        {"cleeng_customer_id": "700000{number}"},
        Case("switch_subscription", ("switch.requested",),
             {"to_offer_id": "S100000002_US", "switch_direction": "upgrade"}, POST, lost=ALREADY, busy=ACCEPTED),
        Case("apply_coupon", ("coupon.applied",), COUPON, PATCH, lost=ALREADY),
        Case("reactivate_subscription", ("subscription.activated",), {}, POST, seeds=(("subscription", {
            "number": "int:100000{number}", "customer": "int:700000{number}", "status": "stopped"}),), lost=ALREADY),
        Case("cancel_subscription", ("subscription.cancelled",), {}, POST, lost=ALREADY),
        Case("pause_subscription", ("subscription.paused",), {"resumes_after_billing_cycles": 2}, POST, lost=ALREADY),
        Case("extend_subscription", ("subscription.extended",), {"days": 7}, PATCH, lost=DOUBT),
    ),
    "piano": of(
        {"piano_uid": "{user}"},
        Case("resubscribe", ("subscription.resumed",), {}, POST, seeds=(("subscription", {
            "number": "SUB-{user}", "uid": "{user}", "auto_renew": False}),), lost=ALREADY),
        Case("upgrade_subscription", ("term.change_requested",),
             {"from_term_id": "TM-BASIC", "to_term_id": "TM-GOLD"}, On("POST", "/do$"), lost=ACCEPTED, busy=ACCEPTED),
        Case("cancel_subscription", ("subscription.cancelled",), {}, POST, lost=ALREADY),
        Case("move_next_bill_date", ("bill.moved",), {"days": 7}, POST, lost=DOUBT),
    ),
    "evergent": of(
        {"customer_id": "{user}"},
        Case("redeem_coupon", ("coupon.redeemed",), COUPON, On("POST", "/redeem"), lost=DOUBT),
        Case("change_service", ("service.changed",), {"to_service_id": "PREMIUM"}, On("POST", "/change"), lost=ALREADY),
        Case("pause_subscription", ("service.paused",), {"days": 30}, On("POST", "/pause"), lost=DOUBT),
        Case("resume_subscription", ("service.resumed",), {"service_id": "BASIC"}, On("POST", "/resume"), seeds=((
            "services", {"customer": "{user}", "services": [{"serviceID": "BASIC", "status": "Paused"}]}),),
             lost=ALREADY),
        Case("reactivate_subscription", ("service.reactivated",), {}, On("POST", "/reactivate"), seeds=((
            "services", {"customer": "{user}", "services": [{"serviceID": "BASIC", "isRenewal": False}]}),),
             lost=ALREADY),
        Case("remove_subscription", ("service.removed",), {}, On("POST", "/remove"), lost=ALREADY),
    ),
    "shopify": of(
        {},
        Case("add_to_cart", ("cart.line_added",), {"items": [{"sku": "MUG", "quantity": 2}]},
             On("POST", contains="cartLinesAdd")),
        Case("add_discount", ("cart.code_added",), {"discount_code": "SAVE10"},
             On("POST", contains="cartDiscountCodesUpdate"), lost=ALREADY),
        Case("redirect", (), {"url": "https://shop.example.com/offer"}, None),
        context={"cart_id": "gid://shopify/Cart/{user}?key=secret", "buyer_ip": "203.0.113.7"},
    ),
}
"""By connector, in the order of its actions."""
