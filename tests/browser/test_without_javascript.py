"""The main tasks with JavaScript switched off: sign in, save a connector, bind an action, replay."""

import re

from playwright.sync_api import expect

from testkit.browser.play import HOME, PROMPT, SECONDS
from testkit.vendors import credentials


def test_the_main_tasks_need_no_javascript(make_play):
    play = make_play(javascript=False)
    page = play.page
    play.sign_in("ada")
    save_a_connector(play)
    bind_an_action(play)
    replay_a_letter(play)
    page.get_by_text("ada@example.com").first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def save_a_connector(play):
    page = play.page
    play.go("/connectors/stripe")
    page.get_by_label("API key").fill("rk_test_mistyped")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("It does not work.")).to_be_visible()
    page.get_by_label("API key").fill(credentials.STRIPE_API_KEY)
    page.get_by_role("switch", name="Active").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")


def bind_an_action(play):
    page = play.page
    play.go("/prompts")
    page.get_by_label("Id, as events name it").fill(PROMPT)
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Add action to Accept", exact=True).click()
    page.get_by_role("button", name=re.compile("Choose .*coupon", re.IGNORECASE)).first.click()
    page.get_by_label("Coupon").first.fill("SAVE20")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")


def replay_a_letter(play):
    page = play.page
    play.vendors.command("stripe", "delete_coupon", id="SAVE20")
    play.sync("anna")
    play.taken(play.version - 1)
    play.answers("accept", "anna", first=1)
    play.until("/dead-letters", "1 letter")
    play.vendors.seed("stripe", "coupon", id="SAVE20")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Plan a replay").click()
    page.get_by_role("button", name="Replay 1 letter").click()  # the plan's page loads itself again until it is there
    expect(page.get_by_text("1 succeeded")).to_be_visible(timeout=SECONDS * 1000)
    assert play.discounts == {"anna": 1}
    page.goto(f"{HOME}/activity/evt-1")
    expect(page.get_by_text("The chain, replay 1")).to_be_visible()
