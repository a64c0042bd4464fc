"""Emulated vendors over real HTTP on loopback, with state, checks, a ledger of effects, and scripted faults."""

from testkit.vendors.client import Control, ControlError, SeenRequest
from testkit.vendors.faults import Fault
from testkit.vendors.ledger import Effect, Replay, silent_repeats
from testkit.vendors.server import VendorServer

__all__ = [
    "Control", "ControlError", "Effect", "Fault", "Replay", "SeenRequest", "VendorServer", "silent_repeats",
]
