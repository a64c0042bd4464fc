"""A prompt's page: its chains, each step of changing them, and that nothing is live or lost before it is saved."""

import contextlib
import html
import json
import re
import types

import pytest

from connectors.kit.connector import Option
from connectors.kit.errors import Unavailable
from processor.access import Role
from processor.config.store import ReadOnlyError
from processor.waiting.tally import Group

MEMBER = Role.APP_MEMBER
PAGE = "/apps/shop/prompts/save_offer"
COUPON = {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}
TRIAL = {"action": "stripe.extend_trial", "params": {"days": 7}}


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def fields(answer):
    """The hidden fields of the page's form that changes it, as a browser sends them."""
    form = re.search(r'<form method="post" action="[^"]*/prompts/.*?</form>', answer.text, re.DOTALL)[0]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def draft(answer):
    return json.loads(fields(answer)["draft"])


def live(stand, prompt="save_offer"):
    return stand.store.current("shop").content["prompts"].get(prompt)


class Editor:
    """A browser on a prompt's page: presses one button after another."""

    def __init__(self, stand, role=MEMBER, page=PAGE):
        self.browser, self.page = stand.browser(role), page
        self.answer = self.browser.get(page)

    def press(self, do, **typed):
        self.answer = self.browser.submit(self.page, {**fields(self.answer), "do": do, **typed})
        return self.answer

    @property
    def draft(self):
        return draft(self.answer)


def test_the_page_has_a_column_for_each_answer_and_its_actions_in_order(stand):
    page = stand.browser(Role.READ_ONLY).get(PAGE)
    assert page.status_code == 200
    names = re.findall(r"<h2>([^<]+)</h2>", page.text)
    assert names == ["Accept", "Secondary accept", "Decline", "Dismiss", "Timeout"]
    assert "SAVE20" in page.text
    assert re.search(r"Needs \w+ or \w+", text_of(page))


def test_who_may_only_look_gets_no_button_that_changes(stand):
    page = stand.browser(Role.READ_ONLY).get(PAGE)
    assert 'name="do"' not in page.text
    assert "draggable" not in page.text
    assert stand.browser(Role.READ_ONLY).submit(PAGE, {"do": "remove:accept:0"}).status_code == 403


def test_an_action_is_chosen_filled_in_seen_as_a_change_and_saved(stand):
    editor = Editor(stand)
    chooser = editor.press("add:decline")
    assert "stripe.extend_trial" in chooser.text
    assert "zendesk.create_ticket" not in chooser.text, "a connector that is off offers nothing"
    assert "Set up, but switched off: Zendesk" in text_of(chooser)
    form = editor.press("fill:decline:stripe.extend_trial")
    assert "Days to add" in form.text
    assert "If this fails" in form.text
    panel = editor.press("put:decline:new:stripe.extend_trial", **{
        "p.days": "7", "p.price_id": "", "b.on_error": "continue", "b.max_age": "3d", "b.in_doubt": "hold",
        "b.order": "hold", "b.id": ""})
    assert "Not saved yet" in panel.text
    assert "Decline: stripe.extend_trial" in text_of(panel)
    assert live(stand) == {"title": "Stay", "accept": [COUPON]}, "nothing is live before it is saved"
    saved = editor.press("save", note="a longer trial")
    assert saved.status_code == 303
    assert saved.headers["location"] == PAGE
    assert live(stand)["decline"] == [{**TRIAL, "on_error": "continue", "max_age": "3d"}]
    version = stand.store.current("shop")
    assert (version.number, version.by) == (2, "app_member@example.com")
    assert version.note == "prompt save_offer: a longer trial"


@pytest.mark.parametrize(("typed", "said"), [
    ({"p.days": "0"}, "greater than or equal to 1"), ({"p.days": "soon"}, "valid integer"), ({}, "is missing"),
    ({"p.days": "7", "b.max_age": "three days"}, "no length of time"),
    ({"p.days": "7", "b.id": "a b"}, "match pattern")])
