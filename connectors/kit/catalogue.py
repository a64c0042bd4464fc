"""All connectors there are: files of this package, and entry points of packages from outside."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

import connectors
from connectors.kit.connector import Connector

FOLDERS = ("billing", "crm_marketing", "analytics", "push", "custom")
ENTRY_POINTS = "prompt_actions.connectors"


@cache
def catalogue() -> Mapping[str, Connector]:
    """Every connector by id, in the order of their ids; raises ValueError where two share one."""
    found: dict[str, Connector] = {}
    for connector in [*_own(), *_foreign()]:
        if connector.id in found:
            raise ValueError(f"two connectors have the id '{connector.id}'")
        found[connector.id] = connector
    return dict(sorted(found.items()))


def _own() -> list[Connector]:
    names = [
        f"connectors.{folder}.{module.name}"
        for folder in FOLDERS
        for base in connectors.__path__
        for module in pkgutil.iter_modules([f"{base}/{folder}"])
        if not module.name.startswith("_")  # the second file of a connector that is too long for one
    ]
    return [_checked(importlib.import_module(name).connector, name) for name in names]


def _foreign() -> list[Connector]:
    return [_checked(point.load(), point.value) for point in entry_points(group=ENTRY_POINTS)]


def _checked(value: object, where: str) -> Connector:
    if not isinstance(value, Connector):
        raise TypeError(f"{where}: expected a Connector, found {type(value).__name__}")
    return value
