"""What `show` says: what happened, why, who must act, what a replay would do."""

from processor.dead_letters.editing import draft
from processor.dead_letters.judging import Rerun, Verdict
from processor.dead_letters.telling import ACT, WHY, told
from testkit.letters import key_of, letter_of, unread


def text(letter, verdict=None, attributes=None):
    return "\n".join(told(key_of(letter), letter, verdict, attributes))


def test_a_letter_is_told_in_full():
    found = text(letter_of())
    for part in ("No such coupon: SAVE20", "req_1", "POST /v1/subscriptions/sub_1: status 400 after 12 ms",
                 "coupon=SAVE20", WHY["rejected"], ACT["rejected"], "before: succeeded (ref_1)",
                 "accept of prompt offer", "prompt.interactions, partition 0, offset 1", "never replayed"):
        assert part in found


def test_every_reason_of_the_kit_says_why_and_who_must_act():
    from typing import get_args

    from connectors.kit.errors import Reason

    assert set(WHY) == set(ACT) == set(get_args(Reason))


def test_attributes_that_differ_now_are_shown():
    found = text(letter_of(), attributes={"email_address": "new@example.com", "plan": "gold"})
    assert "email_address: u1@example.com (now new@example.com)" in found
    assert "plan: absent (now gold)" in found


def test_what_a_replay_would_do_is_told_with_what_protects():
    rerun = Rerun("a", "stripe", "apply_coupon", 2, expired=False, may_repeat=True, protection="the same key")
    found = text(letter_of(), Verdict("", [rerun, rerun._replace(binding_id="b", expired=True)]))
    assert "would run a (stripe.apply_coupon): idempotency keys of generation 2" in found
    assert "the same key" in found
    assert "would run b (stripe.apply_coupon): its maximum age is over" in found
    assert "is refused: because" in text(letter_of(), Verdict("because"))


def test_a_message_that_cannot_be_read_is_told_with_where_it_stood():
    found = text(unread())
    assert "broken_avro: is no PromptInteraction" in found
    assert "key alpha:u1; 7 bytes" in found


def test_a_draft_keeps_what_is_json_and_names_what_the_key_tells():
    assert '"app_id": "alpha"' in draft(unread())
    assert '"goal": "x"' in draft(unread(value=b'{"goal": "x"}'))
