"""What may be replayed, under which keys, and what is refused."""

import pytest

from processor.dead_letters.judging import Judge, Options
from processor.settings import TopicSettings
from testkit.engine.vendors import Bind, configuration, event
from testkit.letters import CODEC, NOON, failed_binding, letter_of, unread

NOW = NOON / 1000 + 60


def judged(letter, *chain, now=NOW, options=Options(), apps=None):  # noqa: B008
    found = apps or configuration({"p": list(chain) or ["alpha.key", "beta.key"]})
    return Judge(found, options, CODEC, TopicSettings()).judge(letter, now)


def failed(binding="alpha.key", reason="rejected", **fields):
    connector, action = binding.split(".")
    one = failed_binding(connector, action, reason=reason, **fields)
    return letter_of("e1", one, app="app", user="ann0", prompt="p", remaining=(binding, "beta.key"))


@pytest.mark.parametrize(("reason", "generation"), [
    ("rejected", 1), ("misconfigured", 1), ("unavailable", 0), ("missing_attributes", 0), ("broken", 0)])
def test_keys_are_new_after_a_sure_refusal_only(reason, generation):
    first, behind = judged(failed(reason=reason)).reruns
    assert (first.binding_id, first.generation) == ("alpha.key", generation)
    assert (behind.binding_id, behind.generation) == ("beta.key", 0)


def test_only_the_failed_ones_run_where_that_is_asked_for():
    assert [one.binding_id for one in judged(failed(), options=Options(only_failed=True)).reruns] == ["alpha.key"]


@pytest.mark.parametrize(("state", "options", "refused"), [
    ("open", Options(), ""), ("replayed", Options(), "being replayed already"), ("closed", Options(), "is closed"),
    ("succeeded", Options(), "has succeeded"), ("replayed", Options(force=True), ""),
    ("closed", Options(force=True), ""), ("succeeded", Options(force=True), "has succeeded")])
def test_a_letter_is_not_replayed_twice_unless_forced_and_never_after_a_success(state, options, refused):
    said = judged(failed()._replace(state=state), options=options).refused
    assert said == refused or (refused and refused in said)


def test_in_doubt_needs_somebody_who_looked():
    letter = failed("alpha.never", "in_doubt")
    assert "--after-checking" in judged(letter, "alpha.never").refused
    verdict = judged(letter, "alpha.never", options=Options(after_checking=True))
    assert not verdict.refused
    assert verdict.reruns[0].may_repeat


def test_an_unknown_end_that_is_older_than_the_vendors_memory_of_keys_needs_somebody_who_looked():
    apps = configuration({"p": ["alpha.key"]})
    (binding,) = apps.apps["app"].chain("p", "accept")
    letter = failed(reason="unavailable", code="timeout_answer")
    keeps = binding.action.keeps_keys
    assert keeps > 0
    assert judged(letter, apps=apps, now=NOON / 1000 + keeps - 1).refused == ""
    assert "forgotten the idempotency key" in judged(letter, apps=apps, now=NOON / 1000 + keeps + 1).refused
    unsent = failed(reason="unavailable", code="no_connect")
    assert judged(unsent, apps=apps, now=NOON / 1000 + keeps + 1).refused == "", "it never reached the vendor"


def test_what_may_have_happened_names_what_keeps_it_from_happening_twice():
    first, behind = judged(failed(reason="unavailable", code="timeout_answer")).reruns
    assert first.may_repeat
    assert "idempotency key" in first.protection
    assert not behind.may_repeat


def test_what_is_too_old_expires():
    chain = (Bind("alpha.key", max_age=50.0), "beta.key")
    verdict = judged(failed(), *chain)
    assert [one.expired for one in verdict.reruns] == [True, False]
    assert "maximum age" in judged(failed()._replace(remaining=("alpha.key",)), *chain).refused


def test_bindings_that_are_gone_are_not_run():
    assert "not configured any more" in judged(failed(), "gamma.key").refused
    assert [one.binding_id for one in judged(failed(), "beta.key").reruns] == ["beta.key"]
    assert "app 'other'" in judged(failed()._replace(app_id="other")).refused


def test_a_letter_without_its_message_cannot_be_replayed():
    letter = failed()
    assert "too large" in judged(letter._replace(origin=letter.origin._replace(value=None))).refused


def test_a_sync_of_attributes_is_not_replayed():
    letter = failed()
    letter = letter._replace(origin=letter.origin._replace(topic="user.attributes"))
    assert "sync the user again" in judged(letter).refused


def test_an_unread_message_is_published_again_once_it_can_be_read():
    assert "still cannot be read (" in judged(unread()).refused
    readable = CODEC.encode_event(event("e1", time=NOW))
    assert judged(unread(value=readable)).again
    assert not judged(unread(value=readable)).refused
