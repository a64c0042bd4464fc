"""Keys are made, secrets sealed and moved to another key, and nothing of them is told."""

from __future__ import annotations

import pytest

from processor.config import secrets as sources
from processor.config.keyring import new_key
from processor.config.own import load_settings

OLD, NEW = new_key(lambda n: b"o" * n)[1], new_key(lambda n: b"n" * n)[1]
BOTH = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:NEW","env:OLD"]', "NEW": NEW, "OLD": OLD}
ONLY_OLD = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:OLD"]', "OLD": OLD}
ONLY_NEW = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:NEW"]', "NEW": NEW}
FILE = """stripe:
  settings:
    api_key: {old}   # of the live account
"""


@pytest.fixture(autouse=True)
def no_keys_afterwards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    load_settings({})


@pytest.fixture
def shop(run, tmp_path):
    """The connectors of an app whose key was sealed with the old key."""
    sealed = run("secrets", "seal", "--app", "shop", input="sk_test_hunter22\n", **ONLY_OLD).out.strip()
    file = tmp_path / "config" / "apps" / "shop" / "connectors.yaml"
    file.parent.mkdir(parents=True)
    (file.parent / "app.yaml").write_text("title: Shop\n")
    file.write_text(FILE.format(old=sealed))
    return file


def api_key(run, file, **environ):
    ran = run("config", "validate", "-o", "json", **environ)
    assert ran.code == 0, ran.out
    sealed = file.read_text().split("api_key: ")[1].split()[0]
    return sources.resolve(sealed, environ, app="shop").get_secret_value()


def test_a_key_is_written_once_for_its_owner_only(run, tmp_path):
    out = tmp_path / "new.key"
    assert run("secrets", "key", "--out", str(out)).code == 0
    text = out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    ran = run("secrets", "key", "--out", str(out))
    assert ran.code == 1
    assert "is there already" in ran.err
    assert out.read_text() == text


def test_a_printed_key_can_be_used(run):
    key = run("secrets", "key").out.strip()
    ran = run("secrets", "seal", "--app", "shop", input="x", PROMPT_ACTIONS_SECRETS__KEYS='["env:K"]', K=key)
    assert ran.out.startswith("sealed:")


def test_sealing_tells_the_reference_and_never_the_secret(run):
    ran = run("secrets", "seal", "--app", "shop", input="hunter22\n", **ONLY_OLD)
    assert ran.code == 0
    assert ran.out.startswith("sealed:")
    assert "hunter22" not in ran.out + ran.err


@pytest.mark.parametrize(("environ", "input", "words"), [
    ({}, "x", "there is no key"), (ONLY_OLD, "", "nothing was given"),
    ({"PROMPT_ACTIONS_SECRETS__KEYS": '["env:OLD"]'}, "x", "secrets.keys: the environment variable OLD is not set"),
])
def test_what_cannot_be_sealed_says_why(run, environ, input, words):
    ran = run("secrets", "seal", "--app", "shop", input=input, **environ)
    assert ran.code == 1
    assert words in ran.err


def test_an_app_runs_with_a_sealed_secret(run, shop):
    assert api_key(run, shop, **ONLY_OLD) == "sk_test_hunter22"


def test_rotation_is_told_first_and_written_when_asked(run, shop):
    before = shop.read_text()
    told = run("secrets", "rotate", **BOTH)
    assert told.code == 0
    assert [(row["app"], row["problem"]) for row in told.rows] == [("shop", "")]
    assert told.rows[0]["place"].endswith("connectors.yaml:3")
    assert shop.read_text() == before

    assert run("secrets", "rotate", "--write", **BOTH).code == 0
    assert shop.read_text().endswith("   # of the live account\n")
    assert api_key(run, shop, **ONLY_NEW) == "sk_test_hunter22"
    assert run("secrets", "rotate", "--write", **BOTH).rows == []


def test_what_no_key_opens_stays_and_is_named(run, shop):
    before = shop.read_text()
    ran = run("secrets", "rotate", "--write", **ONLY_NEW)
    assert ran.code == 3
    assert "not among secrets.keys" in ran.rows[0]["problem"]
    assert shop.read_text() == before


def test_a_mistake_in_an_app_shows_no_sealed_secret_in_clear(run, shop):
    shop.write_text(shop.read_text() + "  activ: true\n")
    ran = run("config", "validate", **ONLY_OLD)
    assert ran.code == 1
    assert "hunter22" not in ran.out + ran.err
