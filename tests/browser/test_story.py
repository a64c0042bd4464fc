"""What the product's page promises, in a browser: from the first credentials to the replay, over real Kafka."""

import json
import re
import time

import requests
from playwright.sync_api import expect

from processor.access import Permission, company_of, content_of, mint
from processor.access.changing import with_token
from processor.config.store import COMPANY
from testkit.browser.lens import Lens
from testkit.browser.play import APP, HOME, PASSWORD, PROMPT, SECONDS
from testkit.vendors import credentials

WRONG_KEY = "rk_test_mistyped"
FIRST, HELD, LOST = ("anna", "bert"), ("dora", "emil", "fred"), ("gina", "hugo")
"""Who answers while all is well, while the key is refused, while the coupon is gone."""
SOON = SECONDS * 1000


def test_from_the_first_credentials_to_the_replay(make_play, visitor, console):
    play = make_play()
    play.page.goto("/")
    play.lens.look("sign-in")
    play.sign_in("ada")
    configure_stripe(play)
    bind_both(play)
    watch_both(play)
    break_and_mend_the_key(play)
    lose_and_restore_the_coupon(play)
    look_at_the_rest(play)
    look_at_all_apps(play, visitor, console)
    see_it_all_in_the_audit(play)
    refuse_what_is_not_theirs(visitor, console, play)
    refuse_by_api(play, console)
    assert play.lens.findings == []


# Settings > Actions


def configure_stripe(play):
    page, lens = play.page, play.lens
    play.go("/connectors")
    expect(page.get_by_role("heading", name="Actions", exact=True)).to_be_visible()
    lens.look("actions")
    page.get_by_role("link", name="Stripe", exact=True).click()
    page.get_by_label("API key").fill(WRONG_KEY)
    page.get_by_role("button", name="Test connection").click()
    told = page.locator("#tested")
    expect(told).to_contain_text("It does not work.")
    expect(told).to_contain_text("Invalid API Key provided")
    lens.look("connector-test-fails")
    page.get_by_label("API key").fill(credentials.STRIPE_API_KEY)
    page.get_by_role("button", name="Test connection").click()
    expect(told).to_contain_text("It works.")
    page.get_by_role("switch", name="Active").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")
    expect(page.locator(".head").get_by_text("Active")).to_be_visible()
    assert credentials.STRIPE_API_KEY not in page.content()
    lens.look("connector")


# Prompts


def bind_both(play):
    page, lens = play.page, play.lens
    play.go("/prompts")
    lens.look("prompts-empty")
    page.get_by_label("Id, as events name it").fill(PROMPT)
    page.get_by_label("Title").fill("Stay, and get 20 % off")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Add action to Accept", exact=True).click()
    expect(page.get_by_role("heading", name="Add an action to Accept")).to_be_visible()
    lens.look("add-action")
    page.get_by_role("button", name=re.compile("Choose .*coupon", re.IGNORECASE)).first.click()
    coupon = page.get_by_label("Coupon", exact=False).first
    expect(coupon).to_be_visible()
    expect(page.get_by_text("at Stripe to pick from").first).to_be_visible()
    coupon.fill("SAVE20")
    lens.look("action-form")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Add action to Decline", exact=True).click()
    page.get_by_role("button", name=re.compile("Choose .*ticket", re.IGNORECASE)).first.click()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    lens.look("prompt-not-saved")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")
    kept = play.store.current(APP).content["prompts"][PROMPT]
    bound = [one["action"] for one in kept["accept"] + kept["decline"]]
    assert bound == ["stripe.apply_coupon", "zendesk.create_ticket"]
    lens.look("prompt")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Try")
    lens.look("try")
    play.go(f"/prompt-history/{PROMPT}")
    lens.look("prompt-history")
    play.go("/prompts")
    lens.look("prompts")


# Activity


