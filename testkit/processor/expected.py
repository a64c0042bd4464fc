"""An independent model: what must come out for a load of interactions, given the faults that the vendors' logs show.

It knows nothing of the engine but the identity of outcomes; bindings, faults and reasons are worked out anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from connectors.kit.event import Event
from processor.engine.runner import outcome_id
from processor.model.outcome import ActionResult
from testkit.processor import apps
from testkit.vendors.client import Control, SeenRequest

AGED = 2 * apps.HOUR
Ending = tuple[str, str]
"""Outcome and reason."""
DONE: Ending = ("succeeded", "")
REJECTED: Ending = ("failed", "rejected")
IN_DOUBT: Ending = ("failed", "in_doubt")
MISSING: Ending = ("failed", "missing_attributes")
Key = tuple[str, str, str]
"""App, event, binding."""


class Want(NamedTuple):
    """A binding, as the model sees it."""

    id: str
    kind: str
    """`take`, `account`, `once`, `mail`, `ticket`, `coupon`, `purchase`, `export`."""
    stop: bool = True
    aging: bool = False
    """Whether it expires after an hour."""


ONLY_ONCE = frozenset({"once", "mail"})
"""Kinds that are never repeated when their answer is lost."""
HARMLESS = frozenset({"profile.updated"})
"""Effects that leave the same state however often they happen."""
BROKEN = frozenset({"reset", "half_body", "silence"})
"""Faults after which nobody knows whether the vendor took the request."""
VENDOR = {"take": "custom_api", "account": "custom_api", "once": "custom_api", "mail": "sendgrid",
          "ticket": "zendesk", "coupon": "stripe"}
EXPORT = Want("mixpanel.export_prompt_event", "export")
CHAINS: Mapping[tuple[str, str, str], Sequence[Want]] = {
    ("alpha", "offer", "accept"): (Want("a", "take"), Want("b", "mail", stop=False), Want("c", "ticket", stop=False)),
    ("alpha", "offer", "decline"): (Want("a", "once"),),
    ("alpha", "offer", "dismiss"): (Want("a", "purchase"), Want("b", "take")),
    ("alpha", "account", "accept"): (Want("a", "account"), Want("b", "mail")),
    ("alpha", "account", "decline"): (Want("a", "account", stop=False), Want("b", "take")),
    ("alpha", "late", "accept"): (Want("a", "take", aging=True), Want("b", "mail", stop=False, aging=True)),
    ("beta", "coupon", "accept"): (Want("a", "coupon"), Want("b", "take")),
    ("beta", "coupon", "decline"): (Want("a", "take"), Want("b", "once", stop=False)),
}


class Load(NamedTuple):
    """Users with their attributes, and interactions in the order of publishing."""

    attributes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """By app and user."""
    events: Sequence[Event]

    @property
    def outcomes(self) -> int:
        """How many outcomes it must have."""
        return sum(len(CHAINS[one.app_id, one.prompt_id, one.interaction]) + (one.app_id == "alpha")
                   for one in self.events)


def configuration(url: str) -> dict[str, Any]:
    """The files of the two apps whose chains the model knows."""
    actions = {
        "take": apps.call(), "account": apps.call("account"), "once": apps.call("once"), "mail": apps.mail(),
        "ticket": {"action": "zendesk.create_ticket"},
        "coupon": {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}},
        "purchase": {"action": "apple_app_store.request_purchase", "params": {"product_id": "premium"}},
    }
    prompts: dict[str, dict[str, Any]] = {"alpha": {}, "beta": {}}
    for (app, prompt, interaction), wants in CHAINS.items():
        prompts[app].setdefault(prompt, {})[interaction] = [_binding(actions[want.kind], want) for want in wants]
    return {
        "alpha/app": {"title": "Alpha"}, "alpha/prompts": prompts["alpha"],
        "alpha/connectors": {
            "custom_api": apps.custom_api(url), "sendgrid": apps.sendgrid(url), "zendesk": apps.zendesk(url),
            "apple_app_store": apps.apple(url), "mixpanel": apps.mixpanel(url)},
        "beta/app": {"title": "Beta"}, "beta/prompts": prompts["beta"],
        "beta/connectors": {"custom_api": apps.custom_api(url), "stripe": apps.stripe(url)},
    }


def _binding(action: Mapping[str, Any], want: Want) -> dict[str, Any]:
    age = {"max_age": "1h"} if want.aging else {}
    return {**action, "id": want.id, "on_error": "stop" if want.stop else "continue", **age}


def load(seed: int, interactions: int, users: int, now: int) -> Load:
    """A load drawn by seeded chance: a twentieth of the users lack what bindings need, a tenth of `late` is old."""
    draw = Random(seed)  # noqa: S311 - a test's load
    names = {app: [_name(app, number, users) for number in range(users)] for app in ("alpha", "beta")}
    attributes = {app: {user: _attributes(user) for user in names[app]} for app in names}
    kinds = list(CHAINS)
    events = []
    for number in range(interactions):
        app, prompt, interaction = kinds[draw.randrange(len(kinds))]
        aged = prompt == "late" and draw.random() < 0.1
        # The older half of users[] is one app's, so that a user has about `interactions / users` of them.
        user = names[app][draw.randrange(users // 2) + (users // 2 if app == "beta" else 0)]
        events.append(apps.event(number, user, prompt, interaction, time=now - (AGED if aged else 0), app=app))
    return Load(attributes, events)


def _name(app: str, number: int, users: int) -> str:
    lacking = number % 20 == 0
    return f"{'missing' if lacking and app == 'beta' else 'poor' if lacking else 'user'}{number:0{len(str(users))}d}"


def _attributes(user: str) -> dict[str, Any]:
    found = {"email_address": f"{user}@example.com"}
    return found if user.startswith("poor") else {**found, "account": f"acc-{user}"}


def faults(vendors: Control) -> None:
    """About two in a hundred requests meet trouble of some kind."""
    for vendor in ("custom_api", "sendgrid", "zendesk", "stripe", "mixpanel"):
        vendors.fault("answer", vendor=vendor, status=429, retry_after=1, share=0.01, times=2)
        # Zendesk's 503 without a wish means ten seconds; with one it is parked for a second.
        wish = {"retry_after": 1} if vendor == "zendesk" else {}
        vendors.fault("answer", vendor=vendor, status=503, share=0.006, **wish)
        vendors.fault("reset", vendor=vendor, taken=False, share=0.004)
        vendors.fault("reset", vendor=vendor, taken=True, share=0.004)
        vendors.fault("delay", vendor=vendor, delay=0.3, share=0.003)
    for vendor in ("custom_api", "stripe"):
        vendors.fault("inner_error", vendor=vendor, share=0.004)


def seed_vendors(vendors: Control) -> None:
    """The customer's own endpoint keeps idempotency keys, as a good one does."""
    vendors.seed("custom_api", "dedupe", on=True)