def test_a_mistake_is_told_at_its_field_and_all_that_was_typed_stays(stand, typed, said):
    editor = Editor(stand)
    answer = editor.press("put:decline:new:stripe.extend_trial", **{"p.price_id": "price_typed", **typed})
    assert answer.status_code == 422
    wrong = re.findall(r'<p class="wrong"[^>]*>([^<]+)', answer.text)
    assert len(wrong) == 1
    assert said in html.unescape(wrong[0])
    assert 'value="price_typed"' in answer.text
    assert "decline" not in editor.draft


def test_a_mistake_of_several_fields_together_stands_above_them(stand):
    answer = Editor(stand).press("put:decline:new:stripe.apply_coupon", **{
        "p.coupon_id": "A", "p.promotion_code_id": "B", "p.keep_existing": "yes"})
    assert answer.status_code == 422
    assert "exactly one of the two" in answer.text


def test_numbers_that_are_picked_are_kept_as_numbers(make_stand):
    desk = {"settings": {"domain": "shop.zendesk.com", "username": "a@example.com", "api_key": "env:ZENDESK_KEY"}}
    stand = make_stand(contents={"shop": {"app": {}, "connectors": {"zendesk": desk}, "prompts": {"save_offer": {}}}})
    editor = Editor(stand)
    editor.press("put:timeout:new:zendesk.create_ticket", **{"p.subject": "Call me", "p.group_id": "360001"})
    assert editor.draft["timeout"][0]["params"] == {"subject": "Call me", "group_id": 360001}


