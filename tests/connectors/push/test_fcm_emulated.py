"""Firebase over real HTTP: the flow and the emulator were written apart, from the same facts."""

import pytest

from connectors.kit import Misconfigured, Rejected, Repeat
from connectors.kit.device import device_name
from connectors.push.fcm import connector
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, google_account

PHONE, TABLET, GONE = "phone-1", "tablet-1", "gone-1"
PUSH = {"params": {"title": "Stay", "body": "20 % off"}}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


def emulated(server, **more):
    settings = {"service_account_json": google_account.key_file(**more), "token_url": f"{server.url('fcm')}/token"}
    return Emulated(server, connector, settings)


@pytest.fixture
def vendor(server):
    return emulated(server)


def owns(*tokens):
    return {"push_endpoints_fcm": list(tokens)}


def test_a_push_done_again_replaces_the_first_on_the_device_and_is_still_never_repeated(vendor):
    for _ in range(2):
        vendor.do("send_push", **PUSH, attributes=owns(PHONE))
    assert vendor.kinds == ["notification.sent", "notification.replaced"]
    assert len(vendor.control.state("fcm")["devices"][PHONE]) == 1
    assert connector.actions["send_push"].repeat is Repeat.NEVER


def test_a_data_message_done_again_reaches_the_app_twice_which_is_why_it_is_never_repeated(vendor):
    for _ in range(2):
        vendor.do("send_push", params={**PUSH["params"], "silent": True}, attributes=owns(PHONE))
    assert vendor.kinds == ["data.sent"] * 2


def test_every_device_is_served_under_one_access_token_and_those_gone_are_named(vendor):
    done = vendor.do("send_push", **PUSH, attributes=owns(GONE, PHONE, "other-1", "nokey-1", "invalid-1", TABLET))
    assert [one.user for one in vendor.effects] == [PHONE, TABLET]
    assert done.detail["unregistered"] == ",".join(device_name(one) for one in (GONE, "other-1", "invalid-1"))
    assert done.detail[f"device.{device_name('nokey-1')}"] == "refused"
    assert vendor.control.state("fcm")["tokens"] == 1


def test_a_user_whose_only_device_is_gone_is_unregistered(vendor):
    with pytest.raises(Rejected) as gone:
        vendor.do("send_push", **PUSH, attributes=owns(GONE))
    assert gone.value.code == "unregistered"


def test_the_largest_message_is_taken(vendor):
    spare = 4096 - len("title" "t" "body" "promo_id" "p-1")
    vendor.do("send_push", params={"title": "t", "body": "x" * spare}, attributes=owns(PHONE))
    assert vendor.kinds == ["notification.sent"]


def test_the_connection_test_tells_right_settings_from_wrong_ones(server, vendor):
    assert vendor.ask(connector.check) == (google_account.PROJECT, "live")
    assert vendor.kinds == []
    with pytest.raises(Misconfigured):
        emulated(server, project_id="another").ask(connector.check)
    with pytest.raises(Rejected) as wrong:  # the engine makes a refused token request a misconfiguration
        emulated(server, client_email="robot@another.example").ask(connector.check)
    assert wrong.value.code == "invalid_grant"


def test_a_token_that_has_ended_is_a_401_for_which_the_engine_gets_a_new_one(vendor):
    vendor.ask(connector.check)
    vendor.control.advance(3700)
    with pytest.raises(Misconfigured) as ended:
        vendor.ask(connector.check)
    assert ended.value.stale_token


def test_every_action_is_tried():
    assert set(connector.actions) == {"send_push"}
