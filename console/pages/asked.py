"""What an address names, where there is such a thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.connector import Connector
from console.editing import part_of
from console.security.refusals import NotFound
from console.visit import Visit
from processor.config.errors import nearest


def connector_of(visit: Visit, name: str) -> Connector:
    """The connector; raises NotFound."""
    found = visit.options.known.get(name)
    if found is None:
        raise NotFound(f"There is no connector '{name}' ({nearest(name, visit.options.known)}).")
    return found


def kept_of(visit: Visit, connector: Connector) -> Mapping[str, Any]:
    """What the app keeps of a connector; nothing where it is not set up."""
    found = part_of(visit.content, ("connectors", connector.id))
    return found if isinstance(found, Mapping) else {}
