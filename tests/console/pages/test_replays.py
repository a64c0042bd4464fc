"""Replays in the browser: planned, confirmed, followed, stopped, gone on with."""

import threading

import pytest

from processor.access import Role

LETTERS, REPLAYS = "/apps/shop/dead-letters", "/apps/shop/replays"
ADMIN = Role.APP_ADMINISTRATOR


@pytest.fixture
def stand(make_stand, office):
    return make_stand(letters=office.letters)


@pytest.fixture
def browser(stand):
    return stand.browser(ADMIN)


def planned(browser, office, **form):
    """The address of a run that was planned."""
    answer = browser.submit(REPLAYS, {"which": "all", "state": "open", **form})
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"].partition("?")[0]
    assert office.letters.works.of(address.rpartition("/")[2]).wait(10)
    return address


def ended(office, address):
    assert office.letters.works.of(address.rpartition("/")[2]).wait(10)


def test_a_plan_says_what_would_happen_and_nothing_has_happened(browser, office):
    text = browser.get(planned(browser, office)).text
    assert "<strong>1 letter</strong> would be replayed" in text
    assert "1 call or more of stripe for shop" in text
    assert "1 letter is left out: in doubt" in text
    assert "Replay 1 letter" in text
    assert office.done == []


def test_a_plan_is_made_anew_with_other_options(browser, office):
    first = planned(browser, office)
    browser.submit(f"{first}/abandon")
    text = browser.get(planned(browser, office, after_checking="yes", rate="5")).text
    assert "<strong>2 letters</strong> would be replayed" in text


def test_what_is_confirmed_runs_and_is_reported(browser, office):
    address = planned(browser, office)
    assert browser.submit(f"{address}/start", {"rate": "20"}).status_code == 303
    ended(office, address)
    text = browser.get(address).text
    assert "Done" in text
    assert "1 succeeded" in text
    assert office.done == [("replayed", "app_administrator@example.com", 20.0)]
    assert address.rpartition("/")[2] in browser.get(REPLAYS).text


def test_a_run_that_is_under_way_shows_its_progress_is_stopped_and_gone_on_with(browser, office):
    address = planned(browser, office, after_checking="yes")
    at_gate, go = threading.Event(), threading.Event()

    def gate():
        at_gate.set()
        assert go.wait(10)

    office.hold(gate)
    browser.submit(f"{address}/start")
    assert at_gate.wait(10)
    page = browser.get(address)
    assert 'hx-trigger="every 1s"' in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    part = browser.get(address, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "HX-Refresh" not in part.headers
    assert browser.submit(f"{address}/start").status_code == 409, "it runs already"
    office.letters.works.of(address.rpartition("/")[2]).stop()
    go.set()
    ended(office, address)
    assert browser.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    text = browser.get(address).text
    assert "Stopped" in text
    assert "Go on with 1 letter" in text
    office.hold(None)
    browser.submit(f"{address}/start")
    ended(office, address)
    assert "2 succeeded" in browser.get(address).text


def test_a_second_run_of_the_same_filter_leads_to_the_unfinished_one(browser, office):
    address = planned(browser, office)
    with office.letters.desk() as desk:
        desk._replayer.runs.set_state(address.rpartition("/")[2], "interrupted")
    answer = browser.submit(REPLAYS, {"which": "all", "state": "open"})
    assert answer.headers["location"] == address


def test_a_run_whose_console_ended_is_told_as_cut_off_and_can_be_gone_on_with(browser, office):
    address = planned(browser, office)
    with office.letters.desk() as desk:
        desk._replayer.runs.set_state(address.rpartition("/")[2], "running")
    office.letters.works._known.clear()
    text = browser.get(address).text
    assert "Cut off" in text
    assert "Go on with 1 letter" in text


def test_a_run_is_given_up(browser, office):
    address = planned(browser, office)
    with office.letters.desk() as desk:
        desk._replayer.runs.set_state(address.rpartition("/")[2], "interrupted")
    browser.submit(f"{address}/abandon")
    assert "Given up" in browser.get(address).text


def test_a_plan_that_nobody_wants_is_forgotten(browser, office):
    address = planned(browser, office)
    browser.submit(f"{address}/abandon")
    office.letters.works._known.clear()
    assert browser.get(address).status_code == 404


def test_a_rate_that_is_none_is_refused(browser, office):
    address = planned(browser, office)
    assert browser.submit(f"{address}/start", {"rate": "fast"}).status_code == 422
    assert office.done == []


def test_a_run_of_another_app_is_not_there(stand, browser, office):
    answer = stand.browser(Role.COMPANY_ADMINISTRATOR).submit("/apps/other/replays", {"which": "all", "state": "open"})
    run = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    office.letters.works.of(run).wait(10)
    assert browser.get(f"{REPLAYS}/{run}").status_code == 404
    assert browser.submit(f"{REPLAYS}/{run}/start").status_code == 404
    assert run not in browser.get(REPLAYS).text


def test_members_see_a_run_and_can_do_nothing_with_it(stand, browser, office):
    address = planned(browser, office)
    member = stand.browser(Role.APP_MEMBER)
    text = member.get(address).text
    assert "would be replayed" in text
    assert '<button class="main">' not in text
    assert member.submit(f"{address}/start").status_code == 403


def test_a_message_that_could_not_be_read_is_mended_and_planned(stand, office):
    company = stand.browser(Role.COMPANY_ADMINISTRATOR)
    letter = f"/dead-letters/{office.ids()['unread']}"
    text = company.submit(f"{letter}/reveal").text
    assert "Mend the message" in text
    wrong = company.submit(f"{letter}/edit", {"message": '{"app_id": "shop"}'})
    assert wrong.status_code == 422
    assert "event_id: is missing" in wrong.text
    assert "&#34;app_id&#34;: &#34;shop&#34;" in wrong.text, "what was typed is kept"
    good = ('{"event_id": "e9", "app_id": "shop", "user_id": "u1", "prompt_id": "offer", "interaction": "accept",'
            ' "time": 1800000000000}')
    answer = company.submit(f"{letter}/edit", {"message": good})
    run = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    office.letters.works.of(run).wait(10)
    assert "1 message published again" in company.get(answer.headers["location"]).text
