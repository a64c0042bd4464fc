"""How a call can fail, named by who must act.

    Failure
    ├── Unavailable         nobody, at first: the engine tries again
    ├── Rejected            a person reads the vendor's code and message; dead letter at once
    ├── Misconfigured       whoever owns the settings (credentials, permissions)
    ├── MissingAttributes   whoever syncs the user's attributes, or the prompt's form
    ├── InDoubt             a person looks at the vendor: nobody knows whether it happened
    ├── Undecodable         whoever publishes the message
    └── Broken              us: a bug of this project
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

Reason = Literal[
    "unavailable", "rejected", "misconfigured", "missing_attributes", "in_doubt", "undecodable", "broken"
]


def as_said(value: Any) -> str:
    """What a connector took from a vendor's answer, as text, be it a number or nothing."""
    return value if isinstance(value, str) else "" if value is None else str(value)


class Failure(Exception):
    """A call, or a whole message, that did not succeed; the leaf's `reason` says who must act.

    `code` is the vendor's own code, or a short one of ours (lower snake case); `message` is for a
    person and never holds a secret. `status` and `request_id` are the vendor's, where it answered.
    """

    reason: ClassVar[Reason] = "broken"

    def __init__(self, code: str, message: str = "", *, status: int = 0, request_id: str = "") -> None:
        self.code = as_said(code)
        self.message = as_said(message)
        super().__init__(f"{self.code}: {self.message}" if self.message else self.code)
        self.status = status
        self.request_id = as_said(request_id)


class Unavailable(Failure):
    """The vendor cannot answer now: worth another try.

    `retry_after` is the vendor's own wish in seconds, if it uttered one. `sent` tells whether the
    request may have reached the vendor; a refusal to take it (429, 503 before any work) has not.
    """

    reason = "unavailable"

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 0,
        request_id: str = "",
        retry_after: float | None = None,
        unknown: bool = False,
        throttled: bool = False,
    ) -> None:
        super().__init__(code, message, status=status, request_id=request_id)
        self.retry_after = retry_after
        self.unknown = unknown
        """True where the vendor may have done it (time-out after sending, connection lost, 5xx)."""
        self.throttled = throttled
        """True for a rate limit: the wait costs no attempt."""


class Rejected(Failure):
    """The vendor, or the action itself, says no for good."""

    reason = "rejected"


class Misconfigured(Failure):
    """Credentials, permissions or other settings are wrong: every call of this app would fail."""

    reason = "misconfigured"

    def __init__(
        self, code: str, message: str = "", *, status: int = 0, request_id: str = "", stale_token: bool = False
    ) -> None:
        super().__init__(code, message, status=status, request_id=request_id)
        self.stale_token = stale_token or status == 401
        """True where a new token may be all that is needed: every 401, and what a vendor says otherwise."""


class MissingAttributes(Failure):
    """A required attribute or form input of the user is absent; `names` lists them."""

    reason = "missing_attributes"

    def __init__(self, names: Iterable[str], message: str = "") -> None:
        self.names = tuple(names)
        super().__init__("missing_attributes", message or "not synced: " + ", ".join(self.names))


class InDoubt(Failure):
    """A call that must not be repeated was sent and its outcome is unknown."""

    reason = "in_doubt"


class Undecodable(Failure):
    """A message that cannot be read, or that names an unknown app."""

    reason = "undecodable"


class Broken(Failure):
    """A bug of ours or of a connector; `code` is a short id that the log knows too."""

    reason = "broken"
