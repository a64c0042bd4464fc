"""What an address names, where there is such a thing."""

from __future__ import annotations

from connectors.kit.connector import Connector
from console.security.refusals import NotFound
from console.visit import Visit
from processor.config.errors import nearest


def connector_of(visit: Visit, name: str) -> Connector:
    """The connector; raises NotFound."""
    found = visit.options.known.get(name)
    if found is None:
        raise NotFound(f"There is no connector '{name}' ({nearest(name, visit.options.known)}).")
    return found
