"""What the Google Play connector offers to pick: products, base plans and offers, as Play Console has them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from connectors.kit import Option, OptionsFlow, Request, Response, get, segment
from connectors.kit.purchase import offered

PAGE, PAGES = 1000, 20
"""Entries of a page, and most pages of a list that are read."""
LIVE = "ACTIVE"
ANY = "-"
"""Stands in a path for all products, or for all base plans."""

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]


def _listed(settings: Any, path: str, member: str) -> Rows:
    """All entries of a list of the app."""
    rows: list[Row] = []
    after: Row = {}
    whole = f"/androidpublisher/v3/applications/{segment(settings.package_name)}/{path}"
    for _ in range(PAGES):
        answer = yield get(whole, query={"pageSize": PAGE, **after}, step=member)
        rows += answer.member(member) or []
        following = answer.member("nextPageToken")
        if not following:
            break
        after = {"pageToken": following}
    return rows


def products(settings: Any) -> OptionsFlow:
    """The products that the settings name; where they name none, all subscriptions and one-time products."""
    if settings.products:
        return offered(settings.products)
    rows = yield from _listed(settings, "subscriptions", "subscriptions")
    rows += yield from _listed(settings, "oneTimeProducts", "oneTimeProducts")
    return _options((str(row["productId"]), _title(row)) for row in rows)


def base_plans(settings: Any) -> OptionsFlow:
    """Base plans that can be bought, with the subscriptions that have them."""
    rows = yield from _listed(settings, "subscriptions", "subscriptions")
    return _options((str(plan["basePlanId"]), _title(row)) for row in rows for plan in row.get("basePlans") or ()
                    if plan.get("state") == LIVE)


def offers(settings: Any) -> OptionsFlow:
    """Offers that can be taken, with their base plans."""
    path = f"subscriptions/{ANY}/basePlans/{ANY}/offers"
    rows = yield from _listed(settings, path, "subscriptionOffers")
    return _options((str(row["offerId"]), f"{row.get('productId')}, {row.get('basePlanId')}") for row in rows
                    if row.get("state") == LIVE)


def _title(product: Row) -> str:
    titles = [str(one["title"]) for one in product.get("listings") or () if one.get("title")]
    return titles[0] if titles else str(product["productId"])


def _options(found: Iterable[tuple[str, str]]) -> list[Option]:
    """Each id once, with all that it belongs to: ids of plans and offers may stand under several products."""
    titles: dict[str, list[str]] = {}
    for value, title in found:
        titles.setdefault(value, []).append(title)
    return [Option(value, f"{'; '.join(known)} ({value})") for value, known in titles.items()]
