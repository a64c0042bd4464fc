"""Each filter takes what it names and nothing else."""

import pytest

from processor.model.outcome import ActionResult
from processor.results import Wanted

RESULT = ActionResult("e1", "shop", "u1", "offer", "accept", 1, 0, "stripe.apply_coupon", 0, "stripe", "apply_coupon",
                      "failed", "", "rejected", "c", "m", "", "", 400, 1, 1, 1000, "v", -1, 0, {}, 1)


@pytest.mark.parametrize(("name", "right", "wrong"), [
    ("app", "shop", "news"), ("user", "u1", "u"), ("event", "e1", "e"), ("prompt", "offer", "x"),
    ("connector", "stripe", "zendesk"), ("action", "apply_coupon", "cancel"),
    ("action", "stripe.apply_coupon", "zendesk.apply_coupon"), ("outcome", "failed", "succeeded"),
    ("reason", "rejected", "broken"), ("since", 1000, 1001),
])
def test_a_filter_takes_what_it_names(name, right, wrong):
    assert Wanted(**{name: right}).takes(RESULT)
    assert not Wanted(**{name: wrong}).takes(RESULT)


def test_no_filter_takes_all():
    assert Wanted().takes(RESULT)
