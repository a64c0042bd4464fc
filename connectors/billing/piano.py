"""Piano (Composer, VX): renewal, terms and billing dates of subscriptions. Publisher API v3, https://docs.piano.io/."""

from __future__ import annotations

from typing import Any

from connectors.billing import _piano_lookups as lookups
from connectors.billing._piano_forms import CancelSubscription, MoveNextBillDate, PianoSettings, UpgradeSubscription
from connectors.billing._piano_lookups import API, Row, read
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    NoParams,
    Rejected,
    Repeat,
    Sign,
    all_of,
    any_of,
    get,
    post,
    sign_with,
)
from connectors.kit.action import Note
from connectors.kit.http import JSON
from connectors.kit.moment import moment

TOKEN_HEADER = "api_token"  # noqa: S105 - the name of a header
COUNT = f"{API}/subscription/count"
RESUME, CANCEL, UPDATE = f"{API}/subscription/resume", f"{API}/subscription/cancel", f"{API}/subscription/update"
CAN_CHANGE, CHANGE = f"{API}/term/change/can", f"{API}/term/change/do"
DAY = 86_400
USER = any_of("piano_subscription_id", "piano_uid")


def signer(settings: PianoSettings) -> Sign:
    """The token in a header: as a parameter it would stand in logs."""
    return sign_with(settings.address, {TOKEN_HEADER: settings.api_token.get_secret_value(), "Accept": JSON})


def check(settings: PianoSettings) -> CheckFlow:
    """How many subscriptions there are; what Piano shows of an application holds its keys, hence not that."""
    yield get(COUNT, query={"aid": settings.aid}, step="count")
    return Account(f"Piano {settings.aid}", "sandbox" if settings.region == "sandbox" else "live")


connector = Connector(
    id="piano", title="Piano", category="billing", settings=PianoSettings, signer=signer, read=read, check=check,
    help="Renews, cancels and moves subscriptions between terms. Users are found by the synced attribute"
         " piano_subscription_id, else by piano_uid. Piano has no call that redeems a promotion code.",
    docs="https://docs.piano.io/", api_version="v3", request_id_header=lookups.REQUEST_ID,
    options={"terms": lookups.terms},
    limits=Limits(concurrency=4, timeout=60.0),  # the vendor names none: carefully few
    confidence="Requests are those of Piano's own library; not tried against a live application. Low confidence: what"
               " the numbers of codes, billing timings and states of a term change mean, the form of its date, rate"
               " limits.",
)


def _target(call: Call[PianoSettings, Any], row: Row) -> Row:
    return {"aid": call.settings.aid, "subscription_id": row["subscription_id"]}


def _done(row: Row, note: Note = "", **detail: str) -> Done:
    return Done(str(row["subscription_id"]), note, detail)


@connector.action(
    "resubscribe", "Resubscribe", params=NoParams, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="A subscription that was cancelled and has not ended renews again. Users with several such subscriptions are"
         " refused unless piano_subscription_id is synced.",
)
def resubscribe(call: Call[PianoSettings, NoParams]) -> Flow:
    """Resume the only subscription that can be, unless one renews already."""
    rows = yield from lookups.subscriptions(call)
    resumable: list[Row] = []
    renewing: list[Row] = []
    for row in (one for one in rows if lookups.runs(one, call.now)):
        whole = row
        if not lookups.renews(row) and "can_be_resumed" not in row:
            whole = yield from lookups.subscription(call, str(row["subscription_id"]))
        if lookups.renews(whole):
            renewing.append(whole)
        elif whole.get("can_be_resumed") is True:
            resumable.append(whole)
    if renewing and not resumable:
        return _done(renewing[0], "already_done")
    if not resumable:
        raise Rejected("cannot_be_resumed", "the user has no cancelled subscription that Piano would resume")
    row = lookups.only(resumable)
    yield post(RESUME, form=_target(call, row), step="resume")
    return _done(row)


