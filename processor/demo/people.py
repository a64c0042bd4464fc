"""Made-up users of the two example apps, and what was synced about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from connectors.kit.event import Value

STREAMLY, DAILYNEWS = "streamly", "dailynews"
FIRST = ("ada", "amir", "bea", "carlos", "chloe", "dina", "emil", "farah", "georg", "hana", "igor", "jana", "kemal",
         "lena", "marco", "nadia", "oskar", "priya", "quentin", "rosa", "sami", "tara", "umar", "vera", "wanda",
         "xenia", "yusuf", "zoe")
LAST = ("abel", "berg", "costa", "dahl", "evans", "fink", "gomez", "haas", "iyer", "jones", "klein", "lund", "meier",
        "novak", "okoye", "perez", "quist", "rossi", "silva", "toth", "ueda", "vogel", "weiss", "young", "zeman")
COUNTRIES = ("DE", "AT", "US", "GB", "FR", "ES", "IN", "BR")
PLANS = ("basic", "basic", "premium", "annual")

ONLY_BY_ADDRESS = 6
"""One in so many has no id at the billing vendor: it is looked up by the address."""
WITHOUT_ACCOUNT = 14
"""One reader in so many has no account code."""


class Person(NamedTuple):
    """One user of one app."""

    app_id: str
    user_id: str
    attributes: Mapping[str, Value]
    """Empty where nothing was synced."""
    trial: bool = False


def crowd(rng: Random, size: int) -> Sequence[Person]:
    """So many users, half of each app; the same for the same randomness."""
    names = [f"{first}-{last}" for first in FIRST for last in LAST]
    rng.shuffle(names)
    return [_viewer(name, place, rng) if place % 2 == 0 else _reader(name, place, rng)
            for place, name in enumerate(names[:size])]


def viewer(name: str, **attributes: Value) -> Person:
    """A user of the video service with these attributes, made for one purpose."""
    return Person(STREAMLY, name, attributes)


def full(name: str) -> dict[str, Value]:
    """What is synced about a user who lacks nothing."""
    return {"email_address": f"{name}@example.com", "stripe_id": f"cus_{name}", "first_name": _first(name)}


def _first(name: str) -> str:
    return name.removeprefix("trial-").partition("-")[0].title()


def _viewer(name: str, place: int, rng: Random) -> Person:
    trial = place % 10 == 0
    name = f"trial-{name}" if trial else name  # the emulated billing vendor knows trials by this name
    known = full(name) | {
        "plan_type": "trial" if trial else rng.choice(PLANS), "country": rng.choice(COUNTRIES),
        "apple_original_transaction_id": str(10**15 + 10 * place),
    }
    return Person(STREAMLY, name, _some(known, rng), trial)


def _reader(name: str, place: int, rng: Random) -> Person:
    known = full(name) | {"account_code": f"DN-{10_000 + place}", "country": rng.choice(COUNTRIES)}
    if rng.randrange(WITHOUT_ACCOUNT) == 0:
        del known["account_code"]
    return Person(DAILYNEWS, name, _some(known, rng))


def _some(known: dict[str, Value], rng: Random) -> dict[str, Value]:
    """As in life, not everything is known about everybody."""
    if rng.randrange(ONLY_BY_ADDRESS) == 0:
        del known["stripe_id"]
    if rng.randrange(4) == 0:
        del known["country"]
    return known
