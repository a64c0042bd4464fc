"""Outcomes and dead letters for the demo's tests."""

import pytest

from processor.model.dead_letter import DeadLetter, FailedBinding, Origin
from processor.model.outcome import ActionResult


def result(event="e-1", binding="stripe.apply_coupon", outcome="succeeded", **more):
    connector, _, action = binding.partition(".")
    fields = dict.fromkeys(ActionResult._fields, "") | {
        "event_id": event, "app_id": "streamly", "user_id": "ada-berg", "prompt_id": "stay_discount",
        "interaction": "accept", "binding_id": binding, "connector": connector, "action": action, "outcome": outcome,
        "run": 0, "position": 0, "status": 200, "attempts": 1, "event_time": 1, "started_at": 1000,
        "finished_at": 1042, "attributes_offset": 0, "attributes_time": 0, "detail": {},
    } | more
    return ActionResult(**fields)


def letter(event="e-1", *, readable=True):
    failed = FailedBinding("stripe.apply_coupon", 0, "stripe", "apply_coupon", "rejected", "c", "m", 400, "", 1, 1, 1)
    return DeadLetter("streamly", "ada-berg", event if readable else "", "open", "rejected", "no such coupon", 0,
                      Origin("prompt.interactions", 3, 33, 1, b"k", b"v"), None, (failed,) if readable else (), (), (),
                      "v", {}, -1, 1)


@pytest.fixture
def make_result():
    return result


@pytest.fixture
def make_letter():
    return letter
