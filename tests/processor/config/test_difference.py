"""The difference of two configurations: what a person wants to know before the second goes live."""

from textwrap import dedent

import pytest

from processor.cli.main import main
from processor.config.difference import difference
from processor.config.files import load

APP = "title: Kiosk\n"
CONNECTORS = """
    stripe: {settings: {api_key: env:KEY}}
    zendesk: {settings: {domain: shop, username: a@example.com, api_key: env:ZENDESK}}
"""
PROMPTS = """
    offer:
      title: Stay
      accept:
        - {action: stripe.apply_coupon, params: {coupon_id: SAVE20}}
        - {action: zendesk.create_ticket}
"""
ENVIRON = {"KEY": "sk_test_one11111111", "OTHER": "sk_test_two22222222", "ZENDESK": "z-secret-1"}


@pytest.fixture
def folder(tmp_path):
    """Writes a config folder; what is not given is as above."""

    def write(name="new", app="kiosk", **files):
        place = tmp_path / name / "apps" / app
        place.mkdir(parents=True, exist_ok=True)
        for kind, text in {"app": APP, "connectors": CONNECTORS, "prompts": PROMPTS, **files}.items():
            (place / f"{kind}.yaml").write_text(dedent(text))
        return tmp_path / name

    return write


@pytest.fixture
def told(folder):
    """Each difference between the configuration above and another, as (name, kind, what, before, after)."""
    before = load(folder("old"), ENVIRON)

    def compare(environ=ENVIRON, **files):
        return [one[2:] for one in difference(before, load(folder(**files), environ))]

    return compare


def test_the_same_files_differ_in_nothing(told):
    assert told() == []


def test_a_prompt_gains_and_loses_actions(told):
    assert told(prompts="""
        offer:
          title: Stay
          accept: [{action: stripe.apply_coupon, params: {coupon_id: SAVE20}}]
          decline: [{action: zendesk.create_ticket, id: tell}]
    """) == [("offer.accept", "removed", "zendesk.create_ticket", "", ""),
             ("offer.decline", "added", "tell (zendesk.create_ticket)", "", "")]


def test_parameters_and_behaviour_are_told_one_by_one(told):
    assert told(prompts="""
        offer:
          title: Stay
          accept:
            - {action: stripe.apply_coupon, params: {coupon_id: TENOFF}, on_error: continue, max_age: 3d}
            - {action: zendesk.create_ticket}
    """) == [("offer.accept", "changed", "stripe.apply_coupon: coupon_id", "SAVE20", "TENOFF"),
             ("offer.accept", "changed", "stripe.apply_coupon: on_error", "stop", "continue"),
             ("offer.accept", "changed", "stripe.apply_coupon: max_age", "", "3d")]


def test_another_order_is_a_change(told):
    [change] = told(prompts="""
        offer:
          title: Stay
          accept: [{action: zendesk.create_ticket}, {action: stripe.apply_coupon, params: {coupon_id: SAVE20}}]
    """)
    assert change == ("offer.accept", "changed", "order", "stripe.apply_coupon, zendesk.create_ticket",
                      "zendesk.create_ticket, stripe.apply_coupon")


def test_a_changed_secret_is_told_without_its_value(told):
    changes = told(connectors=CONNECTORS.replace("env:KEY", "env:OTHER"))
    assert changes == [("stripe", "changed", "api_key", "a secret", "another value")]
    assert not any(value in str(changes) for value in ENVIRON.values())


def test_settings_limits_and_being_active_are_told(told):
    assert told(connectors="""
        stripe: {settings: {api_key: env:KEY, connect_account_id: acct_1}, limits: {rate: 5}}
        zendesk: {settings: {domain: shop, username: a@example.com, api_key: env:ZENDESK}}
        segment: {active: false, settings: {write_key: env:NONE}}
    """) == [("stripe", "changed", "connect_account_id", "", "acct_1"),
             ("stripe", "changed", "limits.rate", "100", "5"), ("segment", "added", "", "", "")]


def test_a_new_app_is_told_with_all_that_it_brings(folder):
    before = load(folder("old"), ENVIRON)
    folder("new")
    found = difference(before, load(folder("new", app="second"), ENVIRON))
    assert {one.app for one in found} == {"second"}
    assert (found[0].part, found[0].kind) == ("app", "added")
    assert ("prompt", "offer.accept") in [(one.part, one.name) for one in found]
    gone = difference(load(folder("new"), ENVIRON), before)
    assert {one.kind for one in gone} == {"removed"}


def test_the_command_compares_two_folders(folder, monkeypatch, tmp_path):
    from click.testing import CliRunner

    monkeypatch.chdir(tmp_path)
    old, new = folder("old"), folder("new", app="kiosk", app_file="", prompts="offer: {title: Stay}\n")
    (new / "apps/kiosk/app_file.yaml").unlink()
    ran = CliRunner().invoke(main, ["config", "plan", "--folder", str(old), "--against", str(new)], env=ENVIRON)
    assert ran.exit_code == 0, ran.output
    assert '"kind":"removed"' in ran.stdout
    assert "2 differences" in ran.stderr
