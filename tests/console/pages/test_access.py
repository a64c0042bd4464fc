"""Members, tokens and passwords: who may give what to whom; the audit."""

import html
import re

import pytest

from console.options import NoAudit
from processor.access import ANY_APP, Permission, Role, company_errors, company_of, token_of
from processor.audit.record import Audited
from processor.config.content import Compiler
from processor.config.file_store import FileStore
from processor.config.store import COMPANY
from processor.kafka.reader import LogError

ACCESS = "/apps/shop/access"
ADMIN, OWNER = Role.APP_ADMINISTRATOR, Role.COMPANY_ADMINISTRATOR


def company(stand):
    return company_of(stand.store.current(COMPANY).content)


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_an_app_administrator_gives_a_role_in_the_app(stand):
    answer = stand.browser(ADMIN).submit(f"{ACCESS}/members", {
        "email": "New@example.com", "name": "New One", "role": "app_member", "grant": ["replay"]})
    assert answer.status_code == 303
    member = company(stand).member("new@example.com")
    assert dict(member.roles) == {"shop": Role.APP_MEMBER}
    assert dict(member.grants) == {"shop": (Permission.REPLAY,)}
    assert "New One" in stand.browser(ADMIN).get(ACCESS).text


@pytest.mark.parametrize("given", [
    {"role": "company_administrator"}, {"role": "company_administrator", "place": "company"},
    {"role": "read_only", "place": "company"}, {"role": "app_member", "grant": ["change_settings"]}, {"role": "king"}])
def test_nobody_gives_more_than_an_app_administrator_has(stand, given):
    answer = stand.browser(ADMIN).submit(f"{ACCESS}/members", {"email": "new@example.com", **given})
    assert answer.status_code in (403, 422)
    assert company(stand).member("new@example.com") is None
    assert 'value="new@example.com"' in answer.text, "what was typed stays"


def test_an_app_administrator_does_not_reach_who_stands_above_the_app(stand):
    owner = "company_administrator@example.com"
    browser = stand.browser(ADMIN)
    assert browser.submit(f"{ACCESS}/members", {"email": owner, "role": "read_only"}).status_code == 403
    for do in ("remove", "disable", "password"):
        form = {"email": owner, "do": do, "password": "a long new password"}
        assert browser.submit(f"{ACCESS}/members/change", form).status_code == 403
    assert company(stand).member(owner).roles[ANY_APP] is OWNER


def test_a_company_administrator_disables_lets_in_and_removes(stand):
    browser, member = stand.browser(OWNER), "app_member@example.com"
    browser.submit(f"{ACCESS}/members/change", {"email": member, "do": "disable"})
    assert stand.browser(Role.APP_MEMBER).get("/apps/shop/connectors").status_code == 303
    browser.submit(f"{ACCESS}/members/change", {"email": member, "do": "enable"})
    assert stand.browser(Role.APP_MEMBER).get("/apps/shop/connectors").status_code == 200
    browser.submit(f"{ACCESS}/members/change", {"email": member, "do": "remove"})
    assert company(stand).member(member) is None
    assert not [one for one in company(stand).tokens if one.member == member]


def test_the_last_company_administrator_cannot_lock_everybody_out(stand):
    form = {"email": "company_administrator@example.com", "do": "disable"}
    answer = stand.browser(OWNER).submit(f"{ACCESS}/members/change", form)
    assert answer.status_code == 422
    assert "nobody could manage members" in answer.text


def test_members_of_other_apps_are_not_told_to_an_app_administrator(stand):
    stand.browser(OWNER).submit("/apps/other/access/members", {"email": "else@example.com", "role": "app_member"})
    assert "else@example.com" not in stand.browser(ADMIN).get(ACCESS).text
    assert "else@example.com" in stand.browser(OWNER).get(ACCESS).text


# tokens


def make(stand, role, **form):
    return stand.browser(role).submit(f"{ACCESS}/tokens", {
        "title": "CI", "days": "30", **form})


def test_a_token_is_shown_once_and_kept_as_a_digest(stand):
    answer = make(stand, ADMIN, scope=["see_settings", "replay"])
    text = re.search(r"pa_[0-9a-f]{12}_[\w-]{40,}", answer.text)[0]
    token = token_of(company(stand), text, int(stand.clock() * 1000))
    assert (token.apps, token.member) == (("shop",), "app_administrator@example.com")
    assert set(token.scopes) == {Permission.SEE_SETTINGS, Permission.REPLAY}
    assert text not in stand.browser(ADMIN).get(f"{ACCESS}/tokens").text
    assert text not in str(stand.store.current(COMPANY).content)
    assert token_of(company(stand), text, int((stand.clock() + 31 * 86400) * 1000)) is None


@pytest.mark.parametrize("form", [
    {"scope": ["change_apps"]}, {"scope": ["see_settings"], "place": "company"}, {}, {"scope": ["everything"]}])
