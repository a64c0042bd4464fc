"""The pages that can be reached from everywhere, and who sees them there."""

from __future__ import annotations

from typing import NamedTuple

from processor.access import Permission


class Link(NamedTuple):
    """One entry beside every page."""

    title: str
    href: str
    """With `{app}` where it is about an app."""
    permission: Permission
    group: str = ""
    """Under which heading it stands."""
    also: tuple[str, ...] = ()
    """Beginnings of the other pages that belong to it."""

    def at(self, app: str) -> Link:
        """The entry for an app."""
        return self._replace(href=self.href.format(app=app), also=tuple(one.format(app=app) for one in self.also))

    def holds(self, path: str) -> bool:
        """Whether a page belongs to it."""
        return any(path == one or path.startswith(f"{one}/") for one in (self.href, *self.also))


NAVIGATION: tuple[Link, ...] = (
    Link("Prompts", "/apps/{app}/prompts", Permission.SEE_BINDINGS,
         also=("/apps/{app}/try", "/apps/{app}/prompt-history")),
    Link("Activity", "/apps/{app}/activity", Permission.SEE_ACTIVITY),
    Link("Dead letters", "/apps/{app}/dead-letters", Permission.SEE_DEAD_LETTERS,
         also=("/apps/{app}/replays",)),
    Link("Health", "/apps/{app}/health", Permission.SEE_HEALTH),
    Link("Actions", "/apps/{app}/connectors", Permission.SEE_SETTINGS, "Settings"),
    Link("Access", "/apps/{app}/access", Permission.SEE_MEMBERS, "Settings",
         also=("/apps/{app}/audit",)),
)
"""In the order shown; the server asks again when a page is opened."""
