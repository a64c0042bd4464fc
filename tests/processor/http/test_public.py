"""Addresses that a customer's URL may and may not reach."""

import pytest

from processor.http.public import is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"]
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "2001:db8::1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_of_our_own_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
     "2002:7f00:1::1", "2002:a00:1::", "2001:0:a9fe:a9fe::1"],
)  # fmt: skip
def test_a_private_address_wrapped_in_another_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "8.8.8", "8.8.8.8.8", "0x7f000001"])
def test_what_is_no_address_is_not(text):
    assert not is_public(text)
