"""Where configuration lives for those who change it: versions of each app's content, applied whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from processor.config.model import App, Configuration

COMPANY = "@company"
"""The name under which the company itself is kept: its title, members and tokens. No app can be called so."""

Content = Mapping[str, Any]
"""What was written, as plain data. Of an app: `app`, `connectors` and `prompts`, as their YAML files have them.

Secrets are references (`env:`, `file:`, `vault:`) or sealed (`sealed:<key id>:<text>`), never plain.
"""


class Version(NamedTuple):
    """One version of one app, or of the company."""

    name: str
    """The app's id, or COMPANY."""
    number: int
    """From 1, without gaps; what the next change names as its base. 0 where configuration is files."""
    digest: str
    """`App.version`: 12 hex digits over the content, which outcomes carry."""
    at: int
    """Milliseconds since 1970."""
    by: str
    note: str
    content: Content | None
    """None where the app was removed."""


class ReadOnlyError(Exception):
    """Configuration comes from files under version control: it is changed there."""


class StoreError(Exception):
    """The store cannot be reached, or does not answer; the text says what may be the cause."""


class ConflictError(Exception):
    """Somebody else applied a version meanwhile; nothing was written."""

    def __init__(self, base: int, current: Version) -> None:
        super().__init__(f"{current.name} is at version {current.number}, by {current.by}; this change was made from"
                         f" version {base}: look at the difference and apply again")
        self.base, self.current = base, current


class Store(Protocol):
    """The configuration as those who change it see it."""

    @property
    def read_only(self) -> bool:
        """Whether changes are made elsewhere."""

    @property
    def where(self) -> str:
        """For people: the folder or the topic."""

    def names(self) -> tuple[str, ...]:
        """Ids of the apps that are there, in order."""

    def current(self, name: str) -> Version | None:
        """The newest version; None where there never was one."""

    def history(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The newest versions first."""

    def outline(self, name: str, limit: int = 50) -> tuple[Version, ...]:
        """The same without their contents, and quick: they change exactly when the versions do."""

    def version(self, name: str, number: int) -> Version | None:
        """One version; None where it is not kept."""

    def apply(self, name: str, content: Content | None, *, base: int, by: str, note: str = "") -> Version:
        """Write the next version, checked first.

        Raises ConfigErrors (every mistake), ConflictError (`base` is not the current number), ReadOnlyError.
        """

    def compiled(self, name: str, content: Content) -> App:
        """What the engine would make of an app's content; raises ConfigErrors."""

    def configuration(self) -> Configuration:
        """All apps as they are now, compiled."""


def contents_of(store: Store, names: Iterable[str]) -> dict[str, Content]:
    """What a store has now of these names, without those of which it has nothing."""
    found = {name: store.current(name) for name in names}
    return {name: one.content for name, one in found.items() if one is not None and one.content is not None}
