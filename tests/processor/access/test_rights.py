"""Who may do what where, and what a change asks for."""

import pytest

from processor.access import ANY_APP, Member, Permission, allowed, apps_of, exceeding, needed

APPS = ("shop", "news")


def member(**more):
    return Member(email="ada@acme.example", **more)


def test_a_role_in_one_app_is_none_in_another_nor_in_the_company():
    ada = member(roles={"shop": "app_administrator"})
    assert allowed(ada, Permission.REPLAY, "shop")
    assert not allowed(ada, Permission.REPLAY, "news")
    assert not allowed(ada, Permission.REPLAY, ANY_APP)


def test_a_role_for_all_apps_adds_to_the_one_in_an_app():
    ada = member(roles={"*": "app_member", "shop": "read_only"})
    assert allowed(ada, Permission.CHANGE_BINDINGS, "shop")
    assert not allowed(ada, Permission.CHANGE_SETTINGS, "news")


def test_a_disabled_member_may_nothing():
    assert not allowed(member(roles={"*": "company_administrator"}, disabled=True), Permission.SEE_HEALTH, "shop")


def test_replay_can_be_given_alone():
    ada = member(roles={"shop": "read_only"}, grants={"shop": ["replay"]})
    assert allowed(ada, Permission.REPLAY, "shop")
    assert not allowed(ada, Permission.CLOSE_DEAD_LETTERS, "shop")
    assert not allowed(ada, Permission.REPLAY, "news")


def test_a_member_sees_the_apps_where_there_is_any_right():
    assert apps_of(member(roles={"news": "read_only"}), APPS) == ("news",)
    assert apps_of(member(roles={"*": "read_only"}), APPS) == APPS
    assert apps_of(member(), APPS) == ()


def test_nobody_gives_more_than_there_is():
    ada = member(roles={"shop": "app_member"})
    wanted = [Permission.SEE_HEALTH, Permission.REPLAY]
    assert exceeding(ada, wanted, ["shop"]) == ("replay in shop",)
    assert exceeding(ada, [Permission.SEE_HEALTH], ["*"]) == ("see_health in *",)


BEFORE = {"app": {"title": "Shop"}, "connectors": {"stripe": {"settings": {"api_key": "env:KEY"}}},
          "prompts": {"offer": {"accept": []}}}


@pytest.mark.parametrize(("part", "value", "rights"), [
    ("app", {"title": "Store"}, {"change_apps"}),
    ("prompts", {"offer": {}}, {"change_bindings"}),
    ("connectors", {"stripe": {"active": False, "settings": {"api_key": "env:KEY"}}}, {"change_settings"}),
    ("connectors", {"stripe": {"settings": {"api_key": "sealed:k1:abc"}}}, {"set_secrets"}),
    ("connectors", {"stripe": {"settings": {"api_key": {"env": "OTHER"}}}}, {"set_secrets"}),
    ("connectors", {}, {"change_settings", "set_secrets"}),
    ("prompts", {"offer": {"accept": []}}, set()),
])
def test_a_change_asks_for_the_rights_of_its_parts(part, value, rights):
    assert needed(BEFORE, {**BEFORE, part: value}) == rights


def test_making_and_removing_an_app_is_the_companys():
    assert needed(None, BEFORE) == needed(BEFORE, None) == {Permission.CHANGE_APPS}


def test_a_secret_moved_to_another_field_is_a_secret_that_was_set():
    moved = {"stripe": {"settings": {"base_url": "env:KEY"}}}
    assert Permission.SET_SECRETS in needed(BEFORE, {**BEFORE, "connectors": moved})
