"""Prompts by the API: the same as on the pages, and no change overwrites another's."""

import pytest

from connectors.kit.event import CHAIN_INTERACTIONS
from console.api.prompts import ExplainWish
from processor.access import Role
from processor.model.attributes import AttributesState

MEMBER = Role.APP_MEMBER
V1 = "/api/v1/apps/shop"
ONE = f"{V1}/prompts/save_offer"
COUPON = {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}
TRIAL = {"action": "stripe.extend_trial", "params": {"days": 7}}


def live(stand, prompt="save_offer"):
    return stand.store.current("shop").content["prompts"].get(prompt)


def test_prompts_are_found_and_read(stand):
    program = stand.program(Role.READ_ONLY)
    found = program.get(f"{V1}/prompts?q=stay").json()
    assert found == {"total": 1, "page": 1, "pages": 1, "prompts": [
        {"id": "save_offer", "title": "Stay", "actions": {"accept": ["stripe.apply_coupon"]}}]}
    assert program.get(f"{V1}/prompts?q=nothing").json()["prompts"] == []
    assert program.get(ONE).json() == {"id": "save_offer", "base": 1, "prompt": {"title": "Stay", "accept": [COUPON]}}
    assert program.get(f"{V1}/prompts/nothing").status_code == 404


def test_a_prompt_is_changed_made_and_removed_by_members(stand):
    program = stand.program(MEMBER)
    changed = program.put(ONE, json={"base": 1, "prompt": {"title": "Stay", "accept": [TRIAL]}, "note": "a trial"})
    assert changed.json()["version"] == 2
    assert live(stand)["accept"] == [TRIAL]
    assert stand.store.current("shop").note == "prompt save_offer: a trial"
    made = program.put(f"{V1}/prompts/flow/one", json={"base": 2, "prompt": {"decline": [COUPON]}})
    assert made.status_code == 200
    assert program.get(f"{V1}/prompts/flow/one").json()["prompt"] == {"decline": [COUPON]}
    assert program.delete(f"{V1}/prompts/flow/one?base=3").status_code == 200
    assert live(stand, "flow/one") is None
    assert stand.program(Role.READ_ONLY).put(ONE, json={"base": 3, "prompt": {}}).status_code == 403


def test_a_change_from_an_old_version_is_refused_only_where_the_same_prompt_changed(stand):
    program = stand.program(MEMBER)
    program.put(f"{V1}/prompts/another", json={"base": 1, "prompt": {}})
    assert program.put(ONE, json={"base": 1, "prompt": {"accept": [TRIAL]}}).status_code == 200
    late = program.put(ONE, json={"base": 1, "prompt": {"decline": [TRIAL]}})
    assert late.status_code == 409
    assert "of app_member@example.com in version 3" in late.json()["detail"]
    assert program.delete(f"{ONE}?base=1").status_code == 409
    assert live(stand) == {"accept": [TRIAL]}


def test_what_is_wrong_is_told_with_its_place_and_changes_nothing(stand):
    answer = stand.program(MEMBER).put(ONE, json={"base": 1, "prompt": {"accept": [
        {"action": "zendesk.create_ticket"}, {"action": "stripe.extend_trial", "params": {"days": 0}}]}})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"save_offer.accept[0].action", "save_offer.accept[1].params.days"}
    assert stand.store.current("shop").number == 1


def test_what_would_run_is_told_for_what_is_live_and_for_a_draft(make_stand):
    state = AttributesState({"stripe_id": "cus_1"}, 1, 5)
    stand = make_stand(attributes=lambda _app, user: state if user == "u-1" else None)
    program = stand.program(MEMBER)
    wish = {"user": "u-1", "prompt": "save_offer", "interaction": "accept"}
    found = program.post(f"{V1}/explain", json=wish).json()
    assert [(one["binding"], one["verdict"]) for one in found["chain"]] == [("stripe.apply_coupon", "runs")]
    assert found["known"] == ["stripe_id"]
    assert "cus_1" not in str(found)
    found = program.post(f"{V1}/explain", json={**wish, "draft": {"accept": [TRIAL, COUPON]},
                                                "attributes": {"stripe_id": None}}).json()
    assert [one["verdict"] for one in found["chain"]] == ["missing", "skipped"]
    assert stand.store.current("shop").number == 1
    assert program.post(f"{V1}/explain", json={**wish, "ago": "yesterday"}).status_code == 422
    assert program.post(f"{V1}/explain", json={**wish, "interaction": "holdout"}).status_code == 422
    assert stand.program(Role.READ_ONLY).post(f"{V1}/explain", json=wish).status_code == 403


@pytest.mark.parametrize("interaction", CHAIN_INTERACTIONS)
def test_each_answer_can_be_tried(interaction):
    assert ExplainWish(user="u", prompt="p", interaction=interaction).interaction == interaction
