"""Where an attribute was never synced, the pages say so before anything fails for it."""

import pytest

from console.activity import Activity
from console.activity.chains import KeyedRecord
from console.activity.tail import Condition
from console.configured import Configured
from processor.access import Role
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.model.attributes import AttributesState
from processor.settings import ProcessorSettings
from testkit.letters import CODEC, NOON

CONNECTOR, PROMPT = "/apps/shop/connectors/stripe", "/apps/shop/prompts/save_offer"


@pytest.fixture
def activity(tmp_path):
    made = Activity(ProcessorSettings(console={"state_folder": tmp_path}), CODEC, Configured(MemoryStore(Compiler({}))))
    made.users.condition = Condition(caught_up=True)
    yield made
    made.close()


def sync(activity, user, **attributes):
    data = CODEC.encode_attributes_state(AttributesState(attributes, 1, NOON))
    activity.synced.take([KeyedRecord(0, 1, f"shop:{user}".encode(), data)])


def pages(make_stand, activity):
    browser = make_stand(activity=activity).browser(Role.APP_ADMINISTRATOR)
    form = browser.get(PROMPT).text
    return browser.get(CONNECTOR).text, form


def test_what_no_user_has_is_a_warning_at_the_action_and_told_by_the_connector(make_stand, activity):
    sync(activity, "anna", plan="gold")
    sync(activity, "bert", plan="gold")
    connector, prompt = pages(make_stand, activity)
    assert "there for none of the last 2 users whose attributes were synced" in connector
    assert "Never synced" in prompt
    assert "there for none of the last 2 users" in prompt


def test_what_some_users_have_is_told_with_their_number_and_is_no_warning(make_stand, activity):
    sync(activity, "anna", plan="gold")
    sync(activity, "bert", email_address="b@example.com", stripe_id="cus_1")
    connector, prompt = pages(make_stand, activity)
    assert "there for 1 of the last 2 users whose attributes were synced" in connector
    assert "Never synced" not in prompt


def test_an_app_whose_users_were_never_synced_is_warned_too(make_stand, activity):
    connector, prompt = pages(make_stand, activity)
    assert "no user&#39;s attributes were synced of late" in connector
    assert "Never synced" in prompt


def test_nothing_is_told_before_the_topic_was_read(make_stand, activity):
    activity.users.condition = Condition(trouble="no broker answers")
    connector, prompt = pages(make_stand, activity)
    assert "Must be synced" in connector
    assert "of late" not in connector
    assert "Never synced" not in prompt
