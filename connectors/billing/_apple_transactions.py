"""What the Apple App Store connector looks up: transactions and subscriptions, in both environments."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, UUID, uuid5

from connectors.kit import (
    Call,
    Failure,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
    get,
    segment,
)
from connectors.kit.jws import Trust, UntrustedError, fingerprint, payload, verified_payload
from connectors.kit.purchase import known

SANDBOX_REALM = "sandbox"
ROOT_G3 = bytes.fromhex("63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179")
"""SHA-256 of "Apple Root CA - G3", which signed transactions bring along."""
INTERMEDIATE_MARK, LEAF_MARK = "1.2.840.113635.100.6.2.1", "1.2.840.113635.100.6.11.1"
UNKNOWN_TRANSACTION = 4040010
TRY_AGAIN = frozenset({4040002, 4040004, 4040006})
"""Not found, but Apple says that another try may find it."""
RANK = {1: 0, 4: 1, 3: 2, 2: 3, 5: 4}
"""Which of several subscriptions to report: active, grace period, billing retry, expired, revoked."""

DAY_IN_MS = 86_400_000
AppleCall = Call[Any, Any]
Facts = Mapping[str, Any]


class StatedError(NamedTuple):
    """What Apple says went wrong; number 0 where it says nothing."""

    number: int
    message: str


def stated_error(response: Response) -> StatedError:
    """Apple's own error code and message."""
    number, message = response.member("errorCode"), response.member("errorMessage")
    return StatedError(number if isinstance(number, int) else 0, str(message or "")[:200])


def read(_request: Request, response: Response) -> Failure | None:
    """Apple's own codes decide: some 404 are worth another try, a 403 with a code concerns one customer only."""
    if response.ok:
        return None
    number, message = stated_error(response)
    code = str(number or f"http_{response.status}")
    if response.status == 429:
        return Unavailable(code, message, status=429, retry_after=_wait(response), throttled=True)
    if number in TRY_AGAIN:
        return Unavailable(code, message, status=response.status)
    if response.status == 403 and number:
        return Rejected(code, message, status=403)
    found = failure(response, code, message)
    if isinstance(found, Unavailable):
        found.retry_after = _wait(response)
    return found


def _wait(response: Response) -> float | None:
    """Seconds until the moment that Apple names in milliseconds since 1970, by Apple's own clock.

    A small number is none of Apple's but of something on the way, which means seconds.
    """
    text, date = response.headers.get("retry-after", ""), response.headers.get("date", "")
    try:
        asked = int(text)
        return max(0.0, asked / 1000 - parsedate_to_datetime(date).timestamp()) if asked > DAY_IN_MS else float(asked)
    except ValueError:
        return None


class Asked(NamedTuple):
    """An answer, and the environment that gave it."""

    response: Response
    realm: str

    @property
    def facts(self) -> Facts:
        """The transaction in the answer."""
        return decoded(self.response.member("signedTransactionInfo"))


AskFlow = Generator[Request, Response, Asked]


def ask(call: AppleCall, request: Request) -> AskFlow:
    """Send `request`; with environment Auto, once more to the sandbox where production knows no such transaction."""
    if call.settings.environment != "Auto" or request.realm:
        return Asked((yield request), request.realm)
    response = yield request._replace(look_at=frozenset({404}))
    if response.status != 404:
        return Asked(response, "")
    if stated_error(response).number == UNKNOWN_TRANSACTION:
        again = request._replace(realm=SANDBOX_REALM, step=f"{request.step}_sandbox")
        return Asked((yield again), SANDBOX_REALM)
    raise read(request, response) or Rejected("http_404", status=404)


def transaction(call: AppleCall, id: str) -> AskFlow:
    """One transaction, as Apple knows it now."""
    return (yield from ask(call, get(f"/inApps/v1/transactions/{segment(id)}", step="transaction")))


class OriginalTransaction(NamedTuple):
    """The id that names a subscription for good, and the environment it was found in."""

    id: str
    realm: str


def original_transaction(call: AppleCall) -> Generator[Request, Response, OriginalTransaction]:
    """The synced original id, else that of the event's transaction, which Apple is asked for."""
    found = known(call, "apple_original_transaction_id", "context.transaction_id")
    if not found.name.startswith("context."):
        return OriginalTransaction(found.value, "")
    asked = yield from transaction(call, found.value)
    return OriginalTransaction(str(asked.facts.get("originalTransactionId") or found.value), asked.realm)


