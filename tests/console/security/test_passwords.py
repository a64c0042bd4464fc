"""Passwords: kept as argon2, checked in the same time for everybody, refused where they are weak."""

import pytest
from pwdlib import PasswordHash

from console.security import passwords


def test_what_is_kept_is_an_argon2_hash_of_its_own_each_time():
    first, second = passwords.hashed("correct horse battery"), passwords.hashed("correct horse battery")
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches("correct horse battery", first)
    assert not passwords.matches("correct horse batterx", first)


def test_an_account_that_does_not_exist_costs_a_hash_too(monkeypatch):
    asked = []
    monkeypatch.setattr(PasswordHash, "verify", lambda _self, _password, known: asked.append(known) or True)
    assert not passwords.matches("correct horse battery", "")
    assert len(asked) == 1


@pytest.mark.parametrize("known", ["$argon2id$broken", "plain", "$2b$12$abc"])
def test_a_hash_that_cannot_be_read_lets_nobody_in(known):
    assert not passwords.matches("x", known)


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "x" * 257])
def test_a_weak_or_endless_password_is_not_taken(password):
    with pytest.raises(passwords.WeakPasswordError):
        passwords.hashed(password)


def test_the_stamp_of_a_session_changes_with_the_password():
    assert passwords.stamp("$argon2id$a") != passwords.stamp("$argon2id$b")
    assert passwords.stamp("") == ""
