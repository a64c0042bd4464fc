"""Which outcomes are meant: the filters of every command that reads them."""

from __future__ import annotations

from typing import NamedTuple

from processor.model.outcome import ActionResult


class Wanted(NamedTuple):
    """What outcomes must match; "" and 0 match all."""

    app: str = ""
    user: str = ""
    event: str = ""
    prompt: str = ""
    connector: str = ""
    action: str = ""
    """With or without its connector in front: `stripe.apply_coupon`, `apply_coupon`."""
    outcome: str = ""
    reason: str = ""
    since: int = 0
    """Milliseconds since 1970: that ended since then."""

    def takes(self, result: ActionResult) -> bool:
        """Whether an outcome is meant."""
        whole = f"{result.connector}.{result.action}"
        pairs = (
            (self.app, result.app_id), (self.user, result.user_id), (self.event, result.event_id),
            (self.prompt, result.prompt_id), (self.connector, result.connector), (self.outcome, result.outcome),
            (self.reason, result.reason),
        )
        return result.finished_at >= self.since and self.action in ("", result.action, whole) and all(
            asked in ("", there) for asked, there in pairs)
