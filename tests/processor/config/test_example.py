"""The configuration that the project ships is sound, complete, and runs against the emulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.kit.event import CHAIN_INTERACTIONS
from processor.config.errors import ConfigErrors
from processor.config.files import load
from testkit.vendors import example

CONFIG = Path(__file__).resolve().parents[3] / "config"
CONNECTORS = {
    "stripe", "zendesk", "sendgrid", "salesforce_marketing_cloud", "mixpanel", "apple_app_store", "custom_api",
}


@pytest.fixture(scope="module")
def apps():
    return load(CONFIG, example.environment()).apps


def bindings(apps):
    return [one for app in apps.values() for prompt in app.prompts.values()
            for chain in prompt.chains.values() for one in chain]


def test_it_shows_two_apps_a_dozen_prompts_and_seven_connectors(apps):
    assert set(apps) == {"streamly", "dailynews"}
    assert sum(len(app.prompts) for app in apps.values()) >= 12
    assert {one.connector.id for one in bindings(apps)} | {
        one.connector.id for app in apps.values() for one in app.exports} == CONNECTORS


def test_it_shows_every_interaction_both_error_behaviours_ages_longer_chains_and_exports(apps):
    shown = bindings(apps)
    assert {name for app in apps.values() for prompt in app.prompts.values() for name in prompt.chains} == set(
        CHAIN_INTERACTIONS)
    assert {one.on_error for one in shown} == {"stop", "continue"}
    assert any(one.max_age for one in shown)
    assert max(len(chain) for app in apps.values() for p in app.prompts.values() for chain in p.chains.values()) >= 3
    assert {one.id for app in apps.values() for one in app.exports} == {
        "mixpanel.export_prompt_event", "mixpanel.sync_user_traits"}


def test_each_secret_of_it_is_told_in_the_page_about_it():
    page = (CONFIG / "README.md").read_text("utf-8")
    with pytest.raises(ConfigErrors) as caught:
        load(CONFIG, {})
    names = {one.hint.split("env:")[1].rstrip("'") for one in caught.value.errors}
    assert names == {line.split("=")[0] for line in page.splitlines() if line.startswith(("STREAMLY_", "DAILYNEWS_"))}


def test_overrides_send_all_of_it_to_the_emulators():
    apps = load(CONFIG, example.environment(), example.overrides("http://127.0.0.1:9")).apps
    for app in apps.values():
        for used in app.connectors.values():
            shown = repr(used.settings)
            assert "http://127.0.0.1:9/" in shown, used.connector.id
            assert "https://" not in shown, used.connector.id


def test_a_key_that_is_no_key_is_found_before_anything_runs():
    environ = example.environment() | {"STREAMLY_APPLE_PRIVATE_KEY": "-----BEGIN nonsense-----"}
    with pytest.raises(ConfigErrors) as caught:
        load(CONFIG, environ)
    [error] = caught.value.errors
    assert error.file.endswith("streamly/connectors.yaml")
    assert "nonsense" not in str(error)


def test_an_api_action_that_is_not_saved_is_found_before_anything_runs(tmp_path):
    folder = tmp_path / "apps" / "dailynews"
    folder.mkdir(parents=True)
    for path in (CONFIG / "apps" / "dailynews").iterdir():
        folder.joinpath(path.name).write_text(path.read_text().replace("api_action: start_d", "api_action: begin_d"))
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, example.environment())
    [error] = caught.value.errors
    assert (error.message, error.field) == (
        "'begin_delivery' is not there to pick", "weekend_paper.accept[1].params.api_action")
    assert "record_reason, start_delivery" in error.hint
