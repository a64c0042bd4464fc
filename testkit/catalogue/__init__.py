"""Every action and export of every connector, with what it needs at its emulator and how it must end there."""

from collections.abc import Mapping

from testkit.catalogue.billing import BILLING
from testkit.catalogue.case import Case
from testkit.catalogue.exports import EXPORTS
from testkit.catalogue.people import PEOPLE
from testkit.catalogue.stores import STORES

__all__ = ["ACTIONS", "EXPORTS"]

ACTIONS: Mapping[str, tuple[Case, ...]] = {**BILLING, **STORES, **PEOPLE}
"""Actions by connector."""
