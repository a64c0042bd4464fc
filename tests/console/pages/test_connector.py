"""A connector's page: its form, its secrets, its test, and what happens where two people change it."""

import contextlib
import html
import re

import pytest

from connectors.kit.connector import Account
from connectors.kit.errors import Misconfigured
from processor.access import Role
from processor.config.content_changes import SECRET
from processor.config.store import ReadOnlyError
from processor.waiting.tally import Group

STRIPE = "/apps/shop/connectors/stripe"
KEY = "sk_test_typed_by_somebody_4242"
ADMIN = Role.APP_ADMINISTRATOR


SHOP = {"app": {}, "connectors": {"stripe": {"settings": {"api_key": "env:STRIPE_KEY"}}}, "prompts": {
    "save_offer": {"accept": [{"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}]}}}


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def form(**more):
    return {"base": "1", "active": "yes", "s.connect_account_id": "", "s.base_url": "https://api.stripe.com",
            "l.rate": "", "l.concurrency": "", "l.timeout": "", **more}


def kept(stand, connector="stripe"):
    return stand.store.current("shop").content["connectors"].get(connector)


class Line:
    """A line to a vendor that answers as it is told."""

    def __init__(self, answer, seen, used):
        self.answer, self.seen, self.used = answer, seen, used

    def run(self, _flow):
        self.seen.append(self.used)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def masked(self, text):
        return text

    def sign_in(self):
        return False


def dialling(answer, seen):
    @contextlib.contextmanager
    def opened():
        yield lambda used: Line(answer, seen, used)

    return opened


def test_the_form_has_every_setting_in_order_with_its_words(stand):
    page = stand.browser(ADMIN).get(STRIPE)
    assert page.status_code == 200
    places = [page.text.index(f'name="s.{name}"') for name in ("api_key", "connect_account_id", "base_url")]
    assert places == sorted(places)
    assert "publishable keys" not in page.text
    assert "that may write Customers and Subscriptions" in page.text


@pytest.mark.parametrize("name", ["stripe", "custom_api", "salesforce_marketing_cloud", "fcm", "shopify", "mixpanel"])
def test_every_connector_has_a_page_before_it_is_set_up(make_stand, name):
    stand = make_stand(contents={"shop": {"app": {}, "connectors": {}, "prompts": {}}})
    page = stand.browser(ADMIN).get(f"/apps/shop/connectors/{name}")
    assert page.status_code == 200
    assert "Not configured" in page.text


def test_a_connector_is_set_up_tested_and_switched_on(make_stand, keyring):
    stand = make_stand(contents={"shop": {"app": {}, "connectors": {}, "prompts": {}}})
    answer = stand.browser(ADMIN).submit(STRIPE, form(**{"s.api_key": KEY, "l.rate": "20", "l.timeout": "5s"}))
    assert answer.status_code == 303
    assert answer.headers["location"] == STRIPE
    entry = kept(stand)
    assert entry["active"] is True
    assert entry["limits"] == {"rate": 20, "timeout": "5s"}
    assert keyring.open(entry["settings"]["api_key"], "shop") == KEY
    assert set(entry["settings"]) == {"api_key"}, "what has its default is left out"
    assert stand.store.current("shop").by == "app_administrator@example.com"


def test_a_saved_secret_is_told_by_its_last_characters_its_time_and_its_author(stand, keyring):
    browser = stand.browser(ADMIN)
    browser.submit(STRIPE, form(**{"s.api_key": KEY}))
    page = browser.get(STRIPE)
    assert KEY not in page.text
    assert "sealed:" not in page.text
    assert re.search(r"Set , ends in …4242 , changed 2027-\S+ \S+ UTC by app_administrator@example.com", text_of(page))


def test_a_blank_secret_keeps_what_is_there(stand):
    stand.browser(ADMIN).submit(STRIPE, form(**{"s.api_key": "", "s.connect_account_id": "acct_1"}))
    assert kept(stand)["settings"] == {"api_key": "env:STRIPE_KEY", "connect_account_id": "acct_1"}


def test_a_secret_is_cleared_by_its_button_alone_and_not_where_it_is_needed(make_stand):
    hooks = {"settings": {"signing_secret": "env:HOOK_KEY", "credentials": {"one": "env:A", "two": "env:B"}},
             "active": False}
    stand = make_stand(contents={"shop": {**SHOP, "connectors": {**SHOP["connectors"], "custom_api": hooks}}})
    browser = stand.browser(ADMIN)
    refused = browser.submit(f"{STRIPE}/clear", form(clear="s.api_key"))
    assert refused.status_code == 422
    assert "Not cleared" in refused.text
    path = "/apps/shop/connectors/custom_api/clear"
    assert browser.submit(path, {"base": "1", "clear": "s.signing_secret"}).status_code == 303
    assert browser.submit(path, {"base": "2", "clear": "s.credentials.two"}).status_code == 303
    assert kept(stand, "custom_api")["settings"] == {"credentials": {"one": "env:A"}}


def test_a_mistake_stands_at_its_field_and_all_that_was_typed_stays(stand, keyring):
    answer = stand.browser(ADMIN).submit(STRIPE, form(**{"s.api_key": "pk_live_1", "s.connect_account_id": "acct 9"}))
    assert answer.status_code == 422
    field = answer.text[answer.text.index('id="f-s-api_key-field"'):]
    assert "publishable keys" in field[:field.index('id="f-s-connect_account_id-field"')]
    assert 'value="acct 9"' in answer.text
    assert "pk_live_1" not in answer.text, "what was typed as a secret is not sent back"
    assert stand.store.current("shop").number == 1


def test_switching_off_what_is_bound_says_where(stand):
    sent = form()
    sent.pop("active")
    answer = stand.browser(ADMIN).submit(STRIPE, sent)
    assert answer.status_code == 422
    assert "save_offer.accept[0]" in answer.text
    assert kept(stand).get("active", True)


def test_another_s_change_of_the_same_connector_is_shown_and_not_overwritten(stand):
    mine = stand.browser(ADMIN)
    theirs = stand.browser(Role.COMPANY_ADMINISTRATOR)
    theirs.submit(STRIPE, form(**{"s.connect_account_id": "acct_theirs"}))
    answer = mine.submit(STRIPE, form(**{"s.connect_account_id": "acct_mine"}))
    assert answer.status_code == 409
    told = text_of(answer)
    assert "Somebody else changed this meanwhile; nothing was saved" in told
    assert "acct_theirs" in told
    assert 'value="acct_mine"' in answer.text
    assert kept(stand)["settings"]["connect_account_id"] == "acct_theirs"
    assert 'name="base" value="2"' in answer.text, "saving again is then on purpose"


def test_another_s_change_elsewhere_is_kept_beside_mine(stand):
    stand.browser(ADMIN).submit("/apps/shop/connectors/zendesk", {
        "base": "1", "s.domain": "else.zendesk.com", "s.username": "a@b.c"})
    answer = stand.browser(Role.COMPANY_ADMINISTRATOR).submit(STRIPE, form(**{"s.connect_account_id": "acct_1"}))
    assert answer.status_code == 303
    assert kept(stand, "zendesk")["settings"]["domain"] == "else.zendesk.com"
    assert kept(stand)["settings"]["connect_account_id"] == "acct_1"


@pytest.mark.parametrize("reference", ["env:ANOTHER_APPS_KEY", "file:/etc/passwd"])
def test_only_who_answers_for_the_company_may_name_secrets_of_the_server(stand, reference):
    answer = stand.browser(ADMIN).submit(STRIPE, form(**{"s.api_key": reference}))
    assert answer.status_code == 422
    assert "entered by Company administrators" in answer.text
    allowed = stand.browser(Role.COMPANY_ADMINISTRATOR).submit(STRIPE, form(**{"s.api_key": "env:STRIPE_KEY"}))
    assert allowed.status_code == 303


def test_only_who_answers_for_the_company_opens_the_way_to_hosts_of_no_vendor(stand):
    sent = form(**{"s.allow_test_hosts": "yes", "s.base_url": "http://127.0.0.1:1"})
    assert stand.browser(ADMIN).submit(STRIPE, sent).status_code == 422
    assert stand.browser(ADMIN).submit(f"{STRIPE}/test", sent).status_code == 422
    assert stand.browser(Role.COMPANY_ADMINISTRATOR).submit(STRIPE, sent).status_code == 303


def test_without_a_key_a_typed_secret_is_refused_with_what_to_do(stand):
    answer = stand.browser(ADMIN).submit(STRIPE, form(**{"s.api_key": KEY}))
    assert answer.status_code == 422
    assert "there is no key to seal with" in text_of(answer)
    assert KEY not in answer.text


def test_the_connection_is_tested_with_what_was_typed_and_with_secrets_that_are_kept(make_stand):
    seen = []
    stand = make_stand(dialling=dialling(Account("Shop Ltd", "sandbox"), seen))
    answer = stand.browser(ADMIN).submit(f"{STRIPE}/test", form(**{"s.connect_account_id": "acct_new"}))
    assert answer.status_code == 200
    assert "The account is Shop Ltd . Sandbox" in text_of(answer)
    assert seen[0].settings.connect_account_id == "acct_new"
    assert seen[0].settings.api_key.get_secret_value().startswith("sk_test_canary")
    assert "connect_account_id" not in kept(stand)["settings"], "a test saves nothing"
    assert 'value="acct_new"' in answer.text, "and keeps what was typed"


def test_a_failing_test_tells_the_vendor_s_words_and_what_to_do(make_stand):
    failure = Misconfigured("invalid_key", "Invalid API Key provided", status=401, request_id="req_77")
    stand = make_stand(dialling=dialling(failure, []))
    answer = stand.browser(ADMIN).submit(f"{STRIPE}/test", form(), headers={"HX-Request": "true"})
    told = text_of(answer)
    assert "<html" not in answer.text
    assert "The vendor says: Invalid API Key provided" in told
    assert "Compare the settings" in told
    assert "request req_77" in told


def test_a_test_of_wrong_settings_asks_no_vendor_and_names_the_field(stand, keyring):
    answer = stand.browser(ADMIN).submit(f"{STRIPE}/test", form(**{"s.api_key": "nonsense"}),
                                         headers={"HX-Request": "true"})
    assert "Not tested" in answer.text
    assert 'href="#f-s-api_key"' in answer.text


def test_an_inactive_connector_is_tested_like_an_active_one(make_stand):
    stand = make_stand(dialling=dialling(Account("Shop help"), []))
    answer = stand.browser(ADMIN).submit("/apps/shop/connectors/zendesk/test", {
        "base": "1", "s.domain": "shop.zendesk.com", "s.username": "agent@example.com"})
    assert "The account is Shop help" in text_of(answer)


def test_whoever_may_only_look_sees_no_form_to_send(stand):
    page = stand.browser(Role.APP_MEMBER).get(STRIPE)
    assert "Your role may look at these settings, not change them" in page.text
    assert ">Save</button>" not in page.text.replace('aria-hidden="true">Save</button>', "")
    assert ">Test connection" not in page.text


def test_the_history_tells_who_changed_what_and_no_secret(stand, keyring):
    browser = stand.browser(ADMIN)
    browser.submit(STRIPE, form(**{"s.api_key": KEY}))
    browser.submit(STRIPE, form(base="2", **{"s.connect_account_id": "acct_5"}))
    told = text_of(browser.get(STRIPE))
    assert "settings.connect_account_id \N{EN DASH} acct_5" in told
    assert SECRET in told
    assert "app_administrator@example.com · Stripe: settings" in told


def test_the_page_says_where_its_actions_are_bound_and_what_must_be_synced(stand):
    told = text_of(stand.browser(ADMIN).get(STRIPE))
    assert "Stay , accept: apply coupon" in told
    assert "Must be synced: stripe_id or email_address" in told


@pytest.mark.parametrize(("cause", "word"), [("circuit", "Paused by the system"), ("settings", "Needs attention")])
def test_what_the_system_found_is_told_apart_from_what_people_set(make_stand, cause, word):
    group = Group("shop", "stripe", cause, 3, 1_799_999_000_000, "e1", 1_800_000_060_000)
    stand = make_stand(waiting=lambda _app: [group])
    told = text_of(stand.browser(ADMIN).get(STRIPE))
    assert word in told
    assert "3 chains wait, the oldest since 2027-01-15 07:43:20 UTC" in told
    assert "It is tried again at 2027-01-15 08:01:00 UTC" in told
    assert word in text_of(stand.browser(ADMIN).get("/apps/shop/connectors"))


def test_where_configuration_is_files_the_page_says_so_and_saves_nothing(stand, monkeypatch):
    def refuse(*_given, **_more):
        raise ReadOnlyError

    monkeypatch.setattr(stand.store, "read_only", True, raising=False)
    monkeypatch.setattr(stand.store, "apply", refuse)
    browser = stand.browser(ADMIN)
    assert "Read-only." in text_of(browser.get(STRIPE))
    answer = browser.submit(STRIPE, form(**{"s.connect_account_id": "acct_1"}))
    assert answer.status_code == 409
    assert "change it there" in answer.text


def test_an_add_on_is_added_by_who_may_and_then_switched_on(stand):
    path = "/apps/shop/connectors/salesforce_marketing_cloud"
    assert "A Company administrator can add it" in stand.browser(ADMIN).get(path).text
    assert stand.browser(ADMIN).submit(f"{path}/add").status_code == 403
    assert stand.browser(Role.COMPANY_ADMINISTRATOR).submit(f"{path}/add").status_code == 303
    assert stand.store.current("shop").content["app"]["addons"] == ["salesforce_marketing_cloud"]


def test_a_connector_is_removed_where_nothing_is_bound_to_it(stand):
    browser = stand.browser(ADMIN)
    assert browser.submit(f"{STRIPE}/remove", form()).status_code == 422
    assert browser.submit("/apps/shop/connectors/zendesk/remove", {"base": "1"}).status_code == 303
    assert kept(stand, "zendesk") is None


def test_a_connector_that_is_not_there_is_named_with_its_nearest(stand):
    answer = stand.browser(ADMIN).get("/apps/shop/connectors/strip")
    assert answer.status_code == 404
    assert "did you mean 'stripe'" in html.unescape(answer.text)
