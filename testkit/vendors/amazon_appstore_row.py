"""Amazon's receipt verification: reads only, with the shared secret in the path; the sandbox takes any."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

SHARED_SECRET = "2:emulator:shared-secret=="  # noqa: S105 - it opens nothing but the emulator
DAY = 86_400_000
PATH = "/version/1.0/verifyReceiptId/developer/{secret}/user/{user}/receiptId/{receipt}"
routes: Routes[AmazonAppstore] = Routes()


class AmazonAppstore(Vendor):
    """The emulated service. Every receipt is a live subscription, but those that begin with `missing`."""

    name = "amazon_appstore"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.receipts: dict[str, dict[str, Any]] = {}

    def serve(self, ask: Ask) -> Answer:
        """Only a GET of the one operation there is."""
        found = routes.find(ask.method, ask.path)
        return found[0](self, ask, **found[1]) if found else self.error(404)

    def error(self, status: int) -> Answer:
        """A status tells all."""
        return answer(status, {"message": "refused by the emulator", "status": False})

    def state(self) -> Mapping[str, Any]:
        """What was seeded of receipts."""
        return copy.deepcopy(self.receipts)

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`receipt` (receiptId, any member)."""
        if what != "receipt":
            return super().seed(what, values)
        self.receipts[str(values["receiptId"])] = dict(values)
        return values["receiptId"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.receipts = {}


@routes.on("GET", PATH)
def verify(vendor: AmazonAppstore, _ask: Ask, secret: str, user: str, receipt: str) -> Answer:
    """One receipt; the secret is checked first."""
    return _receipt(vendor, user, receipt) if secret == SHARED_SECRET else vendor.error(496)


@routes.on("GET", f"/sandbox{PATH}")
def verify_in_sandbox(vendor: AmazonAppstore, _ask: Ask, secret: str, user: str, receipt: str) -> Answer:
    """One receipt of the App Tester, for any secret."""
    del secret
    return _receipt(vendor, user, receipt, testTransaction=True)


def _receipt(vendor: AmazonAppstore, user: str, receipt: str, **more: Any) -> Answer:
    if is_missing(user):
        return vendor.error(497)
    if is_missing(receipt) or receipt == "connection-test":
        return vendor.error(400)
    now = int(vendor.world.now() * 1000)
    return answer(200, {
        "receiptId": receipt, "productId": "gold", "productType": "SUBSCRIPTION", "purchaseDate": now - 10 * DAY,
        "cancelDate": None, "cancelReason": None, "renewalDate": now + 20 * DAY, "autoRenewing": True,
        "term": "1 Month", "termSku": "gold.monthly", "freeTrialEndDate": None, "gracePeriodEndDate": None,
        "deferredDate": None, "deferredSku": None, "promotions": None, "quantity": None, "countryCode": "DE",
        "betaProduct": False, "testTransaction": False, "parentProductId": None, **more,
        **vendor.receipts.get(receipt, {}),
    })
