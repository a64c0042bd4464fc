"""Dead letters and replays by the API: the same rules as on the pages, and no change by a slip of the pen."""

import pytest

from processor.access import Role

V1 = "/api/v1/apps/shop"
ADMIN, MEMBER, OWNER = Role.APP_ADMINISTRATOR, Role.APP_MEMBER, Role.COMPANY_ADMINISTRATOR


@pytest.fixture
def stand(make_stand, office):
    return make_stand(letters=office.letters)


@pytest.fixture
def program(stand):
    return stand.program(ADMIN)


def waited(office, answer):
    assert answer.status_code == 202, answer.text
    assert office.letters.works.of(answer.json()["id"]).wait(10)
    return answer.json()["id"]


def test_letters_are_listed_page_by_page(program):
    first = program.get(f"{V1}/dead-letters?limit=1").json()
    assert [one["event"] for one in first["letters"]] == ["e2"]
    second = program.get(f"{V1}/dead-letters", params={"limit": 1, "after": first["after"]}).json()
    assert [one["event"] for one in second["letters"]] == ["e1"]
    assert second["after"] == ""


def test_they_are_counted_by_what_they_share(program):
    found = program.get(f"{V1}/dead-letters/counts?state=all").json()
    assert {(one["reason"], one["state"]): one["letters"] for one in found} == {
        ("rejected", "open"): 1, ("rejected", "closed"): 1, ("in_doubt", "open"): 1}


@pytest.mark.parametrize("query", ["usr=anna", "since=soon", "state=lost", "limit=0"])
def test_a_filter_that_is_none_is_refused_since_more_would_be_meant_without_it(program, query):
    assert program.get(f"{V1}/dead-letters?{query}").status_code == 422


def test_personal_data_needs_the_scope_and_a_look_is_audited(stand, program, office):
    letter = f"{V1}/dead-letters/{office.ids()['e1']}"
    assert program.get(letter).json()["record"]["attributes"] == {"email_address": "***"}
    assert program.post(f"{letter}/reveal").json()["record"]["attributes"] == {"email_address": "u1@example.com"}
    assert [one.did for one in stand.audit.records] == ["revealed"]
    member = stand.program(MEMBER)
    assert {one["user"] for one in member.get(f"{V1}/dead-letters").json()["letters"]} == {"***"}
    assert member.post(f"{letter}/reveal").status_code == 403


def test_a_letter_tells_what_a_replay_would_do(program, office):
    found = program.get(f"{V1}/dead-letters/{office.ids()['e1']}").json()
    assert found["replay"]["reruns"][0]["binding_id"] == "stripe.apply_coupon"
    assert found["who_must_act"].startswith("Whoever owns")


@pytest.mark.parametrize("wish", [{}, {"letters": {}}, {"letters": {"state": "all"}}, {"letters": {"usr": "anna"}}])
def test_nothing_is_done_with_all_letters_unless_it_is_said(program, office, wish):
    assert program.post(f"{V1}/replays", json=wish).status_code == 422
    assert program.post(f"{V1}/dead-letters/close", json={**wish, "because": "x"}).status_code == 422
    assert office.done == []


def test_letters_are_closed_with_a_reason(program, office):
    assert program.post(f"{V1}/dead-letters/close", json={"letters": {"user": "anna"}}).status_code == 422
    work = waited(office, program.post(
        f"{V1}/dead-letters/close", json={"letters": {"user": "anna"}, "because": "told the user"}))
    assert program.get(f"{V1}/closings/{work}").json()["state"] == "done"
    assert [one["event"] for one in program.get(f"{V1}/dead-letters").json()["letters"]] == ["e2"]


def test_a_replay_is_planned_started_and_reported(program, office):
    run = waited(office, program.post(f"{V1}/replays", json={"all": True}))
    planned = program.get(f"{V1}/replays/{run}").json()
    assert (planned["state"], planned["plan"]["letters"]) == ("planned", 1)
    assert planned["plan"]["calls"] == [{"app": "shop", "connector": "stripe", "bindings": 1}]
    assert office.done == []
    waited(office, program.post(f"{V1}/replays/{run}/start", json={"rate": 10}))
    report = program.get(f"{V1}/replays/{run}").json()
    assert (report["state"], report["counts"]) == ("done", {"succeeded": 1})
    assert program.post(f"{V1}/replays/{run}/start", json={}).status_code == 409
    assert [one["id"] for one in program.get(f"{V1}/replays").json()] == [run]


def test_a_plan_is_forgotten(program, office):
    run = waited(office, program.post(f"{V1}/replays", json={"all": True}))
    assert program.post(f"{V1}/replays/{run}/abandon").status_code == 200
    office.letters.works._known.clear()
    assert program.get(f"{V1}/replays/{run}").status_code == 404


def test_a_run_of_another_app_is_not_there(stand, program, office):
    run = waited(office, stand.program(OWNER).post("/api/v1/apps/other/replays", json={"all": True}))
    assert program.get(f"{V1}/replays/{run}").status_code == 404
    assert program.post(f"{V1}/replays/{run}/start", json={}).status_code == 404


def test_all_apps_together_are_the_companys_with_what_could_not_be_read(stand, program):
    found = stand.program(OWNER).get("/api/v1/dead-letters").json()["letters"]
    assert {one["reason"] for one in found} == {"rejected", "in_doubt", "undecodable"}
    assert program.get("/api/v1/dead-letters").status_code == 403


def test_the_description_tells_both_kinds_apart(stand):
    paths = stand.browser().get("/api/v1/openapi.json").json()["paths"]
    ids = [one["operationId"] for path in paths.values() for one in path.values()]
    assert len(ids) == len(set(ids))
    names = [one["name"] for one in paths["/api/v1/apps/{app}/dead-letters"]["get"]["parameters"]]
    assert {"app", "reason", "since", "limit"} <= set(names)


def test_a_text_is_looked_for_in_all_letters_page_by_page_each_in_its_time(stand, monkeypatch):
    monkeypatch.setattr("processor.dead_letters.looking.STRETCH", 1)
    monkeypatch.setattr("processor.dead_letters.index.BROAD", 0)
    monkeypatch.setattr("console.letters.office.LOOK_SECONDS", 0.0)
    found, after, pages = [], "", 0
    while pages == 0 or after:
        page = stand.program(ADMIN).get(
            f"{V1}/dead-letters", params={"text": "coupon", "state": "all", "after": after}).json()
        found += [one["event"] for one in page["letters"]]
        after, pages = page["after"], pages + 1
        assert (page["looked_back_to"] is None) == (after == "")
    assert (found, pages > 2) == (["e3", "e1"], True)
