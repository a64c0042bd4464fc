"""User attributes: one synced change, and what all changes of a user add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.kit.event import Value

MODES = ("merge", "replace")
"""How a change meets what was synced before."""


class UserAttributes(NamedTuple):
    """One synced change; field for field the Avro record UserAttributes."""

    app_id: str
    user_id: str
    mode: str
    """One of `MODES`."""
    attributes: Mapping[str, Value]
    """In a merge, None removes one attribute."""
    time: int
    """Milliseconds since 1970, by the publisher's clock."""
    source: str = ""


class AttributesState(NamedTuple):
    """The merged attributes of one user; field for field the Avro record AttributesState."""

    attributes: Mapping[str, Value]
    offset: int
    """Of the newest change, in the topic of user attributes."""
    time: int
    """Broker time of that change in milliseconds."""
