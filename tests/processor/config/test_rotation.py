"""Sealed secrets of a store move to the first key, as a new version of each app that has some."""

import pytest

from processor.config.content import Compiler
from processor.config.keyring import Keyring, key_of, new_key
from processor.config.memory_store import MemoryStore
from processor.config.rotation import in_store
from processor.config.secrets import configure
from processor.config.vault import Access

OLD, NEW = new_key(lambda n: b"o" * n)[1], new_key(lambda n: b"n" * n)[1]
ENVIRON = {"OLD": OLD, "NEW": NEW}


@pytest.fixture
def ring(tmp_path):
    configure(["env:NEW", "env:OLD"], Access(), ENVIRON, tmp_path)
    yield Keyring([key_of(NEW), key_of(OLD)])
    configure([], Access(), {}, tmp_path)


@pytest.fixture
def store(ring):
    old = Keyring([key_of(OLD)])
    return MemoryStore(Compiler(ENVIRON), {
        name: {"app": {}, "connectors": {"stripe": {"settings": {"api_key": old.seal("sk_test_1", name)}}},
               "prompts": {}}
        for name in ("shop", "news")})


def key_in(store, name):
    return store.current(name).content["connectors"]["stripe"]["settings"]["api_key"]


def test_each_app_gets_a_version_under_the_first_key(store, ring):
    found = list(in_store(store, ring, None, "ada", write=True))
    assert {(one.app, one.place, one.problem) for one in found} == {
        (app, "connectors.stripe.settings.api_key", "") for app in ("shop", "news")}
    assert store.current("shop").number == 2
    assert ring.ids[0] in store.current("shop").note
    assert ring.open(key_in(store, "shop"), "shop") == "sk_test_1"
    assert key_in(store, "shop").startswith(f"sealed:{ring.ids[0]}:")
    assert list(in_store(store, ring, None, "ada", write=True)) == []


def test_only_told_or_only_one_app(store, ring):
    assert len(list(in_store(store, ring, None, "ada", write=False))) == 2
    assert store.current("shop").number == 1
    assert [one.app for one in in_store(store, ring, "news", "ada", write=True)] == ["news"]
    assert store.current("shop").number == 1


def test_what_does_not_open_is_told_and_nothing_is_applied(store, ring):
    only_new = Keyring([key_of(NEW)])
    assert all("not among secrets.keys" in one.problem for one in in_store(store, only_new, None, "a", write=True))
    assert store.current("shop").number == 1
