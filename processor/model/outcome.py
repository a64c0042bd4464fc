"""Outcomes and receipts: how one binding ended for one event in one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Ending = Literal["succeeded", "failed", "skipped", "expired"]


class Receipt(NamedTuple):
    """What is kept of a finished binding; field for field the Avro record Receipt."""

    binding_id: str
    outcome: str
    """One of `Ending`."""
    note: str = ""
    """`accepted` or `already_done` beside `succeeded`."""
    reason: str = ""
    """Why it failed: one of the failure reasons of the kit."""
    code: str = ""
    message: str = ""
    reference: str = ""
    request_id: str = ""
    status: int = 0
    attempts: int = 0
    started_at: int = 0
    """Milliseconds since 1970, as all times in records."""
    finished_at: int = 0
    config_version: str = ""
    detail: Mapping[str, str] = {}


class ActionResult(NamedTuple):
    """One outcome as the results topic carries it; field for field the Avro record ActionResult."""

    event_id: str
    app_id: str
    user_id: str
    prompt_id: str
    interaction: str
    event_time: int
    run: int
    binding_id: str
    position: int
    """Place in the chain, from 0; -1 for an export."""
    connector: str
    action: str
    outcome: str
    note: str
    reason: str
    code: str
    message: str
    reference: str
    request_id: str
    status: int
    attempts: int
    started_at: int
    finished_at: int
    config_version: str
    attributes_offset: int
    """Offset in `user.attributes` of the newest change used; -1 where the user has none."""
    attributes_time: int
    """Broker time of that change; 0 where the user has none."""
    detail: Mapping[str, str]
    planned: int = 0
    """How many bindings the chain, or the event's exports, had in this run."""
