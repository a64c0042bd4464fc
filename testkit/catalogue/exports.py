"""Exports and trait syncs: one item of one user, in a batch of its own."""

from __future__ import annotations

from collections.abc import Mapping

from testkit.catalogue.case import ACCEPTED, DOUBT, Case, On

TRAITS = {"traits": ["plan"]}
WHO = {
    "plan": "gold", "email_address": "{user}@example.com", "amplitude_user_id": "{user}", "heap_identity": "{user}",
    "ga_client_id": "{number}.1", "mparticle_customer_id": "{user}", "segment_user_id": "{user}",
    "mixpanel_distinct_id": "{user}",
}
"""Attributes under which every vendor knows the user."""

EXPORTS: Mapping[str, tuple[Case, ...]] = {
    "adobe_experience_platform": (
        Case("export_prompt_event", ("event.collected",), {}, On("POST", "collect"), lost=ACCEPTED, busy=ACCEPTED),
        Case("sync_user_traits", ("profile.updated",), TRAITS, On("POST", "collect"), lost=ACCEPTED, busy=ACCEPTED),
    ),
    "amplitude": (
        Case("export_prompt_event", ("event.ingested",)),
        Case("sync_user_traits", ("user.identified",), TRAITS),
    ),
    "google_analytics": (
        Case("export_prompt_event", ("event.collected",), lost=DOUBT, busy=ACCEPTED),
        Case("sync_user_traits", ("user.updated", "event.collected"), TRAITS, lost=DOUBT, busy=ACCEPTED),
    ),
    "heap": (
        Case("export_prompt_event", ("event.tracked",)),
        Case("sync_user_traits", ("user.updated",), TRAITS),
    ),
    "iterable": (
        Case("sync_user_traits", ("user.created",), TRAITS, On(path="/users/"), lost=ACCEPTED, busy=ACCEPTED),
        Case("export_prompt_event", ("event.tracked",), {}, On(path="/events/"), lost=ACCEPTED, busy=ACCEPTED),
    ),
    "mixpanel": (
        Case("export_prompt_event", ("event.imported",)),
        Case("sync_user_traits", ("profile.updated",), TRAITS),
    ),
    "mparticle": (
        Case("export_events", ("event.accepted",), lost=DOUBT, busy=ACCEPTED),
        Case("sync_user_traits", ("user.updated",), TRAITS, lost=ACCEPTED, busy=ACCEPTED),
    ),
    "segment": (
        Case("export_prompt_event", ("track.taken",), lost=ACCEPTED, busy=ACCEPTED),
        Case("sync_user_traits", ("identify.taken",), TRAITS, lost=ACCEPTED, busy=ACCEPTED),
    ),
}
"""By connector, in the order of its exports."""
