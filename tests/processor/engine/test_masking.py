"""Masking: what is kept of an exchange names nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.kit import Settings
from processor.engine.masking import LIMIT, masked, secrets_of


@pytest.mark.parametrize("text", [
    "to ann@example.org now", "to=ann%40example.org&x=1", "call +49 170 1234567", "call (0170) 123-45-67-89",
    '{"phone":"+491701234567"}',
])
def test_addresses_and_numbers_are_masked(text):
    shown = masked(text, ())
    assert "***" in shown
    assert "example.org" not in shown
    assert "1234567" not in shown
    assert "123-45" not in shown


@given(st.text(min_size=3, max_size=20), st.text(max_size=50), st.text(max_size=50))
def test_given_values_are_masked_wherever_they_stand(value, before, after):
    shown = masked(f"{before}{value}{after}", (value,))
    assert value not in shown or value in "***"


def test_given_values_are_masked_in_their_form_encoding():
    assert "Ann" not in masked("name=Ann+M%C3%BCller", ("Ann Müller",))


def test_short_values_are_left_for_they_are_in_every_word():
    assert masked("a plan", ("a", "")) == "a plan"


@given(st.text(max_size=LIMIT * 3))
def test_no_more_than_the_limit_is_kept(text):
    assert len(masked(text, ("abc",))) <= LIMIT


def test_ids_and_short_numbers_stay_readable():
    assert masked("coupon sub_12345678901 at 2027, 42", ()) == "coupon sub_12345678901 at 2027, 42"


@pytest.mark.parametrize("synced", ["A1" * 16, f"{'A1' * 16}, b2", f"short;{'A1' * 16}"])
def test_a_device_token_is_masked_also_where_it_was_one_of_several_or_written_otherwise(synced):
    assert masked(f"/3/device/{'a1' * 16}", (synced,)) == "/3/device/***"


def test_short_parts_of_a_value_are_left_for_they_name_nobody():
    assert masked("a gold plan", ("gold, silver",)) == "a gold plan"


def test_all_secrets_of_settings_are_known_wherever_they_stand():
    class Inner(Settings):
        key: SecretStr = SecretStr("inner")

    class Outer(Settings):
        name: str = "public"
        api_key: SecretStr = SecretStr("outer")
        named: dict[str, SecretStr] = {"a": SecretStr("of a")}
        listed: list[Inner] = [Inner()]

    assert set(secrets_of(Outer())) == {"outer", "of a", "inner"}
