"""`connectors check` and `connectors options` over real HTTP: what a vendor says to an app's settings."""

import json

import pytest

from connectors.kit.catalogue import catalogue
from testkit.vendors import settings as emulated

FIVE = ("stripe", "zendesk", "sendgrid", "salesforce_marketing_cloud", "mixpanel")
WRONG = {
    "stripe": ("EMULATED_STRIPE_API_KEY", "sk_test_nobody0000000000000"),
    "zendesk": ("EMULATED_ZENDESK_API_KEY", "wrong-token"),
    "sendgrid": ("EMULATED_SENDGRID_API_KEY", "SG.wrong.wrong"),
    "salesforce_marketing_cloud": ("EMULATED_SALESFORCE_MARKETING_CLOUD_MC_CLIENT_SECRET", "wrong-secret"),
    "mixpanel": ("EMULATED_MIXPANEL_SERVICE_ACCOUNT_PASSWORD", "wrong-password"),
}


def rows(ran):
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return [json.loads(line) for line in ran.stdout.splitlines()]


def paths(control, vendor):
    return [one.path for one in control.requests(vendor)]


def test_right_settings_work_at_every_vendor(site):
    site.write(*FIVE)
    ran = site.run("connectors", "check", "-o", "json")
    assert {row["connector"]: row["state"] for row in rows(ran)} == dict.fromkeys(FIVE, "works"), ran.stdout
    assert ran.exit_code == 0
    assert "5 work, 0 fail, 0 cannot be tested." in ran.stderr


def test_the_account_and_whether_it_is_live_are_named(site):
    site.write("stripe", "zendesk")
    stripe, zendesk = rows(site.run("connectors", "check", "--app", "shop", "-o", "json"))
    assert stripe["mode"] == "sandbox"
    assert stripe["account"]
    assert "shop.zendesk.com" in zendesk["account"]


@pytest.mark.parametrize("name", FIVE)
def test_a_wrong_key_fails_with_the_vendors_words_and_what_to_do(site, name):
    site.write(*FIVE)
    variable, value = WRONG[name]
    ran = site.run("connectors", "check", "-o", "json", **{variable: value})
    found = {row["connector"]: row for row in rows(ran)}
    assert ran.exit_code == 3
    assert [one for one, row in found.items() if row["state"] == "fails"] == [name]
    assert found[name]["reason"] == "misconfigured"
    assert found[name]["message"]
    assert f"settings of '{name}' in connectors.yaml" in found[name]["advice"]
    assert value not in ran.output


def test_each_realm_of_salesforce_gets_its_own_token_once(site, control):
    site.write("salesforce_marketing_cloud")
    assert site.run("connectors", "check").exit_code == 0
    tokens = [path for path in paths(control, "salesforce_marketing_cloud") if "token" in path]
    assert len(tokens) == len(set(tokens)) == 2


def test_only_the_named_connectors_are_asked(site, control):
    site.write("stripe", "zendesk")
    assert [row["connector"] for row in rows(site.run("connectors", "check", "zendesk", "-o", "json"))] == ["zendesk"]
    assert paths(control, "stripe") == []


def test_a_check_changes_nothing_at_any_vendor(site, control):
    site.write(*FIVE)
    site.run("connectors", "check")
    assert [control.ledger(name) for name in FIVE] == [[]] * len(FIVE)


def test_what_is_not_active_or_has_nothing_to_ask_cannot_be_tested(site, control):
    site.write("stripe", "custom_api", inactive=("stripe",))
    stripe, custom = rows(site.run("connectors", "check", "-o", "json"))
    assert (stripe["state"], custom["state"]) == ("untested", "untested")
    assert "not active" in stripe["message"]
    assert paths(control, "stripe") == paths(control, "custom_api") == []


def test_a_vendor_that_cannot_be_reached_is_no_fault_of_the_key(site):
    site.write("stripe", changed={"stripe": {"base_url": "http://127.0.0.1:9"}})
    [row] = rows(site.run("connectors", "check", "-o", "json"))
    assert (row["state"], row["reason"]) == ("fails", "unavailable")
    assert "try again" in row["advice"]


def test_the_table_says_it_in_words(site):
    site.write("stripe", "custom_api")
    ran = site.run("connectors", "check", "-o", "table", EMULATED_STRIPE_API_KEY=WRONG["stripe"][1])
    assert "fails" in ran.stdout
    assert "cannot be tested" in ran.stdout


@pytest.mark.parametrize(("arguments", "says"), [
    (("check", "strype"), "did you mean 'stripe'?"),
    (("check", "--app", "shap"), "did you mean 'shop'?"),
    (("options", "shop", "stripe", "coupon"), "did you mean 'coupons'?"),
    (("options", "shop", "zendesk", "agents"), "app 'shop' has no connector 'zendesk'"),
])
def test_a_wrong_name_is_a_usage_error_with_the_nearest(site, arguments, says):
    site.write("stripe")
    ran = site.run("connectors", *arguments)
    assert ran.exit_code == 2
    assert says in ran.stderr


@pytest.mark.parametrize(("connector", "name"), [
    ("stripe", "coupons"), ("zendesk", "agents"), ("sendgrid", "lists"), ("salesforce_marketing_cloud", "definitions"),
    ("salesforce_marketing_cloud", "lists"),
])
def test_a_pick_list_has_values_and_titles(site, connector, name):
    site.write(connector)
    ran = site.run("connectors", "options", "shop", connector, name, "-o", "json")
    found = rows(ran)
    assert found, ran.stderr
    assert all(one["value"] and one["title"] for one in found)


def test_a_refused_pick_list_says_what_to_do_and_shows_no_key(site):
    site.write("zendesk")
    ran = site.run("connectors", "options", "shop", "zendesk", "agents", EMULATED_ZENDESK_API_KEY="wrong-token")
    assert ran.exit_code == 1
    assert "What to do: compare the settings of 'zendesk'" in ran.stderr
    assert "wrong-token" not in ran.output


@pytest.mark.parametrize("name", sorted(emulated.ROWS))
def test_every_connector_of_the_catalogue_works_at_its_emulator_or_has_nothing_to_ask(site, control, name):
    site.write(name)
    ran = site.run("connectors", "check", "-o", "json")
    [row] = rows(ran)
    assert row["state"] == ("works" if catalogue()[name].check else "untested"), row
    assert control.ledger(name) == []
