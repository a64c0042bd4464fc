"""Every route, page and API, for every role: held against the one table of permissions."""

import contextlib

import pytest

from connectors.kit.errors import Unavailable
from console.routes import ROUTES
from console.security.guard import API, Open
from processor.access import TABLE, Role

IN_PATHS = {"app": "shop", "connector": "stripe", "name": "console.css", "number": "1", "email": "nobody@example.com",
            "token": "nobody", "prompt": "save_offer", "interaction": "accept"}
"""What stands in for the variable parts of paths; a part that is not named here is one that does not exist."""
GUARDED = [one for one in ROUTES if not isinstance(one.rule, Open)]


@contextlib.contextmanager
def no_vendor():
    def dial(_used):
        raise Unavailable("no_network", "there is no vendor in this test")

    yield dial


def path_of(entry, app="shop"):
    parts = [one.strip("{}") if one.startswith("{") else None for one in entry.path.split("/")]
    return "/".join(given if name is None else app if name == "app" else IN_PATHS.get(name.split(":")[0], "nothing")
                    for given, name in zip(entry.path.split("/"), parts, strict=True))


def ask(stand, entry, role, app="shop"):
    path = path_of(entry, app)
    if entry.path.startswith(API):
        return stand.program(role).request(entry.method, path)
    browser = stand.browser(role)
    return browser.submit(path) if entry.method == "POST" else browser.get(path)


def test_each_route_of_the_application_stands_in_the_table(stand):
    known = {(one.method, one.path) for one in ROUTES}
    there = {(method, one.path) for one in stand.app.routes for method in one.methods - {"HEAD"}}
    assert there == known
    assert len(known) == len(ROUTES), "a route stands in the table twice"


@pytest.mark.parametrize("role", Role)
def test_each_route_lets_a_role_pass_or_not_as_the_table_says(make_stand, role):
    stand, wrong = make_stand(dialling=no_vendor), []
    for entry in GUARDED:
        stand.begin_anew()
        answer = ask(stand, entry, role)
        everywhere = role is Role.COMPANY_ADMINISTRATOR or "{app}" in entry.path
        may = everywhere and entry.rule in TABLE[role]
        if (answer.status_code == 403) == may or answer.status_code in (401, 500):
            wrong.append((entry.method, entry.path, entry.rule, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", [one for one in Role if one is not Role.COMPANY_ADMINISTRATOR])
def test_a_role_in_one_app_opens_nothing_of_another(stand, role):
    asked = [(one.path, ask(stand, one, role, app="other").status_code) for one in GUARDED if "{app}" in one.path]
    assert [one for one in asked if one[1] != 403] == []


def test_whoever_is_not_signed_in_gets_to_no_page_and_no_answer(stand):
    for entry in [one for one in ROUTES if one.rule is not Open.ANYBODY]:
        visitor = stand.browser()
        answer = visitor.request(entry.method, path_of(entry))
        if entry.path.startswith(API):
            assert answer.status_code == 401, entry
        else:
            assert answer.status_code == 303, entry
            assert answer.headers["location"].startswith("/sign-in?next=/"), entry


def test_an_app_that_is_not_there_is_told_to_those_who_may_see_all(stand):
    assert stand.browser(Role.COMPANY_ADMINISTRATOR).get("/apps/nothing/connectors").status_code == 404
    assert stand.browser(Role.APP_MEMBER).get("/apps/nothing/connectors").status_code == 403
