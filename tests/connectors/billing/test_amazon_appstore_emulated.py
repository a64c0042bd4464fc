"""Amazon's receipt verification over real HTTP: secrets and ids arrive as they are, and reading changes nothing."""

import pytest

from connectors.billing.amazon_appstore import connector
from connectors.kit import Misconfigured, Rejected
from testkit.emulated import Emulated
from testkit.vendors import VendorServer
from testkit.vendors.amazon_appstore_row import SHARED_SECRET

CONTEXT = {"amazon_user_id": "l3HL:7==", "amazon_receipt_id": "q1Yq/VbJ Sy:2="}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


def emulated(server, **more):
    return Emulated(server, connector, {"shared_secret": SHARED_SECRET, **more})


@pytest.mark.parametrize("id", ["verify_receipt", "get_subscription_status"])
def test_an_action_done_again_says_the_same_and_changes_nothing(server, id):
    amazon = emulated(server)
    assert amazon.do(id, context=CONTEXT) == amazon.do(id, context=CONTEXT)
    assert amazon.do(id, context=CONTEXT).reference.startswith("q1Yq/VbJ Sy:2=")
    assert amazon.kinds == []


def test_the_status_follows_the_receipt(server):
    amazon = emulated(server)
    amazon.control.seed("amazon_appstore", "receipt", receiptId=CONTEXT["amazon_receipt_id"],
                        cancelDate=1, cancelReason=1)
    assert amazon.do("get_subscription_status", context=CONTEXT).detail["status"] == "ended"
    with pytest.raises(Rejected, match="receipt_cancelled"):
        amazon.do("verify_receipt", context=CONTEXT)


def test_a_wrong_secret_is_told_and_the_sandbox_takes_any(server):
    assert emulated(server).ask(connector.check) == ("", "live")
    with pytest.raises(Misconfigured):
        emulated(server, shared_secret="wrong").ask(connector.check)
    sandbox = emulated(server, shared_secret="any", environment="sandbox")
    assert sandbox.ask(connector.check) == ("", "sandbox")
    assert sandbox.do("verify_receipt", context=CONTEXT).detail["test"] == "true"


@pytest.mark.parametrize(("name", "code"), [
    ("amazon_user_id", "invalid_user_id"), ("amazon_receipt_id", "invalid_receipt"),
])
def test_unknown_users_and_receipts_are_rejected(server, name, code):
    with pytest.raises(Rejected, match=code):
        emulated(server).do("verify_receipt", context={**CONTEXT, name: "missing-1"})


def test_every_action_is_tried():
    assert set(connector.actions) == {"request_purchase", "verify_receipt", "get_subscription_status"}
