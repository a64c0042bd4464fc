"""Amazon Device Messaging over real HTTP: the flow and the emulator were written apart, from the same facts."""

import pytest

from connectors.kit import Misconfigured, Rejected, Repeat
from connectors.kit.device import device_name
from connectors.push.adm import connector
from testkit.emulated import Emulated
from testkit.vendors import VendorServer, adm

SETTINGS = {"client_id": adm.CLIENT_ID, "client_secret": adm.CLIENT_SECRET}
FIRE, AWAY, GONE = "fire-1", "away-1", "gone-1"
PUSH = {"params": {"title": "Stay", "body": "20 % off"}}


@pytest.fixture(scope="module")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def vendor(server):
    return Emulated(server, connector, SETTINGS)


def owns(*tokens):
    return {"push_endpoints_adm": list(tokens)}


def test_a_push_done_again_reaches_a_device_twice_which_is_why_it_is_never_repeated(vendor):
    for _ in range(2):
        vendor.do("send_push", **PUSH, attributes=owns(FIRE))
    assert vendor.kinds == ["message.sent"] * 2
    assert connector.actions["send_push"].repeat is Repeat.NEVER


def test_a_push_done_again_is_one_message_while_the_device_is_away(vendor):
    for number in (1, 1, 2):
        vendor.do("send_push", number, **PUSH, attributes=owns(AWAY))
    assert vendor.kinds == ["message.sent", "message.consolidated", "message.sent"]
    assert len(vendor.control.state("adm")["devices"][AWAY]) == 2


def test_every_device_is_served_under_one_access_token_and_those_gone_or_renamed_are_named(vendor):
    done = vendor.do("send_push", **PUSH, attributes=owns(GONE, FIRE, "invalid-1", "old-1"))
    assert [one.user for one in vendor.effects] == [FIRE, "old-1"]
    assert done.detail["unregistered"] == ",".join(device_name(one) for one in (GONE, "invalid-1"))
    assert done.detail[f"device.{device_name('old-1')}.replaced_by"] == device_name("new-1")
    assert done.reference.startswith("adm-request-")
    assert vendor.control.state("adm")["tokens"] == 1


def test_a_user_whose_only_device_is_gone_is_unregistered(vendor):
    with pytest.raises(Rejected) as gone:
        vendor.do("send_push", **PUSH, attributes=owns(GONE))
    assert gone.value.code == "unregistered"


def test_the_largest_message_is_taken(vendor):
    spare = 6144 - len('{"title":"t","body":""}')
    vendor.do("send_push", params={"title": "t", "body": "x" * spare}, attributes=owns(FIRE))
    assert vendor.kinds == ["message.sent"]


def test_the_connection_test_tells_right_settings_from_wrong_ones(server, vendor):
    assert vendor.ask(connector.check).name == adm.CLIENT_ID
    assert vendor.kinds == []
    with pytest.raises(Rejected) as wrong:  # the engine makes a refused token request a misconfiguration
        Emulated(server, connector, {**SETTINGS, "client_secret": "wrong"}).ask(connector.check)
    assert wrong.value.code == "invalid_client"


def test_a_token_that_has_ended_is_a_401_for_which_the_engine_gets_a_new_one(vendor):
    vendor.ask(connector.check)
    vendor.control.advance(3700)
    with pytest.raises(Misconfigured) as ended:
        vendor.ask(connector.check)
    assert (ended.value.code, ended.value.stale_token) == ("AccessTokenExpired", True)


def test_every_action_is_tried():
    assert set(connector.actions) == {"send_push"}
