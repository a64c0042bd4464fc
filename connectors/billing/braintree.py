"""Braintree: subscriptions and discounts. Classic gateway (XML), API version 6, https://developer.paypal.com/braintree/docs/."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.billing import _braintree_answers as answers
from connectors.billing._braintree_answers import Customer, Subscription, is_id
from connectors.billing._braintree_forms import AddDiscount, BraintreeSettings, SubscribePlan
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    Option,
    OptionsFlow,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    any_of,
    get,
    post,
    put,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.soap import element, found, leaf, value

XML = "application/xml"
FOREVER = 10 * 365 * 86_400.0
"""Seconds: an id of a subscription is never free again."""
MOST = 20
"""Most customers of one address that are looked at."""
USER = any_of("braintree_id", "email_address")
LIVE = ("Active", "Pending", "Past Due")
DISCOUNTABLE = ("Active", "Pending")
"""States in which discounts can change, the best first."""
ARRAY = {"type": "array"}


def signer(settings: BraintreeSettings) -> Sign:
    """Basic, with the public key as user; everything lies below the merchant."""
    return sign_with(f"{settings.address.rstrip('/')}/merchants/{settings.merchant_id}", {
        "Authorization": basic(settings.public_key, settings.private_key), "X-ApiVersion": "6", "Accept": XML,
    })


def check(settings: BraintreeSettings) -> CheckFlow:
    """See the plans."""
    yield _read("/plans/", "plans")
    return Account(settings.merchant_id, "live" if settings.is_live else "sandbox")


def plans(_settings: BraintreeSettings) -> OptionsFlow:
    """Plans that can be subscribed to."""
    answer = yield _read("/plans/", "plans")
    return [Option(value(one, "id"), f"{value(one, 'name')}: {value(one, 'price')} {value(one, 'currency-iso-code')}"
                                     f" every {value(one, 'billing-frequency') or '1'} month(s)")
            for one in answers.root(answer) if one.tag == "plan"]


def discounts(_settings: BraintreeSettings) -> OptionsFlow:
    """Discounts that subscriptions can get."""
    answer = yield _read("/discounts/", "discounts")
    return [Option(value(one, "id"), f"{value(one, 'name')}: {value(one, 'amount')} off, {_length(one)}")
            for one in answers.root(answer) if one.tag in ("discount", "modification")]


def _length(discount: Any) -> str:
    if value(discount, "never-expires") == "true":
        return "for ever"
    return f"{value(discount, 'number-of-billing-cycles') or '?'} billing cycle(s)"


connector = Connector(
    id="braintree", title="Braintree", category="billing", settings=BraintreeSettings, signer=signer,
    read=answers.read, check=check, options={"plans": plans, "discounts": discounts},
    help="Subscribes users to plans and puts discounts on their subscriptions.",
    docs="https://developer.paypal.com/braintree/docs/reference/request/subscription/create", api_version="6",
    # No limits are published; a charge can be part of the call, for which the vendor's clients wait 60 s.
    limits=Limits(concurrency=5, timeout=60.0),
    confidence="Not tried against a live gateway. Unverified: the body of a 422 (taken from test documents of the"
               " vendor's clients), rate limits, whether discounts of a customer's subscriptions are always listed,"
               " how long an id of a subscription may be, whether the gateway wants a certain User-Agent.",
)


def _read(path: str, step: str, look_at: Sequence[int] = ()) -> Request:
    return get(path, content_type=XML, step=step, look_at=look_at)


def _body(xml: str) -> dict[str, Any]:
    """A body in ASCII: other characters as references, as the vendor's clients send them."""
    return {"body": xml.encode("ascii", "xmlcharrefreplace"), "content_type": XML}


class Chosen(NamedTuple):
    """Whom an action is about."""

    customer: Customer
    detail: Mapping[str, str] = {}
    """Goes into the outcome where the customer was chosen among several."""


Fits = Callable[[Customer], bool]


def _find(call: Call[Any, Any], fits: Fits) -> Generator[Request, Response, Chosen]:
    """The synced customer, else the newest one with the user's e-mail address that fits."""
    known = call.attribute("braintree_id")
    ids = [known] if known else (yield from _ids(call.first("email_address")))
    people: list[Customer] = []
    for one_id in ids:
        person = yield from _customer(one_id)
        people += [person] if person else []
    if not people:
        raise Rejected("user_not_found", "no Braintree customer has this id or e-mail address;"
                                         " sync braintree_id or the address that the customer has in Braintree")
    fitting = [one for one in people if fits(one)] or people
    if len(fitting) > 1 and call.params.if_several == "fail":
        raise Rejected("several_customers", "several Braintree customers have the user's e-mail address;"
                                            " sync braintree_id")
    newest = max(fitting, key=lambda one: one.created)
    return Chosen(newest, {"customer_choice": "newest_of_several"} if len(fitting) > 1 else {})


def _ids(email: str) -> Generator[Request, Response, list[str]]:
    search = element("search", element("email", leaf("is", email)))
    answer = yield post("/customers/advanced_search_ids", **_body(search), step="search_customer", effect=False)
    ids = [(one.text or "").strip() for one in found(answers.root(answer), "item")]
    if len(ids) > MOST:
        raise Rejected("several_customers", f"more than {MOST} Braintree customers have the user's e-mail address;"
                                            " sync braintree_id")
    return ids


