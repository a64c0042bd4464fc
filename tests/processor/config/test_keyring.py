"""Sealed secrets: bound to an app, opened by any key, and nothing told when they do not open."""

from itertools import count

import pytest

from processor.config import secrets
from processor.config.errors import SecretError
from processor.config.keyring import Keyring, key_of, new_key
from processor.config.own import load_settings
from processor.config.secrets import keyring_of, reference, resolve

OLD, NEW = key_of(new_key(lambda n: b"o" * n)[1]), key_of(new_key(lambda n: b"n" * n)[1])


def ring(*keys):
    numbers = count()
    return Keyring(keys, lambda n: next(numbers).to_bytes(n, "big"))


def refusal(do):
    with pytest.raises(SecretError) as found:
        do()
    return str(found.value)


@pytest.mark.parametrize("text", ["sk_live_1", "", "ü\n-----BEGIN\n", "x" * 5000])
def test_what_was_sealed_opens(text):
    keys = ring(NEW)
    sealed = keys.seal(text, "shop")
    assert keys.open(sealed, "shop") == text
    assert reference(sealed) == sealed
    assert len(text) < 3 or text not in sealed


def test_the_first_key_seals_and_all_open():
    sealed = ring(OLD).seal("hunter22", "shop")
    keys = ring(NEW, OLD)
    assert keys.open(sealed, "shop") == "hunter22"
    assert keys.seal("x", "shop").startswith(f"sealed:{NEW.id}:")


def test_rotation_seals_anew_what_another_key_sealed_and_leaves_the_rest():
    old = ring(OLD).seal("hunter22", "shop")
    new = ring(NEW, OLD).rotate(old, "shop")
    assert ring(NEW).open(new, "shop") == "hunter22"
    assert ring(NEW, OLD).rotate(new, "shop") == new


def test_the_same_secret_twice_is_not_seen_to_be_the_same():
    keys = ring(NEW)
    assert keys.seal("hunter22", "shop") != keys.seal("hunter22", "shop")


def test_a_sealed_secret_does_not_open_in_another_app():
    sealed = ring(NEW).seal("hunter22", "shop")
    told = refusal(lambda: ring(NEW).open(sealed, "news"))
    assert "sealed for another app than 'news'" in told
    assert sealed not in told


def test_a_key_that_is_not_there_is_named():
    told = refusal(lambda: ring(NEW).open(ring(OLD).seal("x", "shop"), "shop"))
    assert OLD.id in told
    assert NEW.id in told


@pytest.mark.parametrize("change", [lambda t: t[:-4], lambda t: t[:20] + ("A" if t[20] != "A" else "B") + t[21:]])
def test_a_sealed_text_that_was_changed_does_not_open(change):
    assert "changed, cut" in refusal(lambda: ring(NEW).open(change(ring(NEW).seal("hunter22", "shop")), "shop"))


@pytest.mark.parametrize("text", ["sealed:", "sealed:x", "sealed:abc:!!", "sealed::AAAA", "sealed:abc:AAAA", "env:A"])
def test_what_is_no_sealed_secret_says_what_its_form_is(text):
    assert "sealed:<key>:<text>" in refusal(lambda: ring(NEW).open(text, "shop"))


@pytest.mark.parametrize("text", ["", "hunter22", "AAAA", "x" * 44, "\xff" * 44])
def test_what_is_no_key_is_refused_and_not_repeated(text):
    told = refusal(lambda: key_of(text))
    assert "prompt-actions secrets key" in told
    assert not text or text not in told


def test_sealing_needs_a_key():
    assert "make one with `prompt-actions secrets key`" in refusal(lambda: ring().seal("x", "shop"))


def test_no_key_shows_when_it_is_printed():
    assert repr(NEW) == f"Key({NEW.id})"


def test_keys_are_references_like_other_secrets(tmp_path):
    (tmp_path / "old.key").write_text(new_key(lambda n: b"o" * n)[1] + "\n")
    found = keyring_of(["env:NEW", "file:old.key"], {"NEW": new_key(lambda n: b"n" * n)[1]}, tmp_path)
    assert found.ids == (NEW.id, OLD.id)
    assert "secrets.keys: the environment variable NEW is not set" in refusal(
        lambda: keyring_of(["env:NEW"], {}, tmp_path))


def test_the_settings_say_which_keys_open_an_apps_secrets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sealed = ring(OLD).seal("hunter22", "shop")
    environ = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:KEY"]', "KEY": new_key(lambda n: b"o" * n)[1]}
    load_settings(environ)
    try:
        assert resolve(sealed, {}, app="shop").get_secret_value() == "hunter22"
        assert "another app" in refusal(lambda: resolve(sealed, {}, app="news"))
    finally:
        load_settings({})
    assert "none are named" in refusal(lambda: resolve(sealed, {}, app="shop"))


def test_a_key_written_into_the_settings_is_refused_and_not_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    key = new_key()[1]
    with pytest.raises(Exception, match="is no reference") as found:
        load_settings({"PROMPT_ACTIONS_SECRETS__KEYS": f'["{key}"]'})
    assert key not in str(found.value)


def test_an_app_opens_what_was_sealed_for_it_and_no_other(folder, monkeypatch):
    monkeypatch.setattr(secrets, "keyring", lambda: ring(NEW))
    folder.change("connectors.yaml", "env:SHOP_KEY", ring(NEW).seal("sk_live", "kiosk"))
    assert folder.load().apps["kiosk"].connectors["shop"].settings.api_key.get_secret_value() == "sk_live"
    folder.change("connectors.yaml", ring(NEW).seal("sk_live", "kiosk"), ring(NEW).seal("sk_live", "other"))
    assert "sealed for another app" in folder.errors()[0]
