"""What there is to pick for a parameter, asked of the vendor with the app's own settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from connectors.kit.connector import Connector
from connectors.kit.errors import Failure
from console.draft import alone
from console.editing import part_of
from console.prompts.pick_cache import Picked
from console.visit import Visit
from processor.config.errors import ConfigErrors
from processor.control.checking import options

SHOWN = 1000
"""Entries that a page gets of one list."""


def picked(visit: Visit, connector: Connector, name: str) -> Picked:
    """A list of the connector's vendor, or why there is none; a little old, since vendors are slow."""
    entry = part_of(visit.content, ("connectors", connector.id))
    settings = entry.get("settings") if isinstance(entry, Mapping) else None
    digest = sha256(json.dumps(settings or {}, sort_keys=True, default=str).encode()).hexdigest()
    return visit.console.picks.of((visit.app, connector.id, digest, name),
                                  lambda: _asked(visit, connector, entry, name))


def _asked(visit: Visit, connector: Connector, entry: Any, name: str) -> Picked:
    if not isinstance(entry, Mapping):
        return Picked(why=f"{connector.title} is not set up for this app")
    try:
        used = alone(visit, connector, entry)
        with visit.options.dialling() as dial:
            found = options(used, name, dial)
    except ConfigErrors as wrong:
        return Picked(why="; ".join(one.message for one in wrong.errors))
    except Failure as failure:
        return Picked(why=f"{failure.reason}: {failure.message or failure.code}")
    return Picked(found[:SHOWN], more=max(0, len(found) - SHOWN))