def _customer(id: str) -> Generator[Request, Response, Customer | None]:
    if not is_id(id):
        return None
    answer = yield _read(f"/customers/{id}", "customer", [404])
    return None if answer.status == 404 else answers.customer(answers.root(answer))


@connector.action(
    "subscribe_plan", "Subscribe the user to a plan", params=SubscribePlan, requires=USER,
    # The id that we choose for the subscription is the key.
    repeat=Repeat.KEY, keeps_keys=FOREVER,
    help="Creates a subscription on the user's default payment method; without a trial it is charged at once.",
)
def subscribe_plan(call: Call[BraintreeSettings, SubscribePlan]) -> Flow:
    """Create a subscription under an id of ours, unless the user has the plan."""
    want, chosen = call.params, (yield from _find(call, lambda one: bool(one.token)))
    person = chosen.customer
    ours = [one for one in person.subscriptions if one.id == call.outcome_id]
    if ours:
        return _created(ours[0], chosen)
    running = [one for one in person.subscriptions if one.plan == want.plan_id and one.status in LIVE]
    if running and want.if_subscribed == "already_done":
        return Done(running[0].id, "already_done", {**chosen.detail, "status": running[0].status})
    answer = yield _creation(call, person)
    if answers.TOKEN_GONE in answers.codes(answer):
        again = yield from _customer(person.id)
        if again and again.token != person.token:
            answer = yield _creation(call, again)
    return (yield from _settled(call, chosen, answer))


def _created(made: Subscription, chosen: Chosen) -> Done:
    return Done(made.id, detail={**chosen.detail, "status": made.status})


def _settled(call: Call[Any, SubscribePlan], chosen: Chosen, answer: Response) -> Flow:
    """What the gateway made of a creation; an id in use is an earlier try of ours that got through."""
    if answer.ok:
        return _created(answers.subscription(answers.root(answer)), chosen)
    if answers.ID_IN_USE not in answers.codes(answer):
        raise answers.refused(answer)
    there = yield _read(f"/subscriptions/{call.outcome_id}", "read_subscription")
    made = answers.subscription(answers.root(there))
    if made.plan != call.params.plan_id:
        raise Rejected("id_in_use", f"subscription {made.id} exists, with the plan {made.plan}", status=answer.status)
    return _created(made, chosen)


def _creation(call: Call[Any, SubscribePlan], person: Customer) -> Request:
    want = call.params
    if not person.token:
        raise Rejected("no_payment_method", f"customer {person.id} has no default payment method in Braintree")
    parts = [leaf("id", call.outcome_id), leaf("payment_method_token", person.token), leaf("plan_id", want.plan_id)]
    if want.merchant_account_id:
        parts.append(leaf("merchant_account_id", want.merchant_account_id))
    if want.trial_days is not None:
        parts += [element("trial_period", "true", attributes={"type": "boolean"}),
                  element("trial_duration", str(want.trial_days), attributes={"type": "integer"}),
                  leaf("trial_duration_unit", "day")]
    if want.discount_id:
        parts.append(_added(leaf("inherited_from_id", want.discount_id)))
    return post("/subscriptions", **_body(element("subscription", *parts)), step="subscribe", look_at=[422])


def _added(*discount: str) -> str:
    return element("discounts", element("add", element("item", *discount), attributes=ARRAY))


@connector.action(
    "add_discount", "Apply a discount to the user's subscription", params=AddDiscount, requires=USER,
    # Braintree refuses a discount that is there, and the flow finds it before.
    repeat=Repeat.LOOK_BEFORE,
    help="Adds a discount to the user's newest active subscription, from the next billing on.",
)
def add_discount(call: Call[BraintreeSettings, AddDiscount]) -> Flow:
    """Add the discount, unless the subscription has it."""
    want = call.params
    chosen = yield from _find(call, lambda one: bool(_discountable(one, want.plan_id)))
    usable = _discountable(chosen.customer, want.plan_id)
    if not usable:
        raise Rejected("no_active_subscription", "the user has no active subscription"
                       f"{' with this plan' if want.plan_id else ''}; one that is past due takes no discounts")
    one = usable[0]
    if one.discounts is None:
        answer = yield _read(f"/subscriptions/{one.id}", "read_subscription")
        one = answers.subscription(answers.root(answer))
    if want.discount_id in (one.discounts or ()):
        return Done(one.id, "already_done", chosen.detail)
    answer = yield put(f"/subscriptions/{one.id}", **_body(_discount(want)), step="discount", look_at=[422])
    if answers.HAS_DISCOUNT in answers.codes(answer):
        return Done(one.id, "already_done", chosen.detail)
    if not answer.ok:
        raise answers.refused(answer)
    return Done(one.id, detail=chosen.detail)


def _discountable(person: Customer, plan: str) -> list[Subscription]:
    """Subscriptions that take discounts, by state and then the newest first."""
    usable = [one for one in person.subscriptions if one.status in DISCOUNTABLE and (not plan or one.plan == plan)]
    newest = sorted(usable, key=lambda one: one.created, reverse=True)
    return sorted(newest, key=lambda one: DISCOUNTABLE.index(one.status))


def _discount(want: AddDiscount) -> str:
    parts = [leaf("inherited_from_id", want.discount_id)]
    if want.amount is not None:
        parts.append(leaf("amount", format(want.amount, "f")))
    if want.number_of_billing_cycles is not None:
        parts.append(element("number_of_billing_cycles", str(want.number_of_billing_cycles),
                             attributes={"type": "integer"}))
    return element("subscription", _added(*parts))
