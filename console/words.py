"""Words for people: of categories, states, interactions and permissions, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kit.action import Requires

CATEGORIES: Mapping[str, str] = {
    "billing": "Billing", "crm_marketing": "CRM & Marketing", "analytics": "Analytics & Events", "push": "Push",
    "custom": "Custom",
}
"""In the order of the catalogue."""

INTERACTIONS: Mapping[str, str] = {
    "accept": "Accept", "secondary_accept": "Secondary accept", "decline": "Decline", "dismiss": "Dismiss",
    "timeout": "Timeout", "impression": "Impression", "custom_goal": "Custom goal", "holdout": "Holdout",
}

STATES: Mapping[str, tuple[str, str]] = {
    "active": ("Active", "good"), "inactive": ("Inactive", ""), "paused": ("Paused by the system", "warn"),
    "attention": ("Needs attention", "bad"), "not_configured": ("Not configured", ""),
}
"""Of connectors: word, and kind of the badge."""


def needed(requires: Requires) -> str:
    """The attributes that must be synced; "" for none."""
    some = [" or ".join(requires.any_of)] if requires.any_of else []
    return ", ".join([*requires.all_of, *some])
