"""Dead letters in the browser: found, understood, masked, closed; each only by those who may, in their app."""

import html
import re

import pytest

from console.letters.office import Standing
from processor.access import Role
from processor.audit.topic import AuditError

LETTERS = "/apps/shop/dead-letters"
ADMIN, MEMBER = Role.APP_ADMINISTRATOR, Role.APP_MEMBER


@pytest.fixture
def stand(make_stand, office):
    return make_stand(letters=office.letters)


def events(answer):
    """Events in the order of the list."""
    return re.findall(r'<span class="small mono">(\w+|[^<])</span>', answer.text)


def test_open_letters_are_listed_newest_first_with_counts(stand):
    answer = stand.browser(ADMIN).get(LETTERS)
    assert answer.status_code == 200
    assert events(answer) == ["e2", "e1"]
    assert "2 letters" in answer.text
    assert "In doubt" in answer.text
    assert "reason=rejected" in answer.text, "counts narrow the list"


@pytest.mark.parametrize(("query", "found"), [
    ("reason=rejected", ["e1"]), ("user=bert", ["e2"]), ("event=e1", ["e1"]), ("state=all", ["e3", "e2", "e1"]),
    ("state=closed", ["e3"]), ("text=coupon", ["e1"]), ("connector=zendesk", []), ("since=2027-01-15T08:00:01", ["e2"]),
    ("until=2027-01-15T08:00:01", ["e1"]), ("action=stripe.apply_coupon&code=timeout_read", ["e2"]),
    ("prompt=offer&interaction=accept", ["e2", "e1"]), ("app=other", ["e2", "e1"]),
])
def test_filters_stand_in_the_address_and_never_leave_the_app(stand, query, found):
    assert events(stand.browser(ADMIN).get(f"{LETTERS}?{query}")) == found


def test_a_filter_that_cannot_be_taken_is_told_beside_its_field_and_stays(stand):
    answer = stand.browser(ADMIN).get(f"{LETTERS}?since=yesterday")
    assert answer.status_code == 422
    assert 'value="yesterday"' in answer.text
    assert "is no point in time" in answer.text


def test_pages_go_on_behind_the_last_letter(stand, office, monkeypatch):
    monkeypatch.setattr("console.pages.dead_letters.PAGE", 1)
    browser = stand.browser(ADMIN)
    first = browser.get(LETTERS)
    assert events(first) == ["e2"]
    older = re.search(r'href="(\?after=\w+)"', first.text)[1]
    assert events(browser.get(LETTERS + older)) == ["e1"]


def test_what_could_not_be_read_is_of_no_app_and_shown_to_the_company_only(stand, office):
    answer = stand.browser(Role.COMPANY_ADMINISTRATOR).get("/dead-letters")
    assert len(events(answer)) == 4
    assert {"e4", "e2", "e1"} < set(events(answer))
    assert "Undecodable" in answer.text
    assert stand.browser(ADMIN).get("/dead-letters").status_code == 403
    assert stand.browser(ADMIN).get(f"{LETTERS}/{office.ids()['unread']}").status_code == 404


def test_a_letter_of_another_app_is_not_there(stand, office):
    assert stand.browser(ADMIN).get(f"{LETTERS}/{office.ids()['e4']}").status_code == 404
    assert stand.browser(ADMIN).get(f"{LETTERS}/nothing").status_code == 404


def test_a_letter_tells_what_happened_why_who_must_act_and_what_a_replay_does(stand, office):
    text = stand.browser(ADMIN).get(f"{LETTERS}/{office.ids()['e1']}").text
    for words in ("No such coupon: SAVE20", "said no for good", "Whoever owns the binding", "req_1", "status 400",
                  "would run", "ref_1", "prompt.interactions, partition 0"):
        assert words in text, words


def test_words_name_buttons_where_the_command_names_options(stand, office):
    text = stand.browser(ADMIN).get(f"{LETTERS}/{office.ids()['e2']}").text
    assert "--after-checking" not in text
    assert "I have looked at the vendor" in text


def test_personal_data_is_masked_until_it_is_revealed_and_that_is_audited(stand, office):
    letter = f"{LETTERS}/{office.ids()['e1']}"
    browser = stand.browser(ADMIN)
    assert "u1@example.com" not in browser.get(letter).text
    answer = browser.submit(f"{letter}/reveal")
    assert "u1@example.com" in answer.text
    assert [(one.did, one.by, one.subject) for one in stand.audit.records] == [
        ("revealed", "app_administrator@example.com", office.ids()["e1"])]


def test_what_cannot_be_audited_is_not_revealed(stand, office, monkeypatch):
    def write(_audited):
        raise AuditError("the topic takes no record")

    monkeypatch.setattr(stand.audit, "write", write)
    answer = stand.browser(ADMIN).submit(f"{LETTERS}/{office.ids()['e1']}/reveal")
    assert (answer.status_code, "takes no record" in answer.text) == (503, True)
    assert "u1@example.com" not in answer.text


def test_who_may_not_reveal_sees_no_user_and_can_reveal_nothing(stand, office):
    letter = f"{LETTERS}/{office.ids()['e1']}"
    browser = stand.browser(MEMBER)
    text = browser.get(LETTERS).text + browser.get(letter).text
    assert "anna" not in text
    assert "u1@example.com" not in text
    assert browser.submit(f"{letter}/reveal").status_code == 403
    assert stand.audit.records == []


def test_who_may_neither_replay_nor_close_is_offered_neither(stand):
    text = stand.browser(MEMBER).get(LETTERS).text
    assert "Plan a replay" not in text
    assert 'type="checkbox"' not in text


