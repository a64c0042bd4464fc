"""Devices: tokens from attributes, their names, and the outcome of an action that writes to several."""

from hashlib import sha256

import pytest

from connectors.kit import MissingAttributes, Rejected
from connectors.kit.device import Device, DeviceEnd, check_size, custom_data, device_name, devices, sent_to
from connectors.push.apns import connector
from testkit import flows
from testkit.vendors.apns import token_key

SETTINGS = {"bundle_id": "a.b", "team_id": "A" * 10, "token_key": token_key(), "token_key_id": "B" * 10}
ONE, TWO = Device("t1"), Device("t2")


def made(attributes, **fields):
    return flows.call(connector, "send_push", settings=SETTINGS, params={"title": "t", "body": "b"},
                      attributes=attributes, **fields)


@pytest.mark.parametrize("value", [["t1", "t2", "t1"], "t1,t2", " t1 ; t2 ", ["t1 t2", ""]])
def test_tokens_are_one_text_or_a_list_and_each_device_counts_once(value):
    assert devices(made({"tokens": value}), "tokens") == [ONE, TWO]


def test_tokens_of_several_attributes_are_taken_together_and_cleaned_before_they_are_compared():
    found = devices(made({"new": "T1", "old": ["t1", "t2"]}), "new", "old", clean=str.lower)
    assert found == [ONE, TWO]


@pytest.mark.parametrize("value", [None, "", [], [" "]])
def test_a_user_without_devices_lacks_the_attributes(value):
    with pytest.raises(MissingAttributes) as lacking:
        devices(made({"new": value}), "new", "old")
    assert lacking.value.names == ("new", "old")


def test_a_device_is_named_by_a_digest_that_an_app_can_work_out():
    assert ONE.name == device_name("t1") == sha256(b"t1").hexdigest()[:12]


def test_custom_data_is_text_whatever_its_placeholders_hold():
    found = custom_data(made({"age": 7, "vip": True, "tags": ["a", "b"]}),
                        {"age": "%age%", "vip": "%vip%", "tags": "%tags%", "id": "%prompt_id%", "gone": "%nothing%"})
    assert found == {"age": "7", "vip": "true", "tags": "a,b", "id": "p-1"}


def test_a_message_of_exactly_the_limit_is_sent_and_one_byte_more_is_not():
    check_size(b"x" * 10, 10)
    with pytest.raises(Rejected) as large:
        check_size(b"x" * 11, 10)
    assert large.value.code == "payload_too_large"
    assert "11 bytes" in large.value.message


def test_the_outcome_names_each_device_and_those_to_drop():
    done = sent_to([DeviceEnd(ONE, "unregistered", reason="Gone", more={"since": "then"}),
                    DeviceEnd(TWO, "sent", "id-2")])
    assert (done.reference, done.note) == ("id-2", "accepted")
    assert done.detail == {
        f"device.{ONE.name}": "unregistered", f"device.{ONE.name}.reason": "Gone", f"device.{ONE.name}.since": "then",
        f"device.{TWO.name}": "sent", f"device.{TWO.name}.reference": "id-2", "unregistered": ONE.name,
    }
    assert not {"t1", "t2"} & set(" ".join([*done.detail, *done.detail.values()]).split())


def test_where_no_device_takes_the_message_the_failure_names_them_all():
    with pytest.raises(Rejected) as none:
        sent_to([DeviceEnd(ONE, "unregistered", reason="Gone"), DeviceEnd(TWO, "unregistered", reason="Bad")])
    assert none.value.code == "unregistered"
    assert f"{ONE.name} unregistered (Gone), {TWO.name} unregistered (Bad)" in none.value.message


def test_a_refusal_that_is_not_the_devices_own_fault_gives_the_failure_its_code():
    with pytest.raises(Rejected) as none:
        sent_to([DeviceEnd(ONE, "unregistered", reason="Gone"), DeviceEnd(TWO, "refused", reason="NO_KEY")])
    assert none.value.code == "NO_KEY"
