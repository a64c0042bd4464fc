"""Addresses and names of users, known or typed."""

import pytest

from connectors.kit import Call, MissingAttributes, NoParams, Rejected, Settings
from connectors.kit.person import agreed, full_name, is_address, known_or_typed_address, typed_address
from testkit import flows


def call(form=None, **attributes):
    return Call(flows.event(form=form or {}), attributes, NoParams(), Settings(), now=0.0, outcome_id="o")


@pytest.mark.parametrize("text", [
    "a@example.com", "A.B+c@Example.co.uk", "o'neil@example.com", "x_y-z@a-b.example", "1@2.example",
    "a@xn--bcher-kva.example", "a" * 64 + "@example.com",
])
def test_usual_addresses_are_taken(text):
    assert is_address(text)


@pytest.mark.parametrize("text", [
    "", "a", "a@b", "@example.com", "a@", "a b@example.com", "a@example.com ", "a@@example.com", "a@example..com",
    "a..b@example.com", ".a@example.com", "a.@example.com", "a@-x.example", "a@x-.example", "a@example.com\n",
    "a@example.com,b@example.com", "Ann <a@example.com>", '"a b"@example.com', "a@[127.0.0.1]", "a@1.2.3.4",
    "a" * 65 + "@example.com", "a@" + "b." * 130 + "com", "a\0@example.com", "a@example.c",
])
def test_what_mail_vendors_would_refuse_or_misread_is_not(text):
    assert not is_address(text)


def test_a_typed_address_is_taken_without_blanks():
    assert typed_address(call({"email": " a@example.com "})) == "a@example.com"
    assert typed_address(call({"mail": "a@example.com"}), "mail") == "a@example.com"


def test_a_typed_address_that_is_none_is_refused_without_being_shown():
    with pytest.raises(Rejected) as caught:
        typed_address(call({"email": "my secret"}))
    assert (caught.value.code, "secret" in str(caught.value)) == ("invalid_address", False)


def test_an_empty_input_is_missing():
    with pytest.raises(MissingAttributes) as caught:
        typed_address(call({"email": ""}))
    assert caught.value.names == ("form.email",)


def test_the_known_address_goes_before_the_typed_one():
    assert known_or_typed_address(call({"email": "typed"}, email_address="a@example.com")) == "a@example.com"
    assert known_or_typed_address(call({"email": "b@example.com"})) == "b@example.com"
    with pytest.raises(MissingAttributes) as caught:
        known_or_typed_address(call())
    assert caught.value.names == ("email_address", "form.email")


@pytest.mark.parametrize(("attributes", "name"), [
    ({"name": "Ann Lee", "first_name": "X"}, "Ann Lee"), ({"first_name": "Ann", "last_name": "Lee"}, "Ann Lee"),
    ({"last_name": "Lee"}, "Lee"), ({}, ""),
])
def test_a_name_is_whole_or_put_together(attributes, name):
    assert full_name(call(**attributes)) == name


@pytest.mark.parametrize(("value", "consent"), [
    (True, True), ("true", True), (" Granted ", True), (1, True), ("yes", True), ("opted_in", True),
    (False, False), ("false", False), ("denied", False), (0, False), ("perhaps", False), (["true"], False),
    (None, None), ("", None), ("  ", None),
])
def test_only_a_clear_yes_is_consent(value, consent):
    assert agreed(call(consent=value), "consent") is consent


def test_where_no_attribute_is_named_nothing_is_known():
    assert agreed(call(), "") is None
