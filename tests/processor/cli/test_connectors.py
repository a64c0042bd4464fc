"""What connectors there are and what they need can be read without opening their code."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import SecretStr

from connectors.kit.catalogue import catalogue
from processor.cli.connectors import spoken


def test_list_names_every_connector_with_its_actions(run):
    rows = run("connectors", "list").rows
    assert [row["id"] for row in rows] == list(catalogue())
    stripe = next(row for row in rows if row["id"] == "stripe")
    assert "apply_coupon" in stripe["actions"]


def test_list_is_a_table_where_asked(run):
    out = run("connectors", "list", "-o", "table").out
    assert "mixpanel" in out
    assert "{" not in out


def test_show_tells_settings_actions_parameters_and_requirements(run):
    [shown] = run("connectors", "show", "stripe").rows
    key = next(one for one in shown["settings"] if one["name"] == "api_key")
    assert (key["required"], key["type"]) == (True, "secret (env:NAME or file:PATH)")
    coupon = next(one for one in shown["actions"] if one["id"] == "apply_coupon")
    assert coupon["requires"]["any_of"] == ["stripe_id", "email_address"]
    assert coupon["repeat"] == "key"
    assert "coupon_id" in [one["name"] for one in coupon["params"]]


@pytest.mark.parametrize("name", list(catalogue()))
def test_the_page_of_every_connector_names_its_settings_and_actions(run, name):
    out = run("connectors", "show", name, "-o", "table").out
    connector = catalogue()[name]
    for action in connector.actions:
        assert f"{name}.{action}:" in out
    for setting in connector.settings.model_fields:
        assert setting in out.replace("\n", "")


def test_an_unknown_connector_is_a_usage_error_with_the_nearest_name(run):
    ran = run("connectors", "show", "strype")
    assert ran.code == 2
    assert "did you mean 'stripe'?" in ran.err


@pytest.mark.parametrize(("kind", "words"), [
    (bool, "true | false"), (int | None, "whole number"), (Literal["a", "b"], "a | b"), (list[str], "list of text"),
    (tuple[int, ...], "list of whole number"), (Annotated[str, "x"], "text"), (str | int, "text or whole number"),
    (dict, "mapping"),
    (dict[str, SecretStr], "mapping of names to secret (env:NAME or file:PATH)"),
])
def test_types_are_told_in_words(kind, words):
    assert spoken(kind) == words
