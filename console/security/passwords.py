"""Passwords of local accounts: argon2, and the same time whether an account exists or not."""

from __future__ import annotations

import hashlib
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST, LONGEST = 12, 256


class WeakPasswordError(ValueError):
    """A password that is not taken; the text says why."""


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobody() -> str:
    """What passwords for accounts that do not exist are held against."""
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """What is kept of a password; raises WeakPasswordError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPasswordError(f"use {SHORTEST} to {LONGEST} characters; a few words are easier to remember")
    return _hasher().hash(password)


def matches(password: str, known: str) -> bool:
    """Whether a password is the one of which `known` is kept; `known` is empty where there is no account."""
    try:
        return _hasher().verify(password[:LONGEST + 1], known or _nobody()) and bool(known)
    except Exception:  # noqa: BLE001 - a hash that cannot be read lets nobody in
        return False


def stamp(known: str) -> str:
    """A short digest that changes with the password: sessions carry it."""
    return hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""
