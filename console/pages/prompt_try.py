"""*Try it*: what would run for a user's answer and what is missing, with the draft as it is; nothing is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from connectors.kit.event import CHAIN_INTERACTIONS
from console.forms.fields import Choice, FormField
from console.forms.typed import Typed, typed
from console.prompts import draft
from console.prompts.draft import Draft
from console.prompts.page import page
from console.prompts.trying import Wish, tried
from console.visit import Here, Visit
from console.words import INTERACTIONS
from processor.config.durations import EXAMPLES, seconds
from processor.config.errors import ConfigErrors

PREFIX = "t."
FIELDS = (
    FormField("user", "User", "text", "The user's id, as events name it.", is_required=True),
    FormField("interaction", "Answer", "choice", default="accept", choices=tuple(
        Choice(one, INTERACTIONS[one], one) for one in CHAIN_INTERACTIONS)),
    FormField("form", "What the user typed into the prompt", "pairs", "Form inputs, where an action asks for any."),
    FormField("attributes", "Attributes to try with", "pairs", "They count beside those that are synced, or in their"
              " place; one without a value counts as missing."),
    FormField("ago", "How long ago the answer was", "text", f"{EXAMPLES.capitalize()}. Empty: now."),
)
VERDICTS: Mapping[str, tuple[str, str]] = {
    "runs": ("Runs", "good"), "instructs": ("Tells the app", "good"), "missing": ("Something is missing", "warn"),
    "fails": ("Would fail", "bad"), "expired": ("Too late", ""), "skipped": ("Not reached", ""),
}
"""Word and kind of the badge."""


def show(visit: Here, prompt: str) -> Response:
    """The form, for the prompt as it is."""
    return _page(visit, draft.opened(visit, prompt), Typed({}, {"interaction": "accept"}, {}))


def run(visit: Here, prompt: str) -> Response:
    """Try the draft that the form carried; where it names no user yet, ask for one."""
    now = draft.sent(visit, prompt)
    if PREFIX + "user" not in visit.form:
        return _page(visit, now, Typed({}, {"interaction": "accept"}, {}))
    sent = typed(FIELDS, visit.form, PREFIX)
    wish = _wish(sent)
    if wish is None:
        return _page(visit, now, sent, 422)
    try:
        return _page(visit, now, sent, found=tried(visit, prompt, now.raw, wish))
    except ConfigErrors as wrong:
        return _page(visit, now, sent, 422, mistakes=[str(one) for one in wrong.errors])


def _wish(sent: Typed) -> Wish | None:
    """What is wanted; None with what is wrong noted."""
    values = sent.values
    if not values.get("user"):
        sent.wrong["user"] = "Whose attributes shall count?"
    try:
        ago = seconds(values["ago"]) if values.get("ago") else 0.0
    except ValueError as error:
        sent.wrong["ago"] = str(error)
    if sent.wrong:
        return None
    interaction = values.get("interaction", "accept")
    if interaction not in CHAIN_INTERACTIONS:
        sent.wrong["interaction"] = "There is no such answer."
        return None
    return Wish(values["user"], interaction, values.get("form") or {}, values.get("attributes") or {}, ago)


def _page(visit: Visit, now: Draft, sent: Typed, status: int = 200, **more: Any) -> Response:
    facts = {"fields": FIELDS, "prefix": PREFIX, "sent": sent, "found": None, "mistakes": (), "verdicts": VERDICTS}
    return page(visit, now, "prompt_try.html", status, **{**facts, **more})
