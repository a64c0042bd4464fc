"""What stands around every page: headers, limits, tokens of forms, sessions and their ends."""

import pytest

from console.routes import ROUTES
from console.security.guard import Open
from console.security.paths import local
from console.security.sessions import Seal, Session, cookie_name
from processor.access import Role

PAGE = "/apps/shop/connectors"
NAME = cookie_name(https=False)


@pytest.mark.parametrize("path", ["/sign-in", PAGE, "/static/console.css", "/nothing", "/healthy"])
def test_every_answer_forbids_foreign_code_and_frames(stand, path):
    headers = stand.browser(Role.READ_ONLY).get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_pages_are_not_kept_and_static_files_are(stand):
    browser = stand.browser(Role.READ_ONLY)
    assert browser.get(PAGE).headers["cache-control"] == "no-store"
    assert "immutable" in browser.get("/static/console.css").headers["cache-control"]


def test_no_template_holds_script_or_style_of_its_own(stand):
    text = stand.browser(Role.COMPANY_ADMINISTRATOR).get(PAGE).text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert text.count("<script") == text.count('<script src="/static/')


@pytest.mark.parametrize("form", [{}, {"csrf": "guessed"}, {"csrf": ""}])
def test_a_change_without_the_token_of_the_session_is_refused(stand, form):
    for entry in [one for one in ROUTES if one.method == "POST" and one.rule is Open.ANYBODY]:
        answer = stand.browser(Role.COMPANY_ADMINISTRATOR).post(entry.path, data=form)
        assert answer.status_code == 403, entry.path
        assert "Load the page again" in answer.text


def test_the_token_of_another_session_is_worth_nothing(stand):
    other = stand.browser()
    other.get("/sign-in")
    stolen = Seal(["k" * 48]).read(other.cookies[NAME]).csrf
    assert stand.browser(Role.READ_ONLY).post("/theme", data={"csrf": stolen}).status_code == 403


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Origin": "null"}])
def test_a_change_from_another_site_is_refused_whatever_token_it_has(stand, headers):
    assert stand.browser(Role.READ_ONLY).submit("/theme", {"theme": "dark"}, headers=headers).status_code == 403


def test_a_change_may_carry_its_token_in_a_header(stand):
    browser = stand.browser(Role.READ_ONLY)
    answer = browser.post("/theme", data={"theme": "dark"}, headers={"X-CSRF-Token": browser.csrf})
    assert answer.status_code == 303
    assert "prompt-actions-theme=dark" in answer.headers["set-cookie"]


def test_a_session_ends_after_its_idle_time_and_after_its_lifetime(stand):
    browser = stand.browser(Role.READ_ONLY)
    for _ in range(23):  # a visit each half hour keeps it alive ...
        stand.clock.now += 1800
        assert browser.get(PAGE).status_code == 200
    stand.clock.now += 1801  # ... but not beyond twelve hours
    assert browser.get(PAGE).status_code == 303
    idle = stand.browser(Role.READ_ONLY)
    stand.clock.now += 3601
    assert idle.get(PAGE).status_code == 303


def test_a_session_signed_with_an_older_key_is_read_and_one_of_a_stranger_is_not(make_stand):
    stand = make_stand({"session_keys": ["n" * 48, "k" * 48]})
    assert stand.browser(Role.READ_ONLY).get(PAGE).status_code == 200
    stranger = stand.browser()
    stranger.cookies.set(NAME, Seal(["x" * 48]).write(Session(user="company_administrator@example.com", seen=2e9)))
    assert stranger.get(PAGE).status_code == 303


@pytest.mark.parametrize("text", ["", "x", "e30.abc", "[1,2]", "W10.x"])
def test_a_cookie_that_cannot_be_read_is_nobody(stand, text):
    browser = stand.browser()
    browser.cookies.set(NAME, text)
    assert browser.get(PAGE).status_code == 303


def test_the_cookie_is_for_https_alone_where_the_console_is_reached_so(make_stand):
    stand = make_stand({"base_url": "https://console.test"})
    answer = stand.browser().get("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-prompt-actions=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert answer.headers["strict-transport-security"]


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(stand, told):
    body = b"csrf=" + b"x" * (3 << 20)
    content = body if told else iter([body[:1 << 20], body[1 << 20:2 << 20], body[2 << 20:]])
    answer = stand.browser(Role.READ_ONLY).post("/theme", content=content, headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 413


@pytest.mark.parametrize(("asked", "found"), [
    ("/apps/shop/connectors?q=a%20b", "/apps/shop/connectors?q=a%20b"), ("//evil.example", "/"), ("/\\evil", "/"),
    ("https://evil.example", "/"), ("/%5cevil.example/..", "/%5cevil.example/.."), ("javascript:alert(1)", "/"),
    ("", "/"), (None, "/"), ("/sign-out", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("/\uff41", "/")])
def test_nobody_is_sent_to_another_site(asked, found):
    assert local(asked) == found
