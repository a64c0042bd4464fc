"""The sample of users: which attributes those have that were synced last."""

import pytest

from connectors.kit import all_of, any_of
from connectors.kit.action import NOTHING
from console.activity import synced
from console.activity.chains import KeyedRecord
from console.activity.synced import Synced
from processor.model.attributes import AttributesState
from testkit.letters import CODEC, NOON


def record(user, app="shop", **attributes):
    data = CODEC.encode_attributes_state(AttributesState(attributes, 1, NOON))
    return KeyedRecord(0, 1, f"{app}:{user}".encode(), data)


@pytest.fixture
def sample():
    return Synced(CODEC)


def share(sample, requires, app="shop"):
    return tuple(sample.share(app, requires))


def test_users_are_counted_that_have_what_an_action_needs(sample):
    sample.take([record("anna", stripe_id="cus_1"), record("bert", email_address="b@example.com"),
                 record("cleo", stripe_id="", email_address=None), record("dora", "other", stripe_id="cus_2")])
    assert share(sample, all_of("stripe_id")) == (1, 3)
    assert share(sample, any_of("stripe_id", "email_address")) == (2, 3)
    assert share(sample, all_of("stripe_id", "email_address")) == (0, 3)
    assert share(sample, all_of("stripe_id"), "other") == (1, 1)
    assert share(sample, all_of("stripe_id"), "new") == (0, 0)


def test_of_a_user_the_last_word_counts_and_an_erased_one_does_not(sample):
    sample.take([record("anna", stripe_id="cus_1"), record("anna", plan="gold"), record("bert", stripe_id="cus_2"),
                 KeyedRecord(0, 4, b"shop:bert", None)])
    assert share(sample, all_of("stripe_id")) == (0, 1)
    assert share(sample, all_of("plan")) == (1, 1)


def test_nothing_is_told_where_nothing_must_be_synced_or_a_form_can_bring_it(sample):
    assert sample.share("shop", NOTHING) is None
    assert sample.share("shop", any_of("email_address", "form.email")) is None


def test_the_oldest_leave_a_full_sample_and_a_large_app_makes_room_for_small_ones(sample, monkeypatch):
    monkeypatch.setattr(synced, "USERS", 3)
    monkeypatch.setattr(synced, "ALL_USERS", 4)
    sample.take([record("u0", plan="old"), *(record(f"u{n}", stripe_id="cus") for n in range(1, 4))])
    assert share(sample, all_of("plan")) == (0, 3), "the oldest has left"
    sample.take([record("dora", "other", plan="x"), record("emil", "other", plan="x")])
    assert share(sample, all_of("plan"), "other") == (2, 2)
    assert share(sample, all_of("stripe_id")) == (2, 2)


def test_of_a_flood_only_the_newest_are_read_once_the_sample_is_full(sample, monkeypatch):
    monkeypatch.setattr(synced, "USERS", 2)
    monkeypatch.setattr(synced, "TAKEN", 1)
    sample.take([record("u1", plan="x"), record("u2", plan="x")])
    sample.take([record("u3", stripe_id="cus"), record("u4", stripe_id="cus")])
    assert share(sample, all_of("stripe_id")) == (1, 2)


def test_what_is_no_record_is_passed_over(sample):
    sample.take([KeyedRecord(0, 0, b"shop:anna", b"nonsense"), record("bert", plan="x")])
    assert share(sample, all_of("plan")) == (1, 1)


def test_the_share_is_said_in_words(sample):
    needs = all_of("stripe_id")
    assert sample.share("shop", needs).said == "no user's attributes were synced of late"
    sample.take([record("anna", plan="x")])
    assert sample.share("shop", needs).said == "there for none of the one user whose attributes were synced"
    sample.take([record("bert", stripe_id="x")])
    assert sample.share("shop", needs).said == "there for 1 of the last 2 users whose attributes were synced"
