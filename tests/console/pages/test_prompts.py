"""The list of prompts: search, pages, a new prompt, and what it costs with five thousand of them."""

import html
import re
import statistics
import time

import pytest

from console.prompts.listing import listing
from processor.access import Role
from processor.config.store import ReadOnlyError

MEMBER = Role.APP_MEMBER
PROMPTS = "/apps/shop/prompts"
STRIPE = {"stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.replace("<wbr>", ""))))


def many(count):
    coupon = {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}
    trial = {"action": "stripe.extend_trial", "params": {"days": 7}}
    return {f"prompt_{at}": {"title": f"Title {at}", "accept": [coupon], "decline": [trial] if at % 2 else []}
            for at in range(count)}


def test_the_list_says_what_each_answer_sets_off(stand):
    page = stand.browser(Role.READ_ONLY).get(PROMPTS)
    assert page.status_code == 200
    assert re.search(r"Stay save_offer stripe\.apply_coupon", text_of(page))
    assert 'href="/apps/shop/prompts/save_offer"' in page.text


def test_words_find_titles_ids_and_actions():
    content = {"prompts": {"one": {"title": "Stay a while"}, "two": {"accept": [{"action": "stripe.extend_trial"}]},
                           "three": None}}
    assert [one.id for one in listing(content, "STAY while", 1).prompts] == ["one"]
    assert [one.id for one in listing(content, "extend", 1).prompts] == ["two"]
    assert [one.id for one in listing(content, "thr", 1).prompts] == ["three"]
    assert listing(content, "nothing of it", 1).prompts == ()


@pytest.mark.parametrize(("page", "first", "shown"), [(1, "prompt_0", 1), (3, "prompt_100", 3), (99, "prompt_100", 3),
                                                      (-5, "prompt_0", 1)])
def test_the_list_is_shown_page_by_page(page, first, shown):
    found = listing({"prompts": many(120)}, "", page)
    assert (found.prompts[0].id, found.page, found.pages, found.total) == (first, shown, 3, 120)


def test_an_app_without_prompts_says_what_to_do_next(stand, make_stand):
    empty = stand.browser(Role.COMPANY_ADMINISTRATOR).get("/apps/other/prompts")
    assert "Actions come from connectors, and none is switched on yet" in text_of(empty)
    ready = make_stand(contents={"shop": {"app": {}, "connectors": STRIPE, "prompts": {}}})
    page = ready.browser(MEMBER).get(PROMPTS)
    assert "No prompt yet" in page.text
    assert "New prompt" in page.text
    assert "New prompt" not in ready.browser(Role.READ_ONLY).get(PROMPTS).text


def test_a_prompt_is_made_and_its_page_is_where_one_goes_on(stand):
    answer = stand.browser(MEMBER).submit(PROMPTS, {"id": " spring_offer ", "title": "Spring"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PROMPTS}/spring_offer"
    version = stand.store.current("shop")
    assert version.content["prompts"]["spring_offer"] == {"title": "Spring"}
    assert (version.by, version.note) == ("app_member@example.com", "prompt spring_offer: made")
    assert stand.browser(MEMBER).get(f"{PROMPTS}/spring_offer").status_code == 200


@pytest.mark.parametrize(("name", "status", "said"), [
    ("save_offer", 409, "already"), ("", 422, "the id that events name"), ("two words", 422, "the id that events name"),
    ("../x", 422, "the id that events name")])
def test_an_id_that_cannot_be_is_told_beside_it_and_what_was_typed_stays(stand, name, status, said):
    answer = stand.browser(MEMBER).submit(PROMPTS, {"id": name, "title": "Typed before"})
    assert answer.status_code == status
    assert said in answer.text
    assert 'value="Typed before"' in answer.text
    assert stand.store.current("shop").number == 1


def test_files_are_looked_at_and_changed_elsewhere(stand, monkeypatch):
    def refuse(*_given, **_named):
        raise ReadOnlyError("files")

    monkeypatch.setattr(stand.store, "read_only", True, raising=False)
    monkeypatch.setattr(stand.store, "apply", refuse)
    page = stand.browser(MEMBER).get(PROMPTS)
    assert "Read-only." in page.text
    assert 'id="new"' not in page.text
    assert stand.browser(MEMBER).submit(PROMPTS, {"id": "x"}).status_code == 409


def test_five_thousand_prompts_are_listed_and_searched_quickly(make_stand):
    stand = make_stand(contents={"shop": {"app": {}, "connectors": STRIPE, "prompts": many(5000)}}, freshness=60.0)
    browser = stand.browser(MEMBER)
    times = []
    for query in ("", "?page=60", "?q=title+4321", "?q=extend_trial&page=3", "", "?q=nothing", ""):
        begun = time.perf_counter()
        page = browser.get(PROMPTS + query)
        times.append(time.perf_counter() - begun)
        assert page.status_code == 200
        assert len(page.content) < 100_000
    assert statistics.median(times) < 0.5, "ten times slower than on a quiet machine"