@connector.action(
    "upgrade_subscription", "Upgrade subscription", params=UpgradeSubscription, requires=all_of("piano_uid"),
    repeat=Repeat.LOOK_BEFORE,
    help="Moves the user from one term to another. Piano takes the change and carries it out by itself; its state is"
         " read once and stands in the outcome.",
)
def upgrade_subscription(call: Call[PianoSettings, UpgradeSubscription]) -> Flow:
    """Ask for a change of term, unless the user is there or on the way."""
    want = call.params
    rows = [row for row in (yield from lookups.subscriptions(call)) if lookups.runs(row, call.now)]
    there = lookups.on_term(rows, want.to_term_id)
    if there:
        return _done(there[0], "already_done", term=want.to_term_id)
    here = lookups.on_term(rows, want.from_term_id)
    if not here:
        raise Rejected("wrong_term", "the user has no running subscription on the term to be left")
    row = here[0]
    state = yield from lookups.upgrade(call, str(row["subscription_id"]))
    if lookups.is_this(call, state) and not state.get("error_message"):
        return _done(row, "accepted", **_state(state))
    answer = yield post(CAN_CHANGE, form={"subscription_id": row["subscription_id"]}, step="can_change", effect=False)
    if lookups.value(answer) is False:
        raise Rejected("cannot_change_term", "Piano says that the term of this subscription cannot be changed now")
    yield post(CHANGE, form=_change(call, row), step="change")
    state = yield from lookups.upgrade(call, str(row["subscription_id"]))
    if lookups.is_this(call, state) and state.get("error_message"):
        raise Rejected("change_failed", str(state["error_message"]))
    return _done(row, "accepted", **_state(state))


def _change(call: Call[PianoSettings, UpgradeSubscription], row: Row) -> Row:
    want = call.params
    return {
        "aid": call.settings.aid, "uid": call.first("piano_uid"), "subscription_from": row["subscription_id"],
        "term_to": want.to_term_id, "term_to_period_id": want.to_term_period_id or None,
        "billing_timing": want.billing_timing, "immediate_access": want.immediate_access,
        "prorate_access": want.prorate_access,
    }


def _state(state: Row) -> dict[str, str]:
    """What is worth keeping of a change of term."""
    return {name: str(state[name]) for name in ("to_term_id", "change_date", "status") if state.get(name) is not None}


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelSubscription, requires=USER,
    repeat=Repeat.LOOK_BEFORE,
    help="Stops renewal. Users with several subscriptions that renew are refused unless piano_subscription_id is"
         " synced.",
)
def cancel_subscription(call: Call[PianoSettings, CancelSubscription]) -> Flow:
    """Stop the only subscription that renews."""
    rows = yield from lookups.subscriptions(call)
    renewing = [row for row in rows if lookups.renews(row)]
    if not renewing:
        return _done(rows[0], "already_done")
    row = lookups.only(renewing)
    body = {**_target(call, row), "refund_last_payment": call.params.refund_last_payment}
    yield post(CANCEL, form=body, step="cancel")
    return _done(row)


@connector.action(
    "move_next_bill_date", "Move the next billing date", params=MoveNextBillDate, requires=USER, repeat=Repeat.NEVER,
    help="The next charge comes so many days later. The date says nothing of who moved it: where an answer is lost, a"
         " person looks at the subscription's next bill in Piano.",
)
def move_next_bill_date(call: Call[PianoSettings, MoveNextBillDate]) -> Flow:
    """Move the next bill of the newest subscription that has one."""
    rows = yield from lookups.subscriptions(call)
    billed = [row for row in rows if lookups.renews(row) and moment(row.get("next_bill_date"))]
    if not billed:
        raise Rejected("nothing_to_move", "the user has no subscription with a next bill")
    day = int(moment(billed[0]["next_bill_date"])) + call.params.days * DAY
    yield post(UPDATE, form={**_target(call, billed[0]), "next_bill_date": day}, step="move")
    return _done(billed[0], next_bill_date=str(day))
