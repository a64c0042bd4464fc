"""Cases of Salesforce Support: whose they are, which there are, posts to their feeds."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.crm_marketing._salesforce_answers import locked
from connectors.crm_marketing._salesforce_sign_in import SUPPORT, SalesforceSettings
from connectors.kit import Call, InDoubt, Rejected, Request, Response, Unavailable, get, post
from connectors.kit.person import EMAIL

AnyCall = Call[SalesforceSettings, Any]
CONTACT = re.compile(r"003[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")
MAX_PAGES = 50
"""Of one look-up, so that a page that leads to itself ends somewhere."""
POSTS_A_REQUEST = 200
LOCK_TRIES = 3
"""Requests for posts to cases that others have locked, before it is left to a later run or a person."""


def data_path(settings: SalesforceSettings) -> str:
    """Where Support's REST API begins."""
    return f"/services/data/{settings.support_api_version}"


def prompt_name(call: AnyCall) -> str:
    """What people call the prompt."""
    return call.event.prompt_name or call.event.prompt_id


def word(trait: Any) -> str:
    """An attribute's value as text."""
    return ", ".join(trait) if isinstance(trait, list) else str(trait)


def contacts_of(call: AnyCall, look_at: Sequence[int] = ()) -> Generator[Request, Response, list[str]]:
    """Ids of the user's contacts: the synced one, else those with the user's address."""
    known, email = call.attribute("salesforce_id"), call.attribute(EMAIL)
    if CONTACT.fullmatch(known):
        return [known]
    if not email:
        return []
    soql = f"SELECT Id FROM Contact WHERE Email = {quoted(email)} LIMIT 200"  # noqa: S608 - quoted
    answer = yield _query(call, soql, "contacts", look_at)
    return [one["Id"] for one in answer.member("records") or ()]


def _query(call: AnyCall, soql: str, step: str, look_at: Sequence[int] = ()) -> Request:
    return get(f"{data_path(call.settings)}/query", query={"q": soql}, realm=SUPPORT, step=step, look_at=look_at)


def quoted(text: str) -> str:
    """`text` as a string of SOQL: backslashes first, then quotes and what would end the line."""
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f"'{text}'"


def cases_of(call: AnyCall, only_open: bool) -> Generator[Request, Response, list[str]]:
    """Ids of the user's cases, newest first."""
    contacts = yield from contacts_of(call)
    email = call.attribute(EMAIL)
    ways = [f"ContactId IN ({', '.join(map(quoted, contacts))})"] if contacts else []
    ways += [f"SuppliedEmail = {quoted(email)}"] if email else []
    if not ways:
        raise Rejected("not_a_contact", "salesforce_id is no id of a Contact (15 or 18 characters, beginning with 003)")
    where = f"({' OR '.join(ways)})" if len(ways) > 1 else ways[0]
    still = " AND IsClosed = false" if only_open else ""
    soql = f"SELECT Id FROM Case WHERE {where}{still} ORDER BY CreatedDate DESC"  # noqa: S608 - quoted
    answer = yield _query(call, soql, "cases")
    return (yield from _all_records(answer))


def _all_records(answer: Response) -> Generator[Request, Response, list[str]]:
    """Ids of this page and of those behind it; only paths of the API are followed."""
    found: list[str] = []
    for page in range(MAX_PAGES):
        found.extend(one["Id"] for one in answer.member("records") or ())
        link = answer.member("nextRecordsUrl")
        if answer.member("done") is not False or not isinstance(link, str) or not link.startswith("/services/data/"):
            return found
        answer = yield get(link, realm=SUPPORT, step=f"cases.{page + 2}")
    raise Rejected("too_many_cases", f"the user has more than {len(found)} cases")


class Posts(NamedTuple):
    """What became of posts to feeds."""

    made: Sequence[str] = ()
    """Their ids."""
    refused: Sequence[Mapping[str, Any]] = ()
    """Salesforce's records of those that were not made."""

    def failure(self) -> Rejected | Unavailable | None:
        """Worth another run only if nothing was posted: a run begins anew, and would post twice."""
        if not self.refused:
            return None
        if not self.made and all(locked(one) for one in self.refused):
            return Unavailable("UNABLE_TO_LOCK_ROW", "the cases are locked by others", status=200)
        error = (self.refused[0].get("errors") or [{}])[0]
        counts = f"{len(self.made)} posts were made, {len(self.refused)} were refused"
        return Rejected(str(error.get("statusCode") or "refused"), f"{error.get('message', '')} ({counts})", status=200)


def post_to_feeds(call: AnyCall, cases: Sequence[str], text: str) -> Generator[Request, Response, Posts]:
    """Post `text` to the feed of each case."""
    made: list[str] = []
    refused: list[Mapping[str, Any]] = []
    for start in range(0, len(cases), POSTS_A_REQUEST):
        posts = yield from _post(call, cases[start:start + POSTS_A_REQUEST], text)
        made.extend(posts.made)
        refused.extend(posts.refused)
    return Posts(made, refused)


def _post(call: AnyCall, cases: Sequence[str], text: str) -> Generator[Request, Response, Posts]:
    """One request's worth; cases that somebody had locked are tried again at once, the others never."""
    made: list[str] = []
    refused: list[Mapping[str, Any]] = []
    for tries in range(1, LOCK_TRIES + 1):
        ends = _ends((yield _feed_items(call, cases, text, tries)), len(cases))
        made.extend(str(one.get("id")) for one in ends if one.get("success"))
        busy = [not one.get("success") and locked(one) and tries < LOCK_TRIES for one in ends]
        refused.extend(one for one, again in zip(ends, busy, strict=True) if not again and not one.get("success"))
        cases = [case for case, again in zip(cases, busy, strict=True) if again]
        if not cases:
            break
    return Posts(made, refused)


def _feed_items(call: AnyCall, cases: Sequence[str], text: str, tries: int) -> Request:
    records = [{"attributes": {"type": "FeedItem"}, "ParentId": one, "Type": "TextPost", "Body": text} for one in cases]
    return post(f"{data_path(call.settings)}/composite/sobjects", realm=SUPPORT, step=f"feed.{tries}",
                json={"allOrNone": False, "records": records})


def _ends(answer: Response, expected: int) -> Sequence[Mapping[str, Any]]:
    ends = answer.json
    if not isinstance(ends, list) or len(ends) != expected:
        raise InDoubt("unreadable_answer", "the answer does not say which posts were made", status=answer.status)
    return ends