def test_a_binding_is_changed_and_keeps_what_nobody_touched(make_stand):
    prompts = {"save_offer": {"accept": [{**COUPON, "id": "mine", "order": "overtake"}, TRIAL]}}
    stand = make_stand(contents={"shop": {"app": {}, "prompts": prompts, "connectors": {
        "stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}}})
    editor = Editor(stand)
    form = editor.press("edit:accept:0")
    assert 'value="SAVE20"' in form.text
    assert 'value="mine"' in form.text
    editor.press("put:accept:0:stripe.apply_coupon", **{
        "p.coupon_id": "SAVE30", "p.keep_existing": "yes", "b.id": "mine", "b.order": "overtake", "b.on_error": "stop"})
    editor.press("save")
    assert live(stand)["accept"] == [
        {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE30"}, "id": "mine", "order": "overtake"}, TRIAL]


def two(make_stand):
    return make_stand(contents={"shop": {"app": {}, "prompts": {"save_offer": {"accept": [COUPON, TRIAL]}},
                                         "connectors": {"stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}}})


@pytest.mark.parametrize(("do", "after"), [
    ("up:accept:1", {"accept": [TRIAL, COUPON]}), ("down:accept:0", {"accept": [TRIAL, COUPON]}),
    ("move:accept:0:accept:1", {"accept": [TRIAL, COUPON]}),
    ("move:accept:0:decline:0", {"accept": [TRIAL], "decline": [COUPON]}),
    ("copy:accept:1:timeout", {"accept": [COUPON, TRIAL], "timeout": [TRIAL]}),
    ("remove:accept:0", {"accept": [TRIAL]})])
def test_actions_are_moved_copied_and_removed_with_buttons_and_each_step_can_be_undone(make_stand, do, after):
    stand = two(make_stand)
    editor = Editor(stand)
    answer = editor.press(do)
    assert answer.status_code == 200
    assert editor.draft == after
    assert "Not saved yet" in answer.text
    assert live(stand) == {"accept": [COUPON, TRIAL]}
    editor.press("undo")
    assert editor.draft == {"accept": [COUPON, TRIAL]}
    assert "Not saved yet" not in editor.answer.text
    editor.answer = answer
    assert editor.press("save").status_code == 303
    assert live(stand) == after


@pytest.mark.parametrize("do", ["up:accept:7", "edit:accept:x", "remove:holdout:0", "add:impression", "up:accept",
                                "move:accept:0:accept:x", "fill:accept:stripe.nothing", "fill:accept:nothing.at_all"])
def test_a_step_that_cannot_be_is_refused_in_words(stand, do):
    answer = Editor(stand).press(do)
    assert answer.status_code == 422
    assert stand.store.current("shop").number == 1


@pytest.mark.parametrize("sent", ["{", "[]", '"text"', '{"accept": "x"}', '{"accept": [1]}'])
def test_a_draft_that_is_none_is_refused(stand, sent):
    answer = stand.browser(MEMBER).submit(PAGE, {"base": "1", "draft": sent, "do": "save"})
    assert answer.status_code == 422


def test_what_the_draft_may_not_be_is_refused_by_the_store_and_shown_at_its_action(stand):
    raw = json.dumps({"title": "Stay", "accept": [COUPON, {"action": "zendesk.create_ticket", "params": {}}]})
    answer = stand.browser(MEMBER).submit(PAGE, {"base": "1", "draft": raw, "do": "save"})
    assert answer.status_code == 422
    assert "is not active for this app" in answer.text
    assert "Zendesk" in answer.text
    assert stand.store.current("shop").number == 1


def test_two_who_change_the_same_prompt_see_each_other_and_lose_nothing(stand):
    mine, theirs = Editor(stand), Editor(stand, Role.APP_ADMINISTRATOR)
    theirs.press("show", title="Their title")
    assert theirs.press("save").status_code == 303
    mine.press("put:decline:new:stripe.extend_trial", **{"p.days": "7"})
    answer = mine.press("save")
    assert answer.status_code == 409
    said = text_of(answer)
    assert "Somebody else changed this prompt meanwhile; nothing was saved" in said
    assert "app_administrator@example.com saved version 2" in said
    assert "title Stay Their title" in said
    assert "Prompt: title Their title Stay" in said, "what saving mine would undo of theirs"
    assert mine.draft["decline"] == [TRIAL], "my change is still here"
    assert live(stand) == {"title": "Their title", "accept": [COUPON]}
    assert mine.press("save").status_code == 303, "then it is on purpose"
    assert live(stand)["decline"] == [TRIAL]


def test_a_change_of_another_prompt_meanwhile_is_no_conflict(stand):
    mine = Editor(stand)
    stand.browser(MEMBER).submit("/apps/shop/prompts", {"id": "other_prompt"})
    mine.press("remove:accept:0")
    assert mine.press("save").status_code == 303
    assert set(stand.store.current("shop").content["prompts"]) == {"save_offer", "other_prompt"}


def test_a_prompt_is_removed_only_when_that_is_saved(stand):
    editor = Editor(stand)
    answer = editor.press("delete")
    assert "taken away when you save" in answer.text
    assert live(stand) is not None
    assert editor.press("save").headers["location"] == "/apps/shop/prompts"
    assert live(stand) is None
    assert editor.browser.get(PAGE).status_code == 404


def test_why_an_action_cannot_work_or_waits_is_said_at_it(make_stand):
    prompts = {"save_offer": {"accept": [COUPON]}}
    stripe = {"settings": {"api_key": "env:STRIPE_KEY"}}
    group = Group("shop", "stripe", "settings", 7, 1_799_999_000_000, "e-1", 0)
    stand = make_stand(contents={"shop": {"app": {}, "connectors": {"stripe": stripe}, "prompts": prompts}},
                       waiting=lambda _app: (group,))
    editor = Editor(stand)
    assert "chains wait here until its settings are mended" in text_of(editor.answer)
    said = text_of(editor.press("remove:accept:0"))
    assert "7 chains of this app wait now" in said


def test_files_are_not_changed_here(stand, monkeypatch):
    def refuse(*_given, **_named):
        raise ReadOnlyError("files")

    monkeypatch.setattr(stand.store, "read_only", True, raising=False)
    monkeypatch.setattr(stand.store, "apply", refuse)
    page = stand.browser(MEMBER).get(PAGE)
    assert "Read-only." in page.text
    assert 'name="do"' not in page.text
    assert stand.browser(MEMBER).submit(PAGE, {"do": "remove:accept:0"}).status_code == 409


def test_a_prompt_whose_id_is_like_an_address_has_a_page(make_stand):
    prompts = {"flow/a b?c": {"accept": [COUPON]}}
    stand = make_stand(contents={"shop": {"app": {}, "prompts": prompts, "connectors": {
        "stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}}})
    browser = stand.browser(MEMBER)
    href = re.search(r'href="(/apps/shop/prompts/flow[^"]*)"', browser.get("/apps/shop/prompts").text)[1]
    editor = Editor(stand, page=href)
    assert "SAVE20" in editor.answer.text
    editor.press("remove:accept:0")
    assert editor.press("save").headers["location"] == href
    assert live(stand, "flow/a b?c") == {}


class Line:
    def __init__(self, answer, asked):
        self.answer, self.asked = answer, asked

    def run(self, _flow):
        self.asked.append(1)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def masked(self, text):
        return text


def dialling(answer, asked):
    @contextlib.contextmanager
    def opened():
        yield lambda _used: Line(answer, asked)

    return opened


PICKS = "/apps/shop/connectors/stripe/picks/coupons?field=f-p-coupon_id"


def test_a_pick_list_comes_after_the_page_and_is_asked_for_once(make_stand):
    asked = []
    stand = make_stand(dialling=dialling([Option("SAVE20", "20 % off")], asked))
    editor = Editor(stand)
    form = editor.press("edit:accept:0")
    assert asked == [], "the page does not wait for the vendor"
    assert f'hx-get="{PICKS}"' in form.text
    assert 'list="f-p-coupon_id-list"' in form.text
    part = editor.browser.get(PICKS)
    assert '<datalist id="f-p-coupon_id-list"><option value="SAVE20">20 % off</option></datalist>' in part.text
    editor.browser.get(PICKS)
    assert asked == [1]


def test_a_vendor_that_is_down_is_told_beside_the_field_and_the_action_is_taken_all_the_same(make_stand):
    stand = make_stand(dialling=dialling(Unavailable("connect", "no answer"), []))
    editor = Editor(stand)
    part = editor.browser.get(PICKS)
    assert part.status_code == 200
    assert "unavailable: no answer" in part.text
    editor.press("put:accept:0:stripe.apply_coupon", **{"p.coupon_id": "TYPED_FREELY", "p.keep_existing": "yes"})
    assert editor.press("save").status_code == 303
    assert live(stand)["accept"][0]["params"] == {"coupon_id": "TYPED_FREELY"}


def test_a_list_that_is_none_is_not_found(stand):
    browser = stand.browser(MEMBER)
    assert browser.get("/apps/shop/connectors/stripe/picks/nothing?field=f").status_code == 404
    assert browser.get("/apps/shop/connectors/stripe/picks/coupons?field=%3Cscript%3E").status_code == 404


def test_an_action_whose_attributes_are_not_synced_of_late_is_marked(make_stand):
    row = types.SimpleNamespace(interaction="accept", binding="stripe.apply_coupon")
    asked = []

    def newest(wanted, *, limit):
        asked.append((wanted.app, wanted.prompt, wanted.reason))
        return [row] * min(limit, 3)

    stand = make_stand(activity=types.SimpleNamespace(
        outcomes=types.SimpleNamespace(newest=newest), share=lambda _app, _requires: None))
    assert "3 of late failed since they were not synced" in text_of(stand.browser(MEMBER).get(PAGE))
    assert asked == [("shop", "save_offer", "missing_attributes")]


def test_a_step_that_is_refused_leaves_the_draft_on_the_page(stand):
    """The refusal would otherwise come in the place of the panel, and all that was not saved would be gone."""
    browser = stand.browser(MEMBER)
    sent = {**fields(browser.get(PAGE)), "do": "edit:accept:7"}
    answer = browser.submit(PAGE, sent, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#notice"
    assert 'role="alert"' in answer.text
    assert 'id="notice"' in browser.get(PAGE).text


def test_what_was_told_of_the_page_before_goes_with_the_first_step(stand):
    editor = Editor(stand)
    editor.browser.submit("/apps/shop/prompts", {"id": "welcome"})
    first = editor.browser.get("/apps/shop/prompts/welcome")
    assert "welcome is made" in first.text
    assert 'hx-select-oob="#notice"' in first.text
    step = editor.browser.submit("/apps/shop/prompts/welcome", {**fields(first), "do": "add:accept"})
    assert re.search(r'<div id="notice">\s*</div>', step.text)
