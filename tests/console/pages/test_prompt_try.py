"""*Try it* and the history of a prompt: what would run is told without any call; what was before comes back."""

import html
import re

import pytest

from processor.access import Role
from processor.kafka.reader import LogError
from processor.model.attributes import AttributesState

MEMBER = Role.APP_MEMBER
TRY, PAGE, HISTORY = (f"/apps/shop/{one}/save_offer" for one in ("try", "prompts", "prompt-history"))
STRIPE = {"stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}
COUPON = {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}
TRIAL = {"action": "stripe.extend_trial", "params": {"days": 7}}
SHOP = {"app": {"title": "Shop"}, "connectors": STRIPE, "prompts": {"save_offer": {"accept": [COUPON, TRIAL]},
                                                                    "another": {"accept": [TRIAL]}}}


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def wish(**more):
    return {"t.user": "u-1", "t.interaction": "accept", "t.form": "", "t.attributes": "", "t.ago": "", **more}


def known(attributes):
    state = AttributesState(attributes, 1, 1_799_999_000_000)
    return lambda app, user: state if (app, user) == ("shop", "u-1") else None


def test_what_would_run_is_told_with_its_first_call_and_no_personal_data(make_stand):
    stand = make_stand(contents={"shop": SHOP}, attributes=known({"stripe_id": "cus_secretish", "plan": "pro"}))
    answer = stand.browser(MEMBER).submit(TRY, wish())
    said = text_of(answer)
    assert answer.status_code == 200
    assert "Synced about this user: plan, stripe_id" in said
    assert "1. " in said
    assert "2. " in said
    assert said.count(" Runs ") == 2
    assert "cus_secretish" not in answer.text
    assert stand.store.current("shop").number == 1


def test_what_is_missing_is_named_and_what_stands_behind_it_is_not_reached(make_stand):
    stand = make_stand(contents={"shop": SHOP}, attributes=known({"plan": "pro"}))
    said = text_of(stand.browser(MEMBER).submit(TRY, wish()))
    assert "Something is missing" in said
    assert "it would wait 30 s for that, then fail" in said
    assert "Not reached" in said


def test_attributes_that_are_typed_count_in_the_place_of_those_that_are_synced(make_stand):
    stand = make_stand(contents={"shop": SHOP}, attributes=known({"stripe_id": "cus_1"}))
    said = text_of(stand.browser(MEMBER).submit(TRY, wish(**{"t.attributes": "stripe_id:"})))
    assert "Something is missing" in said
    said = text_of(stand.browser(MEMBER).submit(TRY, wish(**{"t.user": "u-2", "t.attributes": "stripe_id: c"})))
    assert "Nothing is known of this user" in said
    assert said.count(" Runs ") == 2


def test_without_kafka_or_with_a_broker_that_is_away_the_typed_ones_count(make_stand):
    stand = make_stand(contents={"shop": SHOP})
    assert "reads no attributes" in text_of(stand.browser(MEMBER).submit(TRY, wish()))

    def away(_app, _user):
        raise LogError("no broker answers")

    stand = make_stand(contents={"shop": SHOP}, attributes=away)
    answer = stand.browser(MEMBER).submit(TRY, wish(**{"t.attributes": "stripe_id: cus_1"}))
    assert answer.status_code == 200
    assert "could not be read: no broker answers" in text_of(answer)
    assert text_of(answer).count(" Runs ") == 2


@pytest.mark.parametrize(("typed", "said"), [
    ({"t.user": ""}, "Whose attributes"), ({"t.ago": "yesterday"}, "no length of time"),
    ({"t.form": "no colon"}, "name: value"), ({"t.interaction": "holdout"}, "no such answer")])
def test_what_cannot_be_tried_is_told_at_its_field(make_stand, typed, said):
    answer = make_stand(contents={"shop": SHOP}).browser(MEMBER).submit(TRY, wish(**typed))
    assert answer.status_code == 422
    assert said in answer.text


def test_a_draft_is_tried_before_it_is_saved_and_comes_back_whole(make_stand):
    stand = make_stand(contents={"shop": SHOP}, attributes=known({"stripe_id": "cus_1"}))
    browser = stand.browser(MEMBER)
    draft = {"base": "1", "draft": '{"accept":[{"action":"stripe.extend_trial","params":{"days":30}}]}'}
    answer = browser.submit(TRY, {**draft, **wish()})
    assert "which are not saved yet" in answer.text
    assert text_of(answer).count(" Runs ") == 1
    assert html.escape(draft["draft"], quote=True).replace("&quot;", "&#34;") in answer.text
    broken = browser.submit(TRY, {"base": "1", "draft": '{"accept":[{"action":"stripe.nothing"}]}', **wish()})
    assert broken.status_code == 422
    assert "unknown action" in broken.text


def test_who_may_not_change_actions_tries_nothing(make_stand):
    stand = make_stand(contents={"shop": SHOP})
    assert stand.browser(Role.READ_ONLY).get(TRY).status_code == 403
    assert stand.browser(Role.READ_ONLY).submit(TRY, wish()).status_code == 403
    assert stand.browser(MEMBER).get(TRY).status_code == 200


def test_history_tells_who_changed_the_prompt_and_brings_a_version_back_as_a_draft(make_stand):
    stand = make_stand(contents={"shop": SHOP})
    browser = stand.browser(MEMBER)
    raw = '{"title":"New","accept":[{"action":"stripe.extend_trial","params":{"days":7}}]}'
    browser.submit(PAGE, {"base": "1", "draft": raw, "do": "save", "note": "no coupon any more"})
    browser.submit("/apps/shop/prompts", {"id": "third"})
    page = browser.get(HISTORY)
    said = text_of(page)
    assert "prompt save_offer: no coupon any more" in said
    assert "Version 2" in said
    assert "Version 3" not in said, "it changed another prompt"
    back = browser.submit(PAGE, {"base": "3", "draft": raw, "do": "restore:1"})
    assert "Brought back from version 1" in back.text
    assert "Accept: stripe.apply_coupon" in text_of(back)
    assert stand.store.current("shop").number == 3, "nothing is live before it is saved"
    assert browser.submit(PAGE, {"base": "3", "draft": raw, "do": "restore:99"}).status_code == 404


def test_a_prompt_that_was_removed_is_brought_back_from_its_history(make_stand):
    stand = make_stand(contents={"shop": SHOP})
    browser = stand.browser(MEMBER)
    browser.submit(PAGE, {"base": "1", "draft": "null", "do": "save"})
    assert browser.get(PAGE).status_code == 404
    page = browser.get(HISTORY)
    assert "save_offer: removed" in text_of(page)
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    back = browser.submit(PAGE, {**form, "do": "restore:1"})
    assert "SAVE20" in back.text
    assert browser.get("/apps/shop/prompt-history/never_was").status_code == 404


def test_history_is_looked_through_in_pieces(make_stand):
    stand = make_stand(contents={"shop": SHOP})
    browser = stand.browser(MEMBER)
    for at in range(12):
        browser.submit("/apps/shop/prompts", {"id": f"more_{at}"})
    first = browser.get(HISTORY)
    assert "did not change in the 6 versions" in text_of(first)
    second = browser.get(HISTORY + re.search(r'href="(\?before=\d+)"', first.text)[1])
    assert "did not change in the 6 versions" in text_of(second)
    third = browser.get(HISTORY + re.search(r'href="(\?before=\d+)"', second.text)[1])
    assert "Version 1 " in text_of(third)
    assert "?before=" not in third.text
