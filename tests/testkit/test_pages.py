"""The reference pages are of today, and say what a page must say."""

import math

import pytest

from connectors.kit import Connector, Done, Params, Repeat, Settings, any_of, field, post, sign_with
from connectors.kit.action import FormInput
from connectors.kit.catalogue import catalogue
from testkit import pages
from testkit.asked import asked
from testkit.page_words import cell, doubt, duration, repeats, safeties

CONNECTORS = catalogue()
MADE = pages.pages(CONNECTORS)


def test_the_pages_are_of_today():
    found = pages.stale(pages.FOLDER, MADE)
    assert found == [], f"run `{pages.COMMAND}`"


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda one: one.id)
def test_a_page_leaves_nothing_out(connector):
    page = MADE[f"{connector.id}.md"]
    operations = [*connector.actions.values(), *connector.exports.values()]
    assert [one.id for one in operations if f"\n### {one.title}\n\n`{connector.id}.{one.id}`\n" not in page] == []
    settings = page.partition("## What to enter")[2].partition("## What to sync")[0]
    assert [name for name in connector.settings.model_fields if f"`{name}`" not in settings] == []
    needed = {name for one in operations for name in one.requires.any_of + one.requires.all_of}
    synced = page.partition("## What to sync")[2].partition("## Actions")[0]
    assert [name for name in needed if not name.startswith("form.") and f"`{name}`" not in synced] == []
    assert connector.confidence in page
    assert page.count("**Repeats") == page.count("**In doubt") >= sum(
        getattr(one, "kind", "call") == "call" for one in operations)


def test_the_index_leads_to_every_page():
    assert [name for name in CONNECTORS if f"({name}.md)" not in MADE[pages.INDEX]] == []


def test_pages_that_changed_are_missing_or_belong_to_nobody_are_stale(tmp_path):
    (tmp_path / "same.md").write_text("a")
    (tmp_path / "changed.md").write_text("b")
    (tmp_path / "gone.md").write_text("c")
    wanted = {"same.md": "a", "changed.md": "x", "new.md": "d"}
    assert pages.stale(tmp_path, wanted) == ["changed.md", "gone.md", "new.md"]


def test_writing_the_pages_makes_them_of_today(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "FOLDER", tmp_path / "made")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "gone.md").write_text("of a connector that is gone")
    assert pages.main() == 0
    assert pages.stale(tmp_path / "made", MADE) == []


class ShopSettings(Settings):
    """Of a shop."""

    careful: bool = field("Careful", default=False)


class GiveParams(Params):
    """What to give."""

    how: str = field("How", help="a | b <c>")


shop = Connector("shop", "Shop", "custom", ShopSettings, lambda _settings: sign_with("https://shop.example"),
                 help="Gives.", docs="https://shop.example/", confidence="Nothing is certain.")


@shop.action("give", "Give", params=GiveParams, requires=any_of("shop_id", "form.email"), repeat=Repeat.NEVER,
             form_inputs=[FormInput("email", "Address", required=False)],
             repeat_of=lambda _params, settings: Repeat.HARMLESS if settings.careful else Repeat.NEVER)
def give(call):
    """Ask for some facts, one of them only of the careful."""
    if call.settings.careful:
        call.attribute("card")
    yield post(f"/{call.first('shop_id', 'old_id')}/{call.event.context.get('cart', '')}")
    return Done()


def test_a_page_tells_what_a_connector_declares():
    page = pages.pages({"shop": shop})["shop.md"]
    assert "Needs one of: the attribute `shop_id`, the form input `email`." in page
    assert "- `email`, Address (may be absent)" in page
    assert "| **How** `how` | text; required | A \\| b &lt;c> |" in page
    assert "**Repeats.** Shop recognises no repeats here" in page
    assert "**Repeats where the setting 'Careful' is `true`.** Doing it twice" in page
    assert "**What is not certain.** Nothing is certain." in page


def test_what_a_flow_asks_for_is_heard_whatever_is_known_and_switched_on():
    found = asked(shop, shop.actions["give"])
    assert set(found.attributes) == {"shop_id", "old_id", "card"}
    assert found.context == ("cart",)


def test_safeties_begin_with_the_usual_one():
    found = safeties(shop.actions["give"], ShopSettings)
    assert [safety for _when, safety in found] == [Repeat.NEVER, Repeat.HARMLESS]
    assert found[0][0] == ""


@pytest.mark.parametrize(("seconds", "words"), [
    (1.0, "1 second"), (30, "30 seconds"), (90, "90 seconds"), (3600, "1 hour"), (86_400, "1 day"),
    (172_800, "2 days"), (0.5, "0.5 seconds"), (math.inf, "ever"),
])
def test_times_are_told_in_the_largest_unit_that_fits(seconds, words):
    assert duration(seconds) == words


def test_keys_that_are_kept_for_ever_leave_one_doubt_only():
    assert "recognises a repeat for ever" in repeats(Repeat.KEY, "Shop", math.inf)
    assert doubt(Repeat.KEY, "Shop", math.inf).startswith("It ends `in_doubt` only where Shop saw the key")
    assert "lies back more than 1 day" in doubt(Repeat.KEY, "Shop", 86_400)


def test_a_cell_stays_a_cell():
    assert cell("a|b\n<c>") == "a\\|b &lt;c>"