class Calls(NamedTuple):
    """What the vendors saw."""

    by_outcome: Mapping[str, Sequence[SeenRequest]]
    """The requests of each binding, in order."""
    strangers: Sequence[SeenRequest]
    """Changes that carry no mark of any binding."""


def calls(vendors: Control) -> Calls:
    """Requests that change something, by the mark of their binding."""
    found: dict[str, list[SeenRequest]] = {}
    strangers = []
    for vendor in sorted(set(VENDOR.values())):
        for request in vendors.requests(vendor, limit=1_000_000):
            mark = _mark(request)
            if mark:
                found.setdefault(mark, []).append(request)
            elif request.method != "GET":
                strangers.append(request)
    return Calls(found, strangers)


def _mark(request: SeenRequest) -> str:
    if request.vendor == "custom_api":
        return request.headers.get("x-request-id", "")
    if request.method == "GET":
        return ""
    if request.vendor == "sendgrid":
        return str(request.json["personalizations"][0]["custom_args"]["engage_execution_id"])
    if request.vendor == "zendesk":
        return str(request.json["ticket"]["external_id"])
    return request.headers.get("idempotency-key", "").rpartition(":")[0]


def verdict(want: Want, request: SeenRequest) -> Ending | None:
    """What one request means for its binding; None: another one must follow."""
    if request.fault in BROKEN:
        return IN_DOUBT if want.kind in ONLY_ONCE else None
    if request.fault == "inner_error":
        return REJECTED if request.vendor == "custom_api" else None
    return None if request.fault == "answer" else DONE


class Predicted(NamedTuple):
    """What must have come out."""

    endings: Mapping[Key, frozenset[Ending]]
    """For each binding the endings that are right; one, but for what a kill leaves open."""
    wrong: Sequence[str]
    """Calls that should not have been made, and such that are missing."""


