"""What every store that can be written to keeps: the same tests for the one in memory and the one in Kafka."""

# ruff: noqa: S101 - tests assert, also those that are shared

from __future__ import annotations

from typing import Any

import pytest

from processor.config import versions
from processor.config.errors import ConfigErrors
from processor.config.store import COMPANY, ConflictError, Store

KIOSK: dict[str, Any] = {
    "app": {"title": "Kiosk"},
    "connectors": {"custom_api": {"settings": {
        "signing_secret": "env:KIOSK_SECRET",
        "api_actions": {"thank": {"url": "https://kiosk.example/thanks"}},
    }}},
    "prompts": {"save_offer": {"accept": [{"action": "custom_api.call_api", "params": {"api_action": "thank"}}]}},
}
ENVIRON = {"KIOSK_SECRET": "whsec_" + "c2VjcmV0" * 6}


def kiosk(title: str) -> dict[str, Any]:
    """The app under another title."""
    return {**KIOSK, "app": {"title": title}}


class StoreContract:
    """Subclasses give a fixture `store`, empty, whose secrets come from ENVIRON."""

    def test_a_new_app_is_at_version_one_and_the_next_follows_on_it(self, store: Store) -> None:
        """Numbers count from 1, and what was written is read back."""
        first = store.apply("kiosk", KIOSK, base=0, by="ann", note="as agreed")
        second = store.apply("kiosk", kiosk("New"), base=1, by="bob")
        assert (first.number, first.by, first.note, first.content) == (1, "ann", "as agreed", KIOSK)
        assert store.current("kiosk") == second
        assert second.number == 2
        assert second.digest != first.digest
        assert store.names() == ("kiosk",)
        assert [one.number for one in store.history("kiosk")] == [2, 1]
        assert store.version("kiosk", 1) == first
        assert store.history("kiosk", 1) == (second,)

    def test_the_digest_is_the_version_that_outcomes_carry(self, store: Store) -> None:
        """What a person sees in the history is what stands in the results."""
        made = store.apply("kiosk", KIOSK, base=0, by="ann")
        assert store.configuration().apps["kiosk"].version == made.digest
        assert store.compiled("kiosk", KIOSK).version == made.digest

    @pytest.mark.parametrize("base", [0, 1, 3])
    def test_a_change_from_another_base_is_refused_and_names_who_was_first(self, store: Store, base: int) -> None:
        """Nobody's change is overwritten unseen."""
        store.apply("kiosk", KIOSK, base=0, by="ann")
        second = store.apply("kiosk", kiosk("Ann's"), base=1, by="ann")
        with pytest.raises(ConflictError, match="at version 2, by ann") as caught:
            store.apply("kiosk", kiosk("Bob's"), base=base, by="bob")
        assert (caught.value.base, caught.value.current) == (base, second)
        assert [one.number for one in store.history("kiosk")] == [2, 1]

    def test_a_change_of_an_app_that_never_was_needs_the_base_zero(self, store: Store) -> None:
        """Or its author has looked at another store."""
        with pytest.raises(ConflictError):
            store.apply("kiosk", KIOSK, base=4, by="bob")
        assert store.current("kiosk") is None
        assert store.names() == ()

    def test_every_mistake_is_named_and_nothing_is_written(self, store: Store) -> None:
        """Mistakes have a part and a field, no line."""
        wrong = {**KIOSK, "app": {"titel": "x"}, "prompts": {"save_offer": {"accept": [{"action": "custom_api.cal"}]}},
                 "more": 1}
        with pytest.raises(ConfigErrors) as caught:
            store.apply("kiosk", wrong, base=0, by="ann")
        assert [str(one).partition(" (")[0] for one in caught.value.errors] == [
            "app kiosk more: unknown part 'more'",
            "app kiosk, app titel: unknown key 'titel'",
            "app kiosk, prompts save_offer.accept[0].action: unknown action 'custom_api.cal'",
        ]
        assert store.current("kiosk") is None

    @pytest.mark.parametrize("title", [float("nan"), "\ud800", {1, 2}])
    def test_what_json_cannot_hold_is_refused(self, store: Store, title: Any) -> None:
        """Or it could be written and not be read."""
        with pytest.raises(ConfigErrors, match="no plain data"):
            store.apply("kiosk", {"app": {"title": title}}, base=0, by="ann")

    def test_a_secret_in_clear_is_refused_and_not_repeated_in_the_mistake(self, store: Store) -> None:
        """A store is read by more people than may know a secret."""
        wrong = {"connectors": {"custom_api": {"settings": {"signing_secret": "in the clear"}}}}
        with pytest.raises(ConfigErrors, match="a secret must not stand in the file") as caught:
            store.apply("kiosk", wrong, base=0, by="ann")
        assert "in the clear" not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "@other", "a/b", "-x", "x" * 101])
    def test_no_app_is_called_so(self, store: Store, name: str) -> None:
        """Names are keys of records and parts of paths."""
        with pytest.raises(ConfigErrors, match="no id of an app"):
            store.apply(name, KIOSK, base=0, by="ann")

    def test_a_removed_app_is_gone_and_its_numbers_go_on(self, store: Store) -> None:
        """So that a change which was made from before the removal does not bring it back."""
        store.apply("kiosk", KIOSK, base=0, by="ann")
        gone = store.apply("kiosk", None, base=1, by="ann")
        assert (gone.number, gone.digest, gone.content) == (2, "", None)
        assert store.names() == ()
        assert store.configuration().apps == {}
        assert store.current("kiosk") == gone
        assert store.apply("kiosk", KIOSK, base=2, by="ann").number == 3
        assert store.names() == ("kiosk",)

    def test_apps_and_the_company_have_numbers_of_their_own(self, store: Store) -> None:
        """A change of one is no conflict for another."""
        store.apply("kiosk", KIOSK, base=0, by="ann")
        store.apply("booth", kiosk("Booth"), base=0, by="ann")
        store.apply(COMPANY, {"title": "Example"}, base=0, by="ann")
        assert store.names() == ("booth", "kiosk")
        found = store.current(COMPANY)
        assert found is not None
        assert found.content == {"title": "Example"}
        assert set(store.configuration().apps) == {"booth", "kiosk"}

    def test_the_oldest_versions_are_forgotten(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """So that the topic stays small for ever."""
        monkeypatch.setattr(versions, "KEPT", 4)
        for number in range(6):
            store.apply("kiosk", kiosk(str(number)), base=number, by="ann")
        assert [one.number for one in store.history("kiosk", 100)] == [6, 5, 4, 3]
        assert store.version("kiosk", 2) is None
        oldest = store.version("kiosk", 3)
        assert oldest is not None
        assert oldest.content == kiosk("2")

    def test_what_is_done_to_a_content_after_it_was_applied_changes_nothing(self, store: Store) -> None:
        """A console goes on editing the value that it has."""
        mine = kiosk("Before")
        store.apply("kiosk", mine, base=0, by="ann")
        mine["app"]["title"] = "After"
        assert store.configuration().apps["kiosk"].title == "Before"