def decoded(text: object) -> Facts:
    """A signed member of an answer; TLS has shown who sent it."""
    try:
        return payload(text if isinstance(text, str) else "")
    except UntrustedError as error:
        raise Rejected("unreadable_answer", f"the signed part of the answer: {error}") from None


def trusted(call: AppleCall, text: str) -> Facts:
    """A transaction that came with the event, hence from a device: believed only if Apple signed it."""
    pem = call.settings.root_certificate
    trust = Trust(fingerprint(pem) if pem else ROOT_G3, INTERMEDIATE_MARK, LEAF_MARK)
    try:
        facts = verified_payload(text, trust, call.now)
    except UntrustedError as error:
        raise Rejected("untrusted_transaction", f"context.signed_transaction: {error}") from None
    if call.settings.environment not in ("Auto", facts.get("environment")):
        raise Rejected("environment_mismatch", f"the transaction is of {facts.get('environment')}")
    return facts


def check_purchase(call: AppleCall, facts: Facts, expected: str) -> None:
    """Raise Rejected unless the purchase is of this app, stands, lasts, and is of the expected product."""
    product, expires = facts.get("productId"), facts.get("expiresDate")
    if facts.get("bundleId") != call.settings.bundle_id:
        raise Rejected("bundle_mismatch", f"the transaction is of the app {facts.get('bundleId')}")
    if facts.get("revocationDate") is not None:
        raise Rejected("purchase_revoked", f"revoked at {moment(facts['revocationDate'])}")
    if isinstance(expires, (int, float)) and expires / 1000 <= call.now:
        raise Rejected("purchase_expired", f"expired at {moment(expires)}")
    if expected and product != expected:
        raise Rejected("product_mismatch", f"the transaction is of {product}, expected was {expected}")


def check_app(call: AppleCall, response: Response) -> None:
    """Raise Rejected where an answer is about another app than the settings say."""
    bundle, number = response.member("bundleId"), response.member("appAppleId")
    wanted = call.settings.app_apple_id
    if bundle != call.settings.bundle_id:
        raise Rejected("bundle_mismatch", f"the answer is about the app {bundle}")
    if wanted is not None and number is not None and number != wanted:
        raise Rejected("app_mismatch", f"the answer is about the app with the Apple ID {number}")


class Subscription(NamedTuple):
    """One subscription of the customer, with its last transaction and what comes next."""

    status: int
    original: str
    facts: Facts
    renewal: Facts


def subscription(response: Response, id: str) -> Subscription:
    """Of all subscriptions in the answer the one that `id` belongs to, else the liveliest."""
    found = [_subscription(row) for row in _rows(response)]
    if not found:
        raise Rejected("no_subscription", "Apple knows no subscription of this customer", status=response.status)
    named = [one for one in found if id in (one.original, one.facts.get("transactionId"))]
    return min(named or found, key=lambda one: RANK.get(one.status, len(RANK)))


def _rows(response: Response) -> Sequence[Facts]:
    groups = response.member("data") or []
    rows = [row for group in groups for row in group.get("lastTransactions") or []]
    return [row for row in rows if isinstance(row, dict)]


def _subscription(row: Facts) -> Subscription:
    renewal = row.get("signedRenewalInfo")
    return Subscription(
        int(row.get("status") or 0), str(row.get("originalTransactionId") or ""),
        decoded(row.get("signedTransactionInfo")), decoded(renewal) if renewal else {},
    )


def account_token(call: AppleCall) -> str:
    """The UUID that ties purchases to our user: the user's id where it is one, else derived from it."""
    user = call.event.user_id
    try:
        return str(UUID(user))
    except ValueError:
        return str(uuid5(uuid5(NAMESPACE_DNS, call.settings.bundle_id), user))


def moment(milliseconds: object) -> str:
    """Apple's milliseconds as ISO 8601; "" where there are none."""
    if not isinstance(milliseconds, (int, float)):
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def detail(**facts: object) -> dict[str, str]:
    """Facts worth keeping in the outcome; those that are absent are left out."""
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}
