from decimal import Decimal

import orjson
import pytest

from connectors.kit import post
from connectors.kit.money import decimal, json_number


@pytest.mark.parametrize(("amount", "sent"), [
    ("9.99", "9.99"), ("0.10", "0.10"), ("1E+3", "1000"), ("123456789012345.678901", "123456789012345.678901"),
])
def test_an_amount_is_sent_with_exactly_its_digits(amount, sent):
    request = post("/", json={"amount": json_number(Decimal(amount))})
    assert request.body == f'{{"amount":{sent}}}'.encode()


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_json_cannot_carry_is_refused(amount):
    with pytest.raises(ValueError, match="finite"):
        json_number(Decimal(amount))


def test_an_amount_that_comes_back_is_equal_to_what_was_sent():
    body = post("/", json=[json_number(Decimal("0.1")), "0.30", 7]).body
    assert [decimal(one) for one in orjson.loads(body)] == [Decimal("0.1"), Decimal("0.3"), Decimal(7)]


@pytest.mark.parametrize("value", [None, True, "", "ten", "NaN", [], {}])
def test_what_is_no_amount_is_none(value):
    assert decimal(value) is None
