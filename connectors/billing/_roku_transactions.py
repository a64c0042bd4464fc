"""What the Roku connector knows of transactions: how they are read, and what Roku's answers mean."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.kit import (
    Call,
    Failure,
    Misconfigured,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
    get,
    segment,
)
from connectors.kit.purchase import Known, known, perhaps_known, told

REPORTED, SYNCED = "context.transaction_id", "roku_transaction_id"
"""Where a transaction's id stands: with the event, as the channel reported it, or with the user."""
TRANSACTION_HELP = "Needs the attribute roku_transaction_id or the event's context transaction_id."
REFUSED_KEY = "UNAUTHORIZED"
BAD_ID = "Invalid URI format"
MAX_ID = 1024
_WCF_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")

RokuCall = Call[Any, Any]
Facts = Mapping[str, Any]


def facts_of(response: Response) -> Facts:
    """The answer's members by lower-case name, since Roku's capitals vary; empty where there are none."""
    found = response.json
    return {name.lower(): value for name, value in found.items()} if isinstance(found, dict) else {}


def read(request: Request, response: Response) -> Failure | None:
    """By status, and by the status inside a 200. Words of other answers are left out: they could repeat the key."""
    facts, status = facts_of(response), response.status
    if not response.ok:
        known_words = status == 400 and BAD_ID in response.text
        return failure(response, "invalid_id" if known_words else "", BAD_ID if known_words else "")
    if "status" not in facts:
        return Unavailable("unreadable_answer", "a success without a status in it", status=status,
                           unknown=request.effect)
    if str(facts["status"]) == "0":
        return None
    said = [str(facts[name]) for name in ("errormessage", "errordetails") if facts.get(name)]
    code = str(facts.get("errorcode") or facts.get("errormessage") or f"status_{facts['status']}")
    kind = Misconfigured if REFUSED_KEY in (code, *said) else Rejected
    return kind(code[:100], ": ".join(said)[:200], status=status)


class Transaction(NamedTuple):
    """One transaction and its entitlement, as Roku knows them now."""

    id: str
    facts: Facts

    def text(self, name: str) -> str:
        """A member as text; "" where it is absent."""
        value = self.facts.get(name.lower())
        return "" if value is None else str(value)

    @property
    def is_cancelled(self) -> bool:
        """Whether it ends, or has ended, without renewal."""
        return self.facts.get("cancelled") is True

    @property
    def is_entitled(self) -> bool:
        """Whether the customer has access; of one-time rentals Roku always says no."""
        return self.facts.get("isentitled") is True

    def moment(self, name: str) -> datetime | None:
        """A date, which Roku writes as milliseconds in words; None where there is none."""
        found = _WCF_DATE.fullmatch(self.text(name))
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC) if found else None

    def detail(self) -> dict[str, str]:
        """What is worth keeping of it."""
        expires = self.moment("expirationDate")
        return told(
            product_id=self.text("productId"), status=self.text("purchaseStatus"), entitled=self.is_entitled,
            cancelled=self.is_cancelled, expires_at=f"{iso(expires)}Z" if expires else "",
            original_transaction_id=self.text("OriginalTransactionId"), change=self.text("purchaseType"),
        )


TransactionFlow = Generator[Request, Response, Transaction]


def iso(moment: datetime) -> str:
    """A time as Roku's requests carry it: UTC, without saying so."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def transaction_id(call: RokuCall, *names: str) -> str:
    """The id under one of the names, unchanged; raises Rejected where Roku would find it malformed."""
    return _sound(known(call, *names or (SYNCED, REPORTED)))


def perhaps_transaction_id(call: RokuCall) -> str:
    """As `transaction_id`, but "" where there is none."""
    found = perhaps_known(call, SYNCED, REPORTED)
    return _sound(found) if found else ""


def _sound(found: Known) -> str:
    if len(found.value) > MAX_ID or not found.value.isascii():
        raise Rejected("invalid_id", f"{found.name} is no transaction id of Roku")
    return found.value


def transaction(id: str) -> TransactionFlow:
    """The transaction of that id; Roku's key goes into the path when the request is signed."""
    response = yield get(f"/validate-transaction/{segment(id)}", step="transaction")
    return Transaction(id, facts_of(response))
