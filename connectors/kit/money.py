"""Amounts in JSON without floats: what was entered goes out digit for digit, what comes back is compared exactly."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson


def json_number(amount: Decimal) -> orjson.Fragment:
    """`amount` as a JSON number with exactly its digits, for the `json=` of a request."""
    if not amount.is_finite():
        raise ValueError("an amount is a finite number")
    return orjson.Fragment(format(amount, "f"))


def decimal(value: Any) -> Decimal | None:
    """The amount that a vendor wrote, as a JSON number or as text; None where it wrote none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
