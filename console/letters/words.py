"""What is told of dead letters: the words of the command, where they name buttons instead of its options."""

from __future__ import annotations

from collections.abc import Mapping

from processor.dead_letters.telling import ACT as COMMAND_ACT
from processor.dead_letters.telling import WHY

REASONS: Mapping[str, str] = {
    "rejected": "Rejected", "missing_attributes": "Missing attributes", "misconfigured": "Misconfigured",
    "unavailable": "Unavailable", "in_doubt": "In doubt", "undecodable": "Undecodable", "broken": "Broken",
}
STATES: Mapping[str, tuple[str, str]] = {
    "open": ("Open", "bad"), "replayed": ("On its way again", "accent"), "succeeded": ("Succeeded", "good"),
    "closed": ("Closed", ""),
}
"""Word, and kind of the badge."""

ACT: Mapping[str, str] = {
    **COMMAND_ACT,
    "in_doubt": "Somebody with access to the vendor: look whether it happened. If so, close the letter; if not, replay"
                " it with “I have looked at the vendor” ticked.",
    "undecodable": "Whoever publishes the messages: mend the producer or its schema. The message itself is replayed"
                   " once it can be read, or after you have mended it here.",
}
_OPTIONS = {
    "then --after-checking": "then tick “I have looked at the vendor” in the plan",
    "--after-checking": "“I have looked at the vendor”",
    "--force does it again": "tick “also those replayed or closed before” to do it again",
    "--force replays it all the same": "tick “also those replayed or closed before” to replay it all the same",
    "or --edit it": "or edit it on its page",
}

__all__ = ["ACT", "REASONS", "STATES", "WHY", "with_buttons"]


def with_buttons(text: str) -> str:
    """A text of the command, for people who have buttons."""
    for option, button in _OPTIONS.items():
        text = text.replace(option, button)
    return text
