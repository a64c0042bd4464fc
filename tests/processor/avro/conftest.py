"""Values that the tests of this folder share."""

import pytest

from connectors.kit.event import Event
from processor.avro.codec import Codec
from processor.model.attributes import UserAttributes
from processor.model.chain import ChainRecord, Started
from processor.model.dead_letter import DeadLetter, Exchange, FailedBinding, Origin
from processor.model.outcome import ActionResult, Receipt

NOON = 1_760_000_000_000


@pytest.fixture(scope="session")
def codec():
    return Codec()


@pytest.fixture
def event():
    return Event("e1", "demo", "anna", "stay", "accept", NOON, {"reason": "zu teuer"}, {"transaction_id": "7"},
                 prompt_name="Stay", goal_value=9.5, platform="ios", ip_address="203.0.113.9")


@pytest.fixture
def change():
    return UserAttributes("demo", "anna", "merge", {
        "email_address": "anna@example.com", "vip": True, "age": 40, "score": 0.5, "tags": ["a", "b"], "gone": None,
    }, NOON, "crm")


@pytest.fixture
def result():
    return ActionResult("e1", "demo", "anna", "stay", "accept", NOON, 0, "b1", 0, "stripe", "apply_coupon",
                        "succeeded", "already_done", "", "", "", "sub_1", "req_1", 200, 2, NOON, NOON + 5, "v1", 12,
                        NOON, {"a": "b"})


@pytest.fixture
def origin():
    return Origin("prompt.interactions", 3, 99, NOON, b"demo:anna", b"\xff\x00raw", (("trace", b"1"), ("trace", None)))


@pytest.fixture
def letter(event, origin):
    exchange = Exchange("POST", "/v1/subscriptions/sub_1", "coupon=***", 404, "{}", NOON, 120, "apply")
    failed = FailedBinding("b1", 0, "stripe", "apply_coupon", "rejected", "resource_missing", "No such coupon", 404,
                           "req_1", 1, NOON, NOON, 2, exchange)
    receipt = Receipt("b0", "succeeded", reference="t1", detail={"x": "y"})
    return DeadLetter("demo", "anna", "e1", "open", "rejected", "No such coupon", 0, origin, event,
                      (failed, failed._replace(exchange=None)), (receipt,), ("b1", "b2"), "v1",
                      {"stripe_id": "cus_1", "n": 1}, 12, NOON, 2)


@pytest.fixture
def chain(letter):
    started = Started("b1", "apply", b"\x01\x02", NOON)
    return ChainRecord("demo", "anna", "e1", 0, "parked", "retry", NOON, letter.origin, "v1", {"a": ["b"]}, 12, NOON,
                       letter.receipts, letter.failures, 3, 1, NOON, started, ("b1",))
