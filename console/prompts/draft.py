"""A prompt as somebody is about to leave it: carried by the forms of its page, live only once saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from connectors.kit.event import CHAIN_INTERACTIONS
from console.editing import part_of
from console.prompts.chains import Place, Raw, chain_of, tidy
from console.security.refusals import Invalid, NotFound
from console.visit import Visit

Read = dict[str, Any] | None
LOST = "This page was sent incompletely. Open the prompt again; what is saved is as it was."


class Draft(NamedTuple):
    """What the prompt would be."""

    prompt: str
    raw: Read
    """None where the prompt is to be removed."""
    base: int
    """The version of the app that it was made from."""
    live: Read
    """What the prompt is now; None where there is none."""
    earlier: Read = None
    """The draft before the last step, for undo."""
    done: str = ""
    """What the last step did; "" where there is nothing to undo."""

    @property
    def is_changed(self) -> bool:
        """Whether saving would change anything."""
        return _tidy(self.raw) != _tidy(self.live)

    @property
    def now(self) -> Raw:
        """The draft, empty where the prompt is to be removed."""
        return self.raw or {}

    def after(self, raw: Read, done: str) -> Draft:
        """The draft after one more step."""
        return self._replace(raw=raw, earlier=self.raw, done=done)

    def packed(self, which: str) -> str:
        """`raw` or `earlier` as forms carry it."""
        return orjson.dumps(getattr(self, which)).decode()


def _tidy(raw: Read) -> Read:
    return None if raw is None else tidy(raw)


def live_of(visit: Visit, prompt: str) -> Read:
    """The prompt as it is now; None where there is none."""
    found = part_of(visit.content, ("prompts",))
    if not isinstance(found, Mapping) or prompt not in found:
        return None
    return dict(found[prompt] or {})


def opened(visit: Visit, prompt: str) -> Draft:
    """The prompt as it is, before any change; raises NotFound."""
    live = live_of(visit, prompt)
    if live is None:
        raise NotFound(f"There is no prompt '{prompt}' in {visit.app_title}. It may have been removed.")
    return Draft(prompt, live, visit.version.number, live)


def sent(visit: Visit, prompt: str) -> Draft:
    """The draft that a form carried; the prompt as it is where it carried none."""
    if not visit.text("draft"):
        return opened(visit, prompt)
    done = visit.text("done")[:200]
    return Draft(prompt, _titled(visit, _unpacked(visit, "draft")), visit.number("base"), live_of(visit, prompt),
                 _unpacked(visit, "earlier") if done else None, done)


def _unpacked(visit: Visit, name: str) -> Read:
    try:
        found = orjson.loads(visit.text(name) or "null")
    except ValueError:
        raise Invalid(LOST) from None
    if found is not None and not (isinstance(found, dict) and all(_is_chain(found, one) for one in CHAIN_INTERACTIONS)):
        raise Invalid(LOST)
    return found


def _is_chain(prompt: Raw, interaction: str) -> bool:
    chain = prompt.get(interaction, [])
    return isinstance(chain, list) and len(chain_of(prompt, interaction)) == len(chain)


def _titled(visit: Visit, raw: Read) -> Read:
    """The title is typed beside all that is clicked."""
    if raw is None or "title" not in visit.form:
        return raw
    return tidy({**raw, "title": visit.text("title").strip()})


def place_of(draft: Draft, interaction: str, at: str) -> Place:
    """A binding of the draft; raises Invalid where there is none."""
    number = int(at) if at.isascii() and at.isdigit() and len(at) < 5 else -1
    if interaction in CHAIN_INTERACTIONS and 0 <= number < len(chain_of(draft.now, interaction)):
        return Place(interaction, number)
    raise Invalid("That action is not at its place any more. Open the prompt again.")


def interaction_of(name: str) -> str:
    """An interaction that actions can be bound to; raises Invalid."""
    if name in CHAIN_INTERACTIONS:
        return name
    raise Invalid(f"No actions can be bound to '{name}'.")