class Model:
    """Predicts the endings of a load; `killed` allows what nobody can know after a kill."""

    def __init__(self, load: Load, seen: Calls, *, killed: bool = False,
                 ended: Mapping[Key, Ending] | None = None) -> None:
        self._load = load
        self._seen = seen
        self._killed = killed
        self._ended = ended or {}
        """What came out, which tells of two endings that are right which one the rest of the chain follows."""
        self._wrong: list[str] = [f"{one.vendor} got a change without a mark: {one.path}" for one in seen.strangers]

    def predict(self) -> Predicted:
        """Walk through all events."""
        endings: dict[Key, frozenset[Ending]] = {}
        for event in self._load.events:
            for want, ending in self._chain(event):
                endings[event.app_id, event.event_id, want.id] = ending
            if event.app_id == "alpha":
                endings[event.app_id, event.event_id, EXPORT.id] = frozenset({DONE})
        known = {outcome_id(*key, 0) for key in endings}
        self._wrong += [f"calls of a binding that nobody planned: {mark}" for mark in self._seen.by_outcome
                        if mark not in known]
        return Predicted(endings, self._wrong)

    def _chain(self, event: Event) -> list[tuple[Want, frozenset[Ending]]]:
        found: list[tuple[Want, frozenset[Ending]]] = []
        stopped = False
        for want in CHAINS[event.app_id, event.prompt_id, event.interaction]:
            requests = self._seen.by_outcome.get(outcome_id(event.app_id, event.event_id, want.id, 0), ())
            fixed = ("skipped", "") if stopped else self._without_call(event, want)
            if fixed is not None and requests:
                self._wrong.append(f"{event.event_id} {want.id} was called, but must end {fixed}")
            ending = frozenset({fixed}) if fixed is not None else self._by_calls(event, want, requests)
            found.append((want, ending))
            told = self._ended.get((event.app_id, event.event_id, want.id), DONE)
            followed = {told} if told in ending else ending
            stopped = stopped or (want.stop and not followed & {DONE, ("expired", "")})
        return found

    def _without_call(self, event: Event, want: Want) -> Ending | None:
        """The ending of a binding that no vendor is called for."""
        if want.aging and event.time < max(one.time for one in self._load.events):
            return ("expired", "")
        if want.kind == "account" and event.user_id.startswith("poor"):
            return MISSING
        if want.kind == "coupon" and event.user_id.startswith("missing"):
            return REJECTED
        return DONE if want.kind == "purchase" else None

    def _by_calls(self, event: Event, want: Want, requests: Sequence[SeenRequest]) -> frozenset[Ending]:
        """The ending that the faults of a binding's requests leave."""
        where = f"{event.event_id} {want.id} ({want.kind})"
        verdicts = [verdict(want, one) for one in requests]
        ended = [place for place, one in enumerate(verdicts) if one is not None]
        if want.kind == "coupon" and (not requests or not ended):
            return frozenset({DONE})  # the coupon was found in a look-up
        if want.kind == "ticket" and requests and not ended and requests[-1].fault in BROKEN:
            return frozenset({DONE})  # the ticket was found by its external id
        if not ended:
            if self._killed and want.kind in ONLY_ONCE:
                return frozenset({IN_DOUBT})  # marked, and killed before it was sent
            told = self._ended.get((event.app_id, event.event_id, want.id))
            self._wrong.append(f"{where} was never called to an end, and ended as {told}: "
                               f"{[(one.status, one.fault) for one in requests]}")
            return frozenset({DONE})
        if ended[0] != len(requests) - 1 and not (self._killed and want.kind not in ONLY_ONCE):
            self._wrong.append(f"{where} was called after it had ended: "
                               f"{[(one.status, one.fault, one.time) for one in requests]}")
        ending = verdicts[ended[0]]
        if self._killed and want.kind in ONLY_ONCE:
            return frozenset({ending, IN_DOUBT})  # type: ignore[arg-type]
        return frozenset(one for one in verdicts if one is not None)


def differences(predicted: Predicted, results: Iterable[ActionResult]) -> list[str]:
    """Where results and prediction part: missing, repeated, other than they should be."""
    found = list(predicted.wrong)
    seen: Counter[tuple[str, str, str, int]] = Counter()
    for one in results:
        key = (one.app_id, one.event_id, one.binding_id)
        seen[*key, one.run] += 1
        wanted = predicted.endings.get(key)
        if wanted is None:
            found.append(f"nobody asked for {key}")
        elif (one.outcome, one.reason) not in wanted:
            found.append(f"{key} ended {one.outcome} {one.reason} ({one.code}: {one.message}), not {sorted(wanted)}")
    found += [f"{key} ended {count} times" for key, count in seen.items() if count > 1]
    found += [f"{key} has no outcome" for key in predicted.endings if (*key, 0) not in seen]
    return found
