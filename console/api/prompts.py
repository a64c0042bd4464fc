"""Prompts and their actions, for programs: found, read, changed one at a time, tried without any call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from console import editing
from console.api.kept import hidden, restored
from console.api.shapes import Applied, Body
from console.prompts.draft import live_of
from console.prompts.listing import PAGE, listing
from console.prompts.trying import Wish, tried
from console.security.refusals import Conflict, Invalid, NotFound
from console.visit import Here, Visit
from processor.config.durations import EXAMPLES, seconds
from processor.control.explaining import Step, Verdict

Chained = Literal["accept", "secondary_accept", "decline", "dismiss", "timeout"]
Attribute = str | bool | int | float | list[str] | None


class PromptSummary(BaseModel):
    """A prompt as lists show it."""

    id: str
    title: str
    actions: dict[str, list[str]] = Field(description="By interaction, the actions that it sets off, in order.")


class PromptPage(BaseModel):
    """Prompts, in the order of the configuration."""

    prompts: list[PromptSummary]
    total: int = Field(description="How many fit.")
    page: int
    pages: int


class PromptDetail(BaseModel):
    """A prompt with its chains."""

    id: str
    base: int = Field(description="The app's version: name it in the next change.")
    prompt: dict[str, Any] = Field(description="`title`, and by interaction the list of actions, as in files.")


class PromptChange(Body):
    """What a prompt becomes."""

    base: int = Field(ge=0, description="The app's version that this change was made from. Changes of other prompts"
                                        " since then do not matter.")
    prompt: dict[str, Any] = Field(description="The whole prompt, as it was read.")
    note: str = Field("", max_length=200, description="Why.")


class ExplainWish(Body):
    """What is tried."""

    user: str = Field(min_length=1, max_length=1000)
    prompt: str = Field(min_length=1, max_length=1000)
    interaction: Chained
    form: dict[str, str] = Field({}, description="What the user typed into the prompt.")
    attributes: dict[str, Attribute] = Field({}, description="Beside those that are synced, or in their place; null"
                                             " takes one away.")
    ago: str = Field("", description=f"How long ago the interaction was: {EXAMPLES}. Empty: now.")
    draft: dict[str, Any] | None = Field(None, description="A prompt in the place of the one that is live.")


class ExplainedStep(BaseModel):
    """What one binding, or an export, would do."""

    position: int = Field(description="Place in the chain, from 0; -1 for an export.")
    binding: str
    title: str
    verdict: Verdict
    says: str
    requires: list[str]
    missing: list[str]
    on_error: str
    repeat: str = Field(description="How safe it is to do it twice.")
    request: dict[str, str] | None = Field(description="The first call, without credentials and personal data.")


class Explained(BaseModel):
    """What would happen; nothing was called."""

    chain: list[ExplainedStep]
    exports: list[ExplainedStep]
    known: list[str] | None = Field(description="Names of the attributes that are synced; null: nothing is known.")
    trouble: str = Field(description="Why it could not be read what is synced; empty where it could.")


def listed(visit: Here, q: str = "", page: Annotated[int, Query(ge=1)] = 1,
           limit: Annotated[int, Query(ge=1, le=500)] = PAGE) -> PromptPage:
    """Prompts whose id, title or actions hold all words of `q`; a page beyond the last is the last."""
    found = listing(visit.content, q, page, limit)
    return PromptPage(total=found.total, page=found.page, pages=found.pages, prompts=[
        PromptSummary(id=one.id, title=one.title, actions={name: list(some) for name, some in one.actions.items()})
        for one in found.prompts])


def show(visit: Here, prompt: str) -> PromptDetail:
    """One prompt with its chains."""
    return PromptDetail(id=prompt, base=visit.version.number, prompt=hidden(_live(visit, prompt)))


def change(visit: Here, prompt: str, body: PromptChange) -> Applied:
    """Put a prompt live, or make it; nothing is overwritten that somebody else changed meanwhile."""
    wanted = restored(body.prompt, live_of(visit, prompt) or {})
    return _put(visit, prompt, wanted, body.base, body.note or "actions")


def remove(visit: Here, prompt: str, base: int, note: str = "") -> Applied:
    """Remove a prompt: its events set nothing off any more."""
    _live(visit, prompt)
    return _put(visit, prompt, None, base, f"removed{f': {note[:200]}' if note else ''}")


def explain(visit: Here, body: ExplainWish) -> Explained:
    """What would run for a user's answer and what is missing; nothing is published or called."""
    try:
        ago = seconds(body.ago) if body.ago else 0.0
    except ValueError as error:
        raise Invalid(f"ago: {error}.") from None
    raw = live_of(visit, body.prompt) if body.draft is None else body.draft
    found = tried(visit, body.prompt, raw, Wish(body.user, body.interaction, body.form, body.attributes, ago))
    return Explained(chain=[_step(one) for one in found.chain], exports=[_step(one) for one in found.exports],
                     known=None if found.known is None else list(found.known), trouble=found.trouble)


def _live(visit: Visit, prompt: str) -> Mapping[str, Any]:
    found = live_of(visit, prompt)
    if found is None:
        raise NotFound(f"There is no prompt '{prompt}' in {visit.app_title}.")
    return found


def _put(visit: Visit, prompt: str, wanted: Mapping[str, Any] | None, base: int, note: str) -> Applied:
    if not prompt.strip() or len(prompt) > 1000:
        raise Invalid("A prompt's id has 1 to 1,000 characters.")
    try:
        made = editing.put(visit, ("prompts", prompt), wanted, base=base, note=f"prompt {prompt}: {note}")
    except editing.Clash as clash:
        raise Conflict(f"The prompt was changed by {clash.current.by} in version {clash.current.number}: look at it,"
                       " then send your change with that base.") from None
    return Applied(app=visit.app, version=made.number, digest=made.digest)


def _step(one: Step) -> ExplainedStep:
    return ExplainedStep(**{**one._asdict(), "request": one.request._asdict() if one.request else None})