def watch_both(play):
    play.go("/activity")
    play.lens.look("activity-empty")
    play.taken(play.version - 1)  # the first one was there when it began
    play.sync(*FIRST, "cleo", *HELD, *LOST)
    play.answers("accept", *FIRST, first=1)
    play.answers("decline", "cleo", first=3)
    for event in ("evt-1", "evt-2", "evt-3"):  # without a reload: the page is live
        expect(play.page.get_by_role("link", name=event)).to_be_visible(timeout=SOON)
    expect(play.page.get_by_text("3 succeeded")).to_be_visible()
    expect(play.page.locator("tbody .badge", has_text="Succeeded")).to_have_count(3)
    play.lens.look("activity")
    play.page.get_by_role("link", name="evt-1").click()
    expect(play.page.get_by_role("heading", name="Event evt-1")).to_be_visible()
    play.lens.look("event")
    assert play.discounts == once(*FIRST)
    assert len(play.vendors.ledger("zendesk", "ticket.created")) == 1


def once(*users):
    """That each of them got it once."""
    return dict.fromkeys(users, 1)


# a key that is refused


def save_key(play, key):
    play.go("/connectors/stripe")
    play.page.get_by_label("API key").fill(key)
    play.page.get_by_role("button", name="Save", exact=True).last.click()
    expect(play.page.get_by_role("status").first).to_contain_text("Saved")
    play.taken(play.version - 1)


def break_and_mend_the_key(play):
    page, lens = play.page, play.lens
    save_key(play, WRONG_KEY)
    play.answers("accept", *HELD, first=11)
    play.until("/connectors/stripe", "the oldest since")
    notice = page.locator(".notice.bad")
    expect(notice).to_contain_text("chains wait")
    lens.look("connector-paused")
    play.go("/connectors")
    lens.look("actions-paused")
    play.go("/health")
    lens.look("health-paused")
    play.go("/activity/evt-11")
    expect(page.get_by_text("Its chain is open")).to_be_visible()
    lens.look("event-waits")
    assert play.discounts == once(*FIRST), "nothing goes out meanwhile"
    save_key(play, credentials.STRIPE_API_KEY)
    for event in ("evt-11", "evt-12", "evt-13"):
        play.until(f"/activity?find={event}", "Succeeded")
    assert play.discounts == once(*FIRST, *HELD)


# a coupon that is gone


def lose_and_restore_the_coupon(play):
    page, lens = play.page, play.lens
    play.go("/dead-letters")
    lens.look("dead-letters-empty")
    play.vendors.command("stripe", "delete_coupon", id="SAVE20")
    play.answers("accept", *LOST, first=21)
    play.until("/dead-letters", "2 letters")
    lens.look("dead-letters")
    page.locator("tbody a").first.click()
    expect(page.get_by_text("No such coupon").first).to_be_visible()
    lens.look("dead-letter")
    page.get_by_role("button", name="Close …").click()
    expect(page.get_by_role("heading", name="Close 1 letter")).to_be_visible()
    lens.look("dead-letters-close")
    play.vendors.seed("stripe", "coupon", id="SAVE20")
    play.go("/dead-letters")
    page.get_by_label("Which letters").select_option("all")
    page.get_by_role("button", name="Plan a replay").click()
    expect(page.get_by_text("2 letters would be replayed")).to_be_visible()
    lens.look("replay-plan")
    page.get_by_role("button", name="Replay 2 letters").click()
    expect(page.get_by_text("2 succeeded")).to_be_visible(timeout=SOON)
    lens.look("replay")
    assert play.discounts == once(*FIRST, *HELD, *LOST)
    play.until("/activity/evt-21", "replay 1")
    lens.look("event-replayed")
    play.until("/dead-letters", "No open dead letters")


# the other pages


def look_at_the_rest(play):
    for path, name in (("/health", "health"), ("/access", "members"), ("/access/tokens", "tokens"),
                       ("/connectors/salesforce_marketing_cloud", "connector-new"), ("/replays", "replays"),
                       ("/connectors/custom_api", "connector-custom"),
                       ("/connectors/mixpanel/exports/export_prompt_event", "export"),
                       ("/dead-letters?state=all", "dead-letters-all")):
        play.go(path)
        play.lens.look(name)
    for path, name in (("/api", "api"), ("/apps", "apps"), ("/password", "password"), ("/nowhere", "not-found")):
        play.page.goto(path)
        play.lens.look(name)