def test_nobody_makes_a_token_of_more_rights_than_their_own(stand, form):
    before = len(company(stand).tokens)
    assert make(stand, ADMIN, **form).status_code in (403, 422)
    assert len(company(stand).tokens) == before


def test_a_withdrawn_token_is_worth_nothing(stand):
    name = next(one.id for one in company(stand).tokens if one.title == "app_member")
    assert stand.browser(OWNER).submit(f"{ACCESS}/tokens/withdraw", {"token": name}).status_code == 303
    assert name not in [one.id for one in company(stand).tokens]


def test_a_token_of_all_apps_is_not_withdrawn_from_within_one(stand):
    name = company(stand).tokens[0].id
    assert stand.browser(ADMIN).submit(f"{ACCESS}/tokens/withdraw", {"token": name}).status_code == 403
    assert name in [one.id for one in company(stand).tokens]


# passwords


def test_one_s_own_password_is_changed_with_the_present_one_only(stand):
    from console.security.passwords import stamp

    account = company(stand).account("company_administrator@example.com")
    browser = stand.browser(OWNER, stamp=stamp(account.password))
    wrong = browser.submit("/password", {"current": "wrong", "password": "another long one"})
    assert wrong.status_code == 403
    weak = browser.submit("/password", {"current": "correct horse battery", "password": "short"})
    assert weak.status_code == 422
    good = browser.submit("/password", {"current": "correct horse battery", "password": "another long one"})
    assert good.status_code == 303
    assert company(stand).account("company_administrator@example.com").password != account.password


@pytest.fixture
def folder(tmp_path):
    """A config folder with one member."""
    (tmp_path / "company.yaml").write_text(
        "members:\n- email: company_administrator@example.com\n  roles: {'*': company_administrator}\n")
    (tmp_path / "apps" / "shop").mkdir(parents=True)
    (tmp_path / "apps" / "shop" / "app.yaml").write_text("title: Shop\n")
    return tmp_path


def test_where_the_company_is_a_file_nothing_is_changed_here(make_stand, folder):
    stand = make_stand(store=FileStore(Compiler({}, folder, company=company_errors)))
    browser = stand.browser(OWNER)
    page = browser.get(ACCESS).text
    assert "company.yaml" in page
    assert "company_administrator@example.com" in page
    assert "Add a member" not in page
    form = {"email": "new@example.com", "role": "app_member"}
    assert browser.submit(f"{ACCESS}/members", form).status_code == 409


# the audit


def record(**more):
    return Audited(**{"by": "anna@example.com", "host": "h", "at": 1_800_000_000_000, "did": "configured",
                      "app": "shop", "subject": "shop@4", "event": "", "why": "Stripe: settings", "before": {},
                      "after": {}, **more})


def test_the_audit_tells_what_was_before_and_after(stand):
    stand.audit.write(record(before={"number": 3}, after={"number": 4, "changes": [
        {"app": "shop", "part": "connector", "name": "stripe", "kind": "changed", "what": "connect_account_id",
         "before": "", "after": "acct_1"}]}))
    told = text_of(stand.browser(ADMIN).get("/apps/shop/audit"))
    assert "2027-01-15 08:00:00 UTC anna@example.com configured shop@4 Stripe: settings" in told
    assert "connector stripe connect_account_id" in told
    assert "acct_1" in told


def test_the_audit_of_other_apps_and_of_the_company_is_for_who_may_see_it(stand):
    stand.audit.write(record(app="other", subject="other@1"))
    stand.audit.write(record(app="", subject="@company@2"))
    told = stand.browser(ADMIN).get("/apps/shop/audit").text
    assert "other@1" not in told
    assert "@company@2" not in told
    assert "@company@2" in stand.browser(OWNER).get("/apps/shop/audit").text


def test_the_audit_is_filtered_by_the_address(stand):
    stand.audit.write(record(subject="letter-1"))
    stand.audit.write(record(subject="letter-2", by="ben@example.com", did="closed"))
    browser = stand.browser(ADMIN)
    for query, found, hidden in (("by=ben", "letter-2", "letter-1"), ("did=closed", "letter-2", "letter-1"),
                                 ("q=letter-1", "letter-1", "letter-2")):
        told = text_of(browser.get(f"/apps/shop/audit?{query}"))
        assert found in told
        assert hidden not in told


class Away(NoAudit):
    """An audit whose topic cannot be read now."""

    def newest(self, limit):
        raise LogError(f"no broker answers for {limit} records")


def test_an_audit_that_cannot_be_read_now_is_told_as_such(make_stand):
    stand = make_stand(audit=Away())
    page = stand.browser(ADMIN).get("/apps/shop/audit")
    assert (page.status_code, "Kafka cannot be reached" in page.text) == (503, True)
    told = stand.program(ADMIN).get("/api/v1/apps/shop/audit")
    assert (told.status_code, told.json()["title"]) == (503, "Kafka cannot be reached")
