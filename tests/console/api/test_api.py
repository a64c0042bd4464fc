"""The API: the same things as the pages, by tokens; no secret leaves it, nothing is overwritten."""

import contextlib
import json

import pytest

from connectors.kit.connector import Account, Option
from connectors.kit.errors import Unavailable
from processor.access import Role
from processor.config.store import COMPANY

V1 = "/api/v1/apps/shop"
STRIPE = f"{V1}/connectors/stripe"
ADMIN, OWNER = Role.APP_ADMINISTRATOR, Role.COMPANY_ADMINISTRATOR
KEY = "sk_test_sent_by_a_program_1234"


def content(stand):
    return stand.store.current("shop").content


def test_the_description_names_each_route_its_scope_and_the_token(stand):
    found = stand.browser().get("/api/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert found["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    put = found["paths"]["/api/v1/apps/{app}/connectors/{connector}"]["put"]
    assert "`change_settings`" in put["description"]
    assert {"401", "403", "404"} <= set(put["responses"])


def test_a_session_of_the_browser_is_worth_nothing_to_the_api(stand):
    assert stand.browser(OWNER).get(f"{V1}/connectors").status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer pa_x_y", "Basic pa_x_y", "Bearer " + "a" * 5000])
def test_no_token_or_a_wrong_one_is_told_as_such(stand, header):
    answer = stand.browser().get(f"{V1}/connectors", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_is_not_taken_by_pages(stand):
    assert stand.program(OWNER).get("/apps/shop/connectors").status_code == 303


def test_a_token_tells_the_apps_that_it_reaches(stand):
    assert [one["id"] for one in stand.program(ADMIN).get("/api/v1/apps").json()] == ["shop"]
    assert [one["id"] for one in stand.program(OWNER).get("/api/v1/apps").json()] == ["other", "shop"]


def test_connectors_are_told_with_their_states(stand):
    found = {one["id"]: one["state"] for one in stand.program(ADMIN).get(f"{V1}/connectors").json()}
    assert (found["stripe"], found["zendesk"], found["recurly"]) == ("active", "inactive", "not_configured")


def test_a_connector_is_changed_its_secret_sealed_and_never_told(stand, keyring):
    program = stand.program(ADMIN)
    answer = program.put(STRIPE, json={"base": 1, "settings": {"api_key": KEY}, "limits": {"rate": 5}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2
    kept = content(stand)["connectors"]["stripe"]
    assert keyring.open(kept["settings"]["api_key"], "shop") == KEY
    told = program.get(STRIPE)
    assert KEY not in told.text
    assert told.json()["secrets"]["api_key"]["ends_in"] == "1234"
    assert "api_key" not in told.json()["settings"]
    assert stand.store.current("shop").by.startswith("token ")


def test_a_secret_that_is_left_out_stays_and_one_that_is_null_goes(stand):
    program = stand.program(ADMIN)
    program.put(STRIPE, json={"base": 1, "settings": {"connect_account_id": "acct_1"}})
    assert content(stand)["connectors"]["stripe"]["settings"]["api_key"] == "env:STRIPE_KEY"
    gone = program.put(STRIPE, json={"base": 2, "settings": {"api_key": None}})
    assert gone.status_code == 422
    assert "'api_key' is missing" in gone.text


def test_several_secrets_by_name_are_changed_one_by_one(stand, keyring):
    program, path = stand.program(OWNER), f"{V1}/connectors/custom_api"
    program.put(path, json={"base": 1, "active": False, "settings": {"credentials": {"one": "first", "two": "second"}}})
    answer = program.put(path, json={"base": 2, "active": False, "settings": {
        "credentials": {"two": None, "three": "third"}}})
    assert answer.status_code == 200, answer.text
    kept = content(stand)["connectors"]["custom_api"]["settings"]["credentials"]
    assert {name: keyring.open(one, "shop") for name, one in kept.items()} == {"one": "first", "three": "third"}


def test_a_mistake_is_told_at_its_field_without_what_was_sent(stand, keyring):
    answer = stand.program(ADMIN).put(STRIPE, json={"base": 1, "settings": {"api_key": "pk_live_secretish"}})
    assert answer.status_code == 422
    assert "publishable keys" in answer.json()["errors"]["stripe.settings.api_key"]
    assert "secretish" not in answer.text
    odd = stand.program(ADMIN).put(STRIPE, json={"base": 1, "settings": KEY})
    assert odd.status_code == 422
    assert KEY not in odd.text


def test_a_change_made_from_an_old_version_is_refused(stand):
    program = stand.program(ADMIN)
    program.put(STRIPE, json={"base": 1, "settings": {"connect_account_id": "acct_theirs"}})
    late = program.put(STRIPE, json={"base": 1, "settings": {"connect_account_id": "acct_mine"}})
    assert late.status_code == 409
    assert "in version 2" in late.json()["detail"]
    assert content(stand)["connectors"]["stripe"]["settings"]["connect_account_id"] == "acct_theirs"


@pytest.mark.parametrize("settings", [
    {"api_key": "env:ANOTHER"}, {"allow_test_hosts": True, "base_url": "http://127.0.0.1:1"}])
def test_a_program_reaches_out_of_the_app_no_more_than_its_member_may(stand, settings):
    program = stand.program(ADMIN)
    assert program.put(STRIPE, json={"base": 1, "settings": settings}).status_code in (403, 422)
    assert program.post(f"{STRIPE}/test", json={"settings": settings}).status_code in (403, 422)
    whole = json.loads(json.dumps(content(stand)))
    whole["connectors"]["stripe"]["settings"] |= settings
    assert program.put(f"{V1}/configuration", json={"base": 1, "content": whole}).status_code == 403


def test_a_whole_configuration_goes_out_and_in_again_with_its_secrets_kept(stand, keyring):
    program = stand.program(ADMIN)
    program.put(STRIPE, json={"base": 1, "settings": {"api_key": KEY}})
    sealed = content(stand)["connectors"]["stripe"]["settings"]["api_key"]
    got = program.get(f"{V1}/configuration").json()
    assert got["content"]["connectors"]["stripe"]["settings"]["api_key"] == "(kept)"
    got["content"]["prompts"]["save_offer"]["title"] = "Another title"
    plan = program.post(f"{V1}/configuration/plan", json={"base": 2, "content": got["content"]}).json()
    assert [(one["what"], one["before"], one["after"]) for one in plan["changes"]] == [
        ("title", "Stay", "Another title")]
    answer = program.put(f"{V1}/configuration", json={"base": got["base"], "content": got["content"], "note": "why"})
    assert answer.status_code == 200, answer.text
    assert content(stand)["connectors"]["stripe"]["settings"]["api_key"] == sealed
    assert program.get(f"{V1}/history").json()[0]["note"] == "why"


def test_a_mark_where_no_secret_is_kept_is_a_mistake(stand, keyring):
    got = stand.program(OWNER).get(f"{V1}/configuration").json()
    got["content"]["connectors"]["recurly"] = {"settings": {"api_key": "(kept)", "site": "x"}}
    answer = stand.program(OWNER).put(f"{V1}/configuration", json={"base": 1, "content": got["content"]})
    assert answer.status_code == 422


def test_who_may_bind_but_not_set_up_changes_prompts_only(stand):
    program = stand.program(Role.APP_MEMBER)
    got = program.get(f"{V1}/configuration").json()["content"]
    got["prompts"]["save_offer"]["title"] = "By a member"
    assert program.put(f"{V1}/configuration", json={"base": 1, "content": got}).status_code == 200
    got["connectors"]["stripe"]["limits"] = {"rate": 1}
    refused = program.put(f"{V1}/configuration", json={"base": 2, "content": got})
    assert refused.status_code == 403
    assert "change_settings" in refused.json()["detail"]


def test_an_app_is_made_rolled_back_and_removed(stand):
    program = stand.program(OWNER)
    assert program.post("/api/v1/apps", json={"id": "fresh", "title": "Fresh"}).status_code == 201
    assert program.post("/api/v1/apps", json={"id": "fresh"}).status_code == 409
    path = "/api/v1/apps/fresh"
    second = {"base": 1, "content": {"app": {"title": "Second"}, "connectors": {}, "prompts": {}}}
    assert program.put(f"{path}/configuration", json=second).status_code == 200
    assert program.post(f"{path}/rollback", json={"base": 2, "version": 1}).status_code == 200
    assert program.get(f"{path}/configuration").json()["content"]["app"] == {"title": "Fresh"}
    assert program.delete(f"{path}?base=3").status_code == 200
    assert program.get(f"{path}/configuration").status_code == 404


class Line:
    def __init__(self, answer):
        self.answer = answer

    def run(self, _flow):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def masked(self, text):
        return text


def dialling(answer):
    @contextlib.contextmanager
    def opened():
        yield lambda _used: Line(answer)

    return opened


def test_a_connection_is_tested_and_a_pick_list_read(make_stand):
    stand = make_stand(dialling=dialling(Account("Shop Ltd", "sandbox")))
    found = stand.program(ADMIN).post(f"{STRIPE}/test", json={}).json()
    assert (found["state"], found["account"], found["mode"]) == ("works", "Shop Ltd", "sandbox")
    stand = make_stand(dialling=dialling([Option("SAVE20", "20 % off")]))
    assert stand.program(Role.APP_MEMBER).get(f"{STRIPE}/options/coupons").json() == [
        {"value": "SAVE20", "title": "20 % off"}]
    away = make_stand(dialling=dialling(Unavailable("connect", "no answer")))
    answer = away.program(ADMIN).get(f"{STRIPE}/options/coupons")
    assert answer.status_code == 422
    assert "no answer" in answer.json()["detail"]


def test_members_and_tokens_are_kept_as_on_the_pages(stand):
    program = stand.program(ADMIN)
    path = f"{V1}/members/new@example.com"
    assert program.put(path, json={"role": "app_member", "grants": ["replay"]}).status_code == 200
    assert program.put(path, json={"role": "read_only", "everywhere": True}).status_code == 403
    assert program.delete(path).status_code == 204
    assert program.delete(f"{path}?everywhere=true").status_code == 403
    made = program.post(f"{V1}/tokens", json={"scopes": ["see_health"], "title": "probe"})
    assert made.status_code == 201
    token = made.json()
    assert token["text"].startswith(f"pa_{token['id']}_")
    assert token["text"] not in json.dumps(stand.store.current(COMPANY).content)
    assert token["text"] not in program.get(f"{V1}/tokens").text
    assert program.delete(f"{V1}/tokens/{token['id']}").status_code == 204


def test_a_token_does_what_its_scopes_say_and_no_more(stand):
    made = stand.program(ADMIN).post(f"{V1}/tokens", json={"scopes": ["see_settings"]}).json()["text"]
    program = stand.browser()
    headers = {"Authorization": f"Bearer {made}"}
    assert program.get(f"{V1}/connectors", headers=headers).status_code == 200
    assert program.put(STRIPE, headers=headers, json={"base": 1}).status_code == 403
    assert program.get("/api/v1/apps/other/connectors", headers=headers).status_code == 403