AUDITED = ("configured", "replayed", "ada@example.com", "stay_offer", "Stripe: settings", "api_key")
"""What the audit must say of all this."""


def look_at_all_apps(play, visitor, console):
    """What only Company administrators see."""
    page = visitor(console)
    theirs = play._replace(page=page, lens=Lens(page, play.album))
    theirs.sign_in("carl")
    for path, name in (("/health", "health-all"), ("/activity", "activity-all"), ("/dead-letters", "dead-letters-apps"),
                       (f"{HOME}/access", "members-all"), ("/apps", "apps-all")):
        page.goto(path)
        theirs.lens.look(name)
    play.lens.findings.extend(theirs.lens.findings)


def see_it_all_in_the_audit(play):
    play.go("/audit")
    play.lens.look("audit")
    told = play.page.locator("main").text_content()
    missing = [one for one in AUDITED if one not in told]
    assert missing == [], told
    secrets = (credentials.STRIPE_API_KEY, WRONG_KEY, PASSWORD)
    assert [one for one in secrets if one in play.page.content()] == []


# who may not


def refuse_what_is_not_theirs(visitor, console, play):
    """Pages show no button that would be refused, and the server refuses all the same."""
    for name in ("max", "rita"):
        page = visitor(console)
        play._replace(page=page).sign_in(name)
        page.goto(f"{HOME}/connectors/stripe")
        expect(page.get_by_text("Your role may look at these settings, not change them.")).to_be_visible()
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
        page.goto(f"{HOME}/prompts/{PROMPT}")
        assert (page.get_by_role("button", name=re.compile("Add action")).count() > 0) == (name == "max")
        csrf = csrf_of(page)
        for path, form in NEVER_THEIRS + (NOT_TO_READERS if name == "rita" else ()):
            answer = page.request.post(f"{console}{path}", form={"csrf": csrf, **form})
            assert answer.status == 403, (name, path)
        assert page.goto(f"{HOME}/access/tokens").status == 403
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    lens = Lens(page, play.album)
    lens.look("refused")
    play.lens.findings.extend(lens.findings)


NEVER_THEIRS = (
    (f"{HOME}/connectors/stripe", {"base": "1", "s.api_key": WRONG_KEY}),
    (f"{HOME}/connectors/stripe/test", {"s.api_key": WRONG_KEY}), (f"{HOME}/access/members", {}))
NOT_TO_READERS = ((f"{HOME}/prompts/{PROMPT}", {"do": "delete"}), (f"{HOME}/replays", {}))


def csrf_of(page):
    return json.loads(page.locator("body").get_attribute("hx-headers"))["X-CSRF-Token"]




def token_of(play, name, *scopes):
    """A token of the member's: it can do no more than they can."""
    minted = mint(name.encode().ljust(32, b"-"), scopes, [APP], now=0, member=f"{name}@example.com")
    version = play.store.current(COMPANY)
    company = with_token(company_of(version.content), minted.token)
    play.store.apply(COMPANY, content_of(company), base=version.number, by="setup", note="a token")
    return {"Authorization": f"Bearer {minted.text}"}


def taken(url, token):
    """Whether the token is taken, within the time that pages may be behind."""
    end = time.monotonic() + SECONDS
    while requests.get(url, headers=token, timeout=10).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)
    return True


def refuse_by_api(play, console):
    """With all scopes there are, a token of a member does what the member may, and no more."""
    api = f"{console}/api/v1{HOME}"
    asked = (("PUT", "/connectors/stripe", {"settings": {"api_key": WRONG_KEY}}),
             ("POST", "/connectors/stripe/test", {}), ("GET", "/tokens", None),
             ("PUT", "/members/rita@example.com", {"role": "app_administrator"}))
    for name in ("max", "rita"):
        token = token_of(play, name, *Permission)
        assert taken(f"{api}/connectors", token)
        for method, path, body in asked:
            answer = requests.request(method, api + path, json=body, headers=token, timeout=10)
            assert answer.status_code == 403, (name, method, path, answer.text)
