"""Apple's push service over real HTTP: the flow and the emulator were written apart, from the same facts."""

import pytest

from connectors.kit import Misconfigured, Rejected, Repeat
from connectors.kit.device import device_name
from connectors.push.apns import connector
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, apns

SETTINGS = {"bundle_id": apns.BUNDLE_ID, "team_id": apns.TEAM_ID, "token_key": apns.token_key(),
            "token_key_id": apns.KEY_ID}
PHONE, TABLET, GONE = "a1" * 32, "b2" * 32, "dead" * 16
PUSH = {"params": {"title": "Stay", "body": "20 % off"}}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, SETTINGS)


def owns(*tokens):
    return {"push_endpoints_apns": list(tokens)}


@pytest.mark.parametrize("more", [{}, {"silent": True, "data": {"k": "v"}}])
def test_a_push_done_again_replaces_the_first_on_the_device_and_is_still_never_repeated(vendor, more):
    push = {"params": {**PUSH["params"], **more}, "attributes": owns(PHONE)}
    assert vendor.do("send_push", **push) == vendor.do("send_push", **push)
    assert vendor.kinds == ["notification.sent", "notification.replaced"]
    (held,) = vendor.control.state("apns")["devices"].values()
    assert len(held) == 1
    assert connector.actions["send_push"].repeat is Repeat.NEVER


def test_two_prompts_are_two_notifications(vendor):
    for number in (1, 2):
        vendor.do("send_push", number, **PUSH, attributes=owns(PHONE))
    assert vendor.kinds == ["notification.sent"] * 2


def test_every_device_is_served_under_one_provider_token_and_those_gone_are_named(vendor):
    done = vendor.do("send_push", **PUSH, attributes=owns(GONE, PHONE, TABLET))
    assert [one.user for one in vendor.effects] == [PHONE, TABLET]
    assert done.detail["unregistered"] == device_name(GONE)
    assert done.detail[f"device.{device_name(GONE)}.since"]
    assert vendor.control.state("apns")["tokens"] == 1


@pytest.mark.parametrize("token", [GONE, "bad0" * 16, "fade" * 16])
def test_a_user_whose_only_device_is_gone_is_unregistered(vendor, token):
    with pytest.raises(Rejected) as gone:
        vendor.do("send_push", **PUSH, attributes=owns(token))
    assert gone.value.code == "unregistered"


def test_the_largest_notification_is_taken(vendor):
    spare = 4096 - len('{"aps":{"alert":{"title":"t","body":""},"sound":"default"}}')
    vendor.do("send_push", params={"title": "t", "body": "x" * spare}, attributes=owns(PHONE))
    assert vendor.kinds == ["notification.sent"]


def test_the_connection_test_tells_right_settings_from_wrong_ones(server, vendor):
    assert vendor.ask(connector.check) == (apns.BUNDLE_ID, "live")
    assert vendor.kinds == []
    for wrong in ({"team_id": "OTHERTEAM1"}, {"token_key_id": "OTHERKEY12"}, {"bundle_id": "com.other"}):
        with pytest.raises(Misconfigured):
            Emulated(server, connector, {**SETTINGS, **wrong}).ask(connector.check)


def test_a_token_of_more_than_an_hour_is_called_stale(vendor):
    vendor.ask(connector.check)
    vendor.control.advance(3700)
    with pytest.raises(Misconfigured) as stale:
        vendor.ask(connector.check)
    assert stale.value.stale_token


def test_every_action_is_tried():
    assert set(connector.actions) == {"send_push"}
