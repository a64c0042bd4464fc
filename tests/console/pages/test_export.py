"""An export's page: on and off, which interactions and prompts, its parameters, mistakes at their fields."""

import html

import pytest

from processor.access import Role

PATH = "/apps/shop/connectors/mixpanel/exports/export_prompt_event"
MIXPANEL = {"settings": {"service_account_username": "u.x.mp-service-account", "project_id": "1",
                         "service_account_password": "env:STRIPE_KEY", "project_token": "token"}}
SHOP = {"app": {}, "connectors": {"mixpanel": MIXPANEL}, "prompts": {"offer": {"title": "Offer"}}}
ADMIN = Role.APP_ADMINISTRATOR


@pytest.fixture
def stand(make_stand):
    return make_stand(contents={"shop": SHOP})


def kept(stand):
    return stand.store.current("shop").content["connectors"]["mixpanel"].get("exports")


def test_an_export_is_switched_on_and_off_again(stand):
    browser = stand.browser(ADMIN)
    assert browser.submit(PATH, {"base": "1", "on": "yes", "interaction": ["accept", "decline"], "prompts": "offer",
                                 "p.extra_properties": "product: shop"}).status_code == 303
    assert kept(stand) == {"export_prompt_event": {
        "interactions": ["accept", "decline"], "prompts": ["offer"],
        "params": {"extra_properties": {"product": "shop"}}}}
    page = browser.get(PATH).text
    assert "product: shop</textarea>" in page
    assert 'value="accept" checked' in page
    assert 'value="dismiss" checked' not in page
    assert "Export on" in browser.get("/apps/shop/connectors/mixpanel").text
    browser.submit(PATH, {"base": "2"})
    assert kept(stand) == {}


def test_all_interactions_are_what_is_kept_as_none(stand):
    stand.browser(ADMIN).submit(PATH, {"base": "1", "on": "yes"})
    assert kept(stand) == {"export_prompt_event": {}}


def test_a_prompt_that_is_not_there_is_a_mistake_and_nothing_is_saved(stand):
    answer = stand.browser(ADMIN).submit(PATH, {"base": "1", "on": "yes", "prompts": "ofer"})
    assert answer.status_code == 422
    assert "unknown prompt 'ofer' (did you mean 'offer'" in html.unescape(answer.text)
    assert ">ofer</textarea>" in answer.text.replace("\nofer", "ofer")
    assert kept(stand) is None


def test_another_s_change_is_shown_and_not_overwritten(stand):
    stand.browser(Role.COMPANY_ADMINISTRATOR).submit(PATH, {"base": "1", "on": "yes", "interaction": "accept"})
    answer = stand.browser(ADMIN).submit(PATH, {"base": "1", "on": "yes", "interaction": "decline"})
    assert answer.status_code == 409
    assert kept(stand) == {"export_prompt_event": {"interactions": ["accept"]}}


def test_an_export_that_is_not_there_is_named(stand):
    assert stand.browser(ADMIN).get("/apps/shop/connectors/stripe/exports/x").status_code == 404
