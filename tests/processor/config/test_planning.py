import dataclasses

import pytest

from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.file_store import FileStore
from processor.config.memory_store import MemoryStore
from processor.config.planning import effects, plan_of
from testkit.store_contract import ENVIRON, KIOSK, kiosk


@pytest.fixture
def compiler(folder):
    return Compiler(folder.environ, folder.root, known=folder.known)


@pytest.fixture
def current(compiler):
    content = FileStore(compiler).current("kiosk").content
    return MemoryStore(compiler, {"kiosk": content}).current("kiosk")


def planned(folder, compiler, current):
    return plan_of("kiosk", current, FileStore(compiler).current("kiosk").content, compiler)


def test_where_nothing_differs_the_plan_is_empty(folder, compiler, current):
    found = planned(folder, compiler, current)
    assert found.empty
    assert (found.base, found.changes, effects(found.changes)) == (1, (), [])


def test_it_says_which_prompts_gain_and_lose_which_actions(folder, compiler, current):
    folder.change("prompts.yaml", "  decline:\n    - action: shop.cancel", "  dismiss:\n    - action: shop.cancel")
    folder.change("prompts.yaml", "STAY20", "STAY30")
    folder.change("app.yaml", "12h", "1d")
    found = planned(folder, compiler, current)
    assert not found.empty
    assert sorted(effects(found.changes)) == [
        "app kiosk changes duplicates_window",
        "kiosk: prompt save_offer.accept changes shop.apply_coupon: coupon_id",
        "kiosk: prompt save_offer.decline loses shop.cancel",
        "kiosk: prompt save_offer.dismiss gains shop.cancel",
    ]


def test_a_new_app_and_one_that_goes_are_told(folder, compiler, current):
    new = planned(folder, compiler, None)
    assert (new.base, new.before) == (0, "")
    assert effects(new.changes)[0] == "app kiosk is added"
    gone = plan_of("kiosk", current, None, compiler)
    assert gone.after == ""
    assert "app kiosk is removed" in effects(gone.changes)
    assert "kiosk: prompt save_offer is removed" in effects(gone.changes)


def test_what_would_be_live_must_be_sound(compiler, current):
    with pytest.raises(ConfigErrors):
        plan_of("kiosk", current, {"app": {"titel": "x"}}, compiler)


def test_what_is_live_and_unsound_here_counts_as_nothing():
    """So that it can be replaced."""
    compiler = Compiler(ENVIRON)
    current = MemoryStore(compiler, {"kiosk": KIOSK}).current("kiosk")
    current = current._replace(content={"app": {"titel": "x"}})
    found = plan_of("kiosk", current, kiosk("New"), dataclasses.replace(compiler))
    assert (found.base, found.before) == (1, current.digest)
    assert effects(found.changes)[0] == "app kiosk is added"