def test_letters_are_closed_after_a_reason_is_given(stand, office):
    browser, form = stand.browser(ADMIN), {"ids": office.ids()["e1"], "which": "ids", "state": "open"}
    asked = browser.submit(f"{LETTERS}/close", form)
    assert "Close 1 letter" in asked.text
    assert office.done == [], "nothing happens before the reason is given"
    again = browser.submit(f"{LETTERS}/close", {**form, "confirm": "yes"})
    assert again.status_code == 422
    assert "Say why" in again.text
    done = browser.submit(f"{LETTERS}/close", {**form, "confirm": "yes", "because": "told the user"})
    assert done.status_code == 303
    office.letters.works.of(done.headers["location"].rpartition("/")[2]).wait(10)
    assert "1 letter closed" in browser.get(done.headers["location"]).text
    assert office.done == [("closed", "app_administrator@example.com", "told the user")]
    assert events(browser.get(LETTERS)) == ["e2"]


def test_all_that_fit_a_filter_are_closed_and_nothing_else(stand, office):
    form = {"which": "all", "state": "open", "reason": "in_doubt", "confirm": "yes", "because": "looked"}
    done = stand.browser(ADMIN).submit(f"{LETTERS}/close", form)
    office.letters.works.of(done.headers["location"].rpartition("/")[2]).wait(10)
    assert events(stand.browser(ADMIN).get(LETTERS)) == ["e1"]


def test_a_form_without_a_tick_is_no_form_for_all(stand, office):
    answer = stand.browser(ADMIN).submit(f"{LETTERS}/close", {"which": "ids", "confirm": "yes", "because": "x"})
    assert answer.status_code == 422
    assert office.done == []


def test_the_closing_of_another_app_is_not_shown(stand, office):
    form = {"which": "all", "state": "open", "confirm": "yes", "because": "x", "app": "other"}
    done = stand.browser(Role.COMPANY_ADMINISTRATOR).submit("/apps/other/dead-letters/close", form)
    work = done.headers["location"].rpartition("/")[2]
    office.letters.works.of(work).wait(10)
    assert stand.browser(ADMIN).get(f"/apps/shop/closings/{work}").status_code == 404


def test_empty_pages_say_what_to_do(stand, make_stand, office):
    assert "Clear some of them" in stand.browser(ADMIN).get(f"{LETTERS}?user=nobody").text
    assert "started without Kafka" in make_stand().browser(ADMIN).get(LETTERS).text


def test_a_list_that_may_be_old_says_so(stand, office):
    office.letters.standing = Standing(True, 1_800_000_000, trouble="no broker answers")
    text = stand.browser(ADMIN).get(LETTERS).text
    assert "no broker answers" in text
    assert "2027-01-15" in text


@pytest.fixture
def hurried(monkeypatch):
    """Each look has used up its time after one letter."""
    monkeypatch.setattr("processor.dead_letters.looking.STRETCH", 1)
    monkeypatch.setattr("processor.dead_letters.index.BROAD", 0)
    monkeypatch.setattr("console.letters.office.LOOK_SECONDS", 0.0)
    monkeypatch.setattr("console.letters.office.COUNT_SECONDS", 0.0)


def test_a_search_that_takes_long_says_how_far_back_it_looked_and_goes_on_by_a_link(stand, hurried):
    browser, seen, looked = stand.browser(ADMIN), [], []
    answer = browser.get(f"{LETTERS}?text=coupon&state=all")
    assert "At least 0 letters" in answer.text
    while further := re.search(r'<a href="(\?[^"]*)">Look further back', answer.text):
        looked.append(re.search(r"Looked at ([^,]*), back to <time", answer.text)[1])
        seen += events(answer)
        answer = browser.get(LETTERS + html.unescape(further[1]))
    assert seen + events(answer) == ["e3", "e1"]
    assert looked == ["1 letter", "2 letters", "3 letters", "4 letters", "5 letters"][:len(looked)]
    assert len(looked) >= 3


def test_the_page_itself_asks_for_the_rest_until_all_was_looked_at(stand, hurried):
    browser, rows = stand.browser(ADMIN), ""
    answer = browser.get(f"{LETTERS}?text=coupon&state=all")
    while rest := re.search(r'hx-get="([^"]*)" hx-trigger="load"', answer.text):
        answer = browser.get(LETTERS + html.unescape(rest[1]), headers={"HX-Request": "true"})
        assert "<html" not in answer.text
        rows += answer.text
    assert rows.count('name="ids"') == 2
    assert rows.count("That is all") == 1


def test_a_page_that_is_full_goes_on_to_the_older_ones_and_not_by_itself(stand, hurried, monkeypatch):
    monkeypatch.setattr("console.pages.dead_letters.PAGE", 1)
    browser, answer = stand.browser(ADMIN), None
    address = f"{LETTERS}?state=all"
    while True:
        answer = browser.get(address, headers={"HX-Request": "true"} if answer else {})
        rest = re.search(r'hx-get="([^"]*)" hx-trigger="load"', answer.text)
        if not rest:
            break
        address = LETTERS + html.unescape(rest[1])
    assert len(events(answer)) == 1
    assert re.search(r'href="\?[^"]*after=\w+">Older', answer.text)


def test_closing_all_that_fit_says_at_least_where_counting_takes_long(stand, hurried):
    asked = stand.browser(ADMIN).submit(f"{LETTERS}/close", {"which": "all", "state": "open"})
    assert re.search(r"Close at least \d letter", asked.text)
