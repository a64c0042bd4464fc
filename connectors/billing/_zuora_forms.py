"""What an administrator enters for Zuora: settings of the tenant, parameters of its actions."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

ORDERS = "orders"


class ZuoraSettings(Settings):
    """How to reach one Zuora tenant."""

    api_url: str = field(
        "API URL", default="https://rest.zuora.com",
        help="The REST host of your tenant. Production: https://rest.na.zuora.com or https://rest.zuora.com (US),"
             " https://rest.eu.zuora.com, https://rest.ap.zuora.com. Sandboxes: https://rest.apisandbox.zuora.com,"
             " https://rest.sandbox.na.zuora.com, https://rest.sandbox.eu.zuora.com. Central Sandbox:"
             " https://rest.test.zuora.com, https://rest.test.eu.zuora.com, https://rest.test.ap.zuora.com.")
    client_id: str = field(
        "Client ID", min_length=36,
        help="Zuora > Administration > Manage Users > an API user > OAuth clients; 36 characters.")
    client_secret: SecretStr = field("Client secret", min_length=1, help="Shown once, when the OAuth client is made.")
    transaction_api: Literal["orders", "subscribe_amend"] = field(
        "Transaction API", default="orders",
        help="orders: tenants with Orders or Orders Harmonization, which all new ones are. subscribe_amend: older"
             " tenants without Orders; a lost answer there needs a person, since Zuora cannot tell repeats.")
    invoice_settlement: bool = field(
        "Invoice Settlement enabled", default=True,
        help="Decides how credit is applied when a subscription is cancelled. Off: credit balance.")
    entity_id: str = field("Entity ID", default="", help="Multi-entity tenants only: which entity is meant.")
    time_zone: str = field(
        "Tenant time zone", default="UTC", placeholder="America/Los_Angeles",
        help="Zuora > Administration > Tenant Profile; 'today' is a date in this zone.")
    allow_test_hosts: bool = test_hosts_field()

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError("is no time zone; write a name such as UTC, Europe/Berlin or America/New_York") from None
        return name

    @model_validator(mode="after")
    def _goes_to_zuora(self) -> Self:
        why = host_problem(self.api_url, (".zuora.com",), test_hosts=self.allow_test_hosts)
        refuse({"api_url": why} if why else {})
        return self

    @property
    def has_orders(self) -> bool:
        """Whether changes are made by orders."""
        return self.transaction_api == ORDERS


class AddPlan(Params):
    """Which rate plan is added, and when it is charged."""

    product_rate_plan_id: str = field("Product rate plan", options="rate_plans", min_length=1,
                                      help="What the user gets on top of the running subscription.")
    effective_date: date | None = field("Effective", default=None, help="Empty: the day on which it is done.")
    run_billing: bool = field("Invoice now", default=False, help="Off: with the next bill run.")
    collect_payment: bool = field("Collect now", default=False, help="Charges the user at once; needs 'Invoice now'.")

    @model_validator(mode="after")
    def _invoices_what_it_collects(self) -> Self:
        refuse(_uninvoiced(self.collect_payment, self.run_billing))
        return self


class RemovePlan(Params):
    """Which rate plan goes, and when."""

    product_rate_plan_id: str = field("Product rate plan", options="rate_plans", min_length=1,
                                      help="What the user loses; the rest of the subscription stays.")
    effective_date: date | None = field("Effective", default=None, help="Empty: the day on which it is done.")
    run_billing: bool = field("Invoice now", default=False, help="Off: with the next bill run.")


class CancelSubscription(Params):
    """When the subscription ends, and what becomes of credit."""

    cancellation_policy: Literal["EndOfCurrentTerm", "EndOfLastInvoicePeriod", "SpecificDate"] = field(
        "Cancellation policy", help="EndOfCurrentTerm: at the end of the term (not for evergreen subscriptions)."
                                    " EndOfLastInvoicePeriod: at the end of what is invoiced. SpecificDate: see Date.")
    cancellation_date: date | None = field("Date", default=None, help="Needed with SpecificDate, and only then.")
    apply_credit: bool = field("Apply credit", default=False, help="Use the user's credit for what is still open.")
    run_billing: bool = field("Invoice now", default=True, help="Off: with the next bill run.")

    @model_validator(mode="after")
    def _has_its_date(self) -> Self:
        refuse(_dated("cancellation_date", self.cancellation_date, self.cancellation_policy))
        return self


Period = Literal["Day", "Week", "Month", "Year"]


class SuspendSubscription(Params):
    """From when the subscription pauses."""

    suspend_policy: Literal["Today", "EndOfLastInvoicePeriod", "SpecificDate", "FixedPeriodsFromToday"] = field(
        "Suspend policy", help="When the pause begins.")
    suspend_date: date | None = field("Date", default=None, help="Needed with SpecificDate, and only then.")
    suspend_periods: int | None = field("Number of periods", default=None, ge=1,
                                        help="Needed with FixedPeriodsFromToday, and only then.")
    suspend_periods_type: Period | None = field("Period", default=None,
                                                help="Needed with FixedPeriodsFromToday, and only then.")

    @model_validator(mode="after")
    def _fits_its_policy(self) -> Self:
        refuse({
            **_dated("suspend_date", self.suspend_date, self.suspend_policy),
            **_counted("suspend", self.suspend_policy, self.suspend_periods, self.suspend_periods_type),
        })
        return self


class ResumeSubscription(Params):
    """From when a paused subscription runs again."""

    resume_policy: Literal["Today", "FixedPeriodsFromSuspendDate", "FixedPeriodsFromToday", "SpecificDate"] = field(
        "Resume policy", help="When the pause ends.")
    resume_date: date | None = field("Date", default=None, help="Needed with SpecificDate, and only then.")
    resume_periods: int | None = field("Number of periods", default=None, ge=1,
                                       help="Needed with a policy of fixed periods, and only then.")
    resume_periods_type: Period | None = field("Period", default=None,
                                               help="Needed with a policy of fixed periods, and only then.")
    extends_term: bool = field("Extend the term by the pause", default=False, help="Off: the term ends as before.")

    @model_validator(mode="after")
    def _fits_its_policy(self) -> Self:
        refuse({
            **_dated("resume_date", self.resume_date, self.resume_policy),
            **_counted("resume", self.resume_policy, self.resume_periods, self.resume_periods_type),
        })
        return self


class ChangeAutoRenewal(Params):
    """Whether the subscription renews itself."""

    auto_renew: bool = field("Renew automatically", help="On: the subscription renews at the end of its term.")


class CreateSubscription(Params):
    """What the user is subscribed to, and for how long."""

    product_rate_plan_id: str = field("Rate plan", options="rate_plans", min_length=1, help="The plan the user gets.")
    term_type: Literal["TERMED", "EVERGREEN"] = field(
        "Term type", help="TERMED: ends or renews after its term. EVERGREEN: runs until it is cancelled.")
    contract_effective_date: date | None = field("Contract effective date", default=None,
                                                 help="Empty: the day on which it is done.")
    renewal_term: int = field("Renewal term (months)", default=12, ge=0, help="TERMED only.")
    initial_term: int = field("First term (months)", default=12, ge=1, help="TERMED only.")
    auto_renew: bool = field("Renew automatically", default=True, help="TERMED only.")
    run_billing: bool = field("Invoice now", default=True, help="Off: with the next bill run.")
    collect_payment: bool = field("Collect now", default=False, help="Charges the user at once; needs 'Invoice now'.")
    if_subscribed: Literal["already_done", "add_another"] = field(
        "If the user has this plan already", default="already_done",
        help="Leave it and count as a success, or add a second subscription.")

    @model_validator(mode="after")
    def _invoices_what_it_collects(self) -> Self:
        refuse(_uninvoiced(self.collect_payment, self.run_billing))
        return self


def _uninvoiced(collects: bool, invoices: bool) -> dict[str, str]:
    return {"collect_payment": "needs 'Invoice now': only what is invoiced can be collected"} \
        if collects and not invoices else {}


def _dated(name: str, given: date | None, policy: str) -> dict[str, str]:
    if (policy == "SpecificDate") == (given is not None):
        return {}
    return {name: "is needed with SpecificDate" if given is None else f"does not go with {policy}"}


def _counted(stem: str, policy: str, number: int | None, period: str | None) -> dict[str, str]:
    wanted = policy.startswith("FixedPeriods")
    given = {f"{stem}_periods": number, f"{stem}_periods_type": period}
    return {name: f"is needed with {policy}" if wanted else f"does not go with {policy}"
            for name, value in given.items() if (value is None) == wanted}
