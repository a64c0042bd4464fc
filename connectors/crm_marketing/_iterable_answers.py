"""How Iterable answers: named codes, and lists of users that a request with several of them failed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.kit import Done, Failure, Item, ItemEnd, Rejected, Request, Response, Unavailable, failure

LISTS: Mapping[str, str] = {
    "invalidEmails": "the e-mail address is malformed",
    "invalidUserIds": "the user id is malformed: only printable ASCII, no space at the end",
    "notFoundEmails": "no user has this e-mail address",
    "notFoundUserIds": "no user has this user id",
    "forgottenEmails": "the user was forgotten at Iterable, by request under GDPR",
    "forgottenUserIds": "the user was forgotten at Iterable, by request under GDPR",
    "conflictEmails": "the e-mail address belongs to another user",
    "conflictUserIds": "the user id belongs to another user",
    "invalidDataEmails": "a field of the user holds what Iterable does not take",
    "invalidDataUserIds": "a field of the user holds what Iterable does not take",
    "failedEmails": "Iterable did not say why",
    "failedUserIds": "Iterable did not say why",
}
"""Names of the lists in which users stand that failed, and what each means."""
NOT_QUEUED = "QueueEmailError"
"""The mail was not queued, hence not sent: with status 500 it may be sent again."""


def read(_request: Request, response: Response) -> Failure | None:
    """By status, since failures may carry the code Success; a success with another code is none."""
    code, message = code_of(response), str(response.member("msg") or response.text[:200])[:200]
    if response.ok:
        return Rejected(code, message, status=response.status) if code else None
    found = failure(response, code, message, wait=_wait(response))
    if isinstance(found, Unavailable) and code == NOT_QUEUED:
        found.unknown = False
    return found


def code_of(response: Response) -> str:
    """Iterable's named code; "" for none, and for Success."""
    code = response.member("code")
    return code if isinstance(code, str) and code != "Success" else ""


def _wait(response: Response) -> float | None:
    """Seconds until there is room again, where a rate limit names them."""
    seconds = response.member("params", "rateLimitReset") if response.status == 429 else None
    return float(seconds) if isinstance(seconds, (int, float)) and seconds >= 0 else None


def user_refusal(response: Response, user: Mapping[str, Any]) -> Rejected | None:
    """Why the answer says that this user failed; the address itself is not repeated."""
    if not response.member("failCount"):
        return None
    for name, meaning in LISTS.items():
        mine = str(user.get("email" if name.endswith("Emails") else "userId") or "").lower()
        named = [*(response.member("failedUpdates", name) or ()), *(response.member(name) or ())]
        if mine and mine in [str(one).lower() for one in named]:
            return Rejected(name, meaning, status=response.status)
    if user.get("eventName") in (response.member("disallowedEventNames") or ()):
        return Rejected("disallowedEventName", "the project does not take events of this name", status=response.status)
    return None


def ends(response: Response, items: Sequence[Item]) -> list[ItemEnd] | None:
    """How each item of a batch ended; None where more failed than Iterable names."""
    fails = response.member("failCount")
    if not fails:
        return [Done(item.reference, "accepted") for item in items]
    found = [user_refusal(response, orjson.loads(item.body)) for item in items]
    if sum(one is not None for one in found) < int(fails):
        return None
    return [one or Done(item.reference, "accepted") for one, item in zip(found, items, strict=True)]
