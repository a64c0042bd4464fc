"""Replays through the whole engine: what supersedes a letter, and letters that any tool sends again."""

from processor.model.dead_letter import FailedBinding
from processor.model.replay import next_generation, replay_of
from testkit.engine.harness import LOST, NOW, Harness
from testkit.engine.vendors import Bind, configuration, event
from testkit.engine.world import CODEC, TOPICS

EVENT = event("e1", time=NOW)
KEY_HEADER = "Idempotency-Key"


def failed(*chain, answer=400, **more):
    """A process in which event e1's first binding has failed; and its letter."""
    process = Harness(configuration({"p": list(chain)}, **more))
    process.accept("e1")
    process.checkpoint()
    process.answer(answer=answer)
    process.checkpoint()
    return process, process.world.letters()[-1]


def written(process):
    return [one for one in process.world.records if one.topic == TOPICS.dead_letters]


def send_again(process, key=None):
    record = written(process)[-1]
    process.world.append(TOPICS.interactions, key or b"app:ann0", record.value, process.clock.now)
    process.feed()


def failure(reason, generation=0):
    return FailedBinding("a", 0, "alpha", "key", reason, "code", "", 0, "", 1, 0, 0, generation)


def test_a_replay_that_succeeds_supersedes_its_letter():
    process, letter = failed("alpha.key", "beta.key")
    process.replay(replay_of(letter, "olga", 1))
    process.settle()
    after = process.world.letters()[-1]
    assert (after.state, after.run, after.replays, after.remaining) == ("succeeded", 1, 1, ())
    assert [one.binding_id for one in after.receipts] == ["alpha.key", "beta.key"]
    assert len({one.key for one in written(process)}) == 1


def test_a_replay_that_only_expires_closes_its_letter():
    process, letter = failed(Bind("alpha.key", max_age=50.0))
    process.advance(100.0)
    process.replay(replay_of(letter, "olga", 1))
    process.settle()
    assert [one.state for one in process.world.letters()] == ["open", "closed"]


def test_a_replay_of_a_binding_that_is_gone_leaves_the_letter_open_and_says_so():
    process, letter = failed("alpha.key")
    process.engine.configure(configuration({"p": ["beta.key"]}, version="v2"))
    process.replay(replay_of(letter, "olga", 1))
    process.settle()
    after = process.world.letters()[-1]
    assert (after.state, after.failures[0].code, list(after.remaining)) == ("open", "not_configured", ["alpha.key"])


def test_a_sure_refusal_gets_new_keys_and_an_unknown_end_keeps_them():
    assert [next_generation(failure(reason, 2)) for reason in ("rejected", "misconfigured", "unavailable", "in_doubt",
                                                               "missing_attributes", "broken")] == [3, 3, 2, 2, 2, 2]


def test_a_replay_of_a_refusal_is_sent_under_another_key():
    process, letter = failed("alpha.key")
    process.replay(replay_of(letter, "olga", 1))
    process.answer(answer=400)
    process.checkpoint()
    process.replay(replay_of(process.world.letters()[-1], "olga", 1))
    process.settle()
    assert len({one.headers[KEY_HEADER] for one in process.transport.sent}) == 3


def test_a_replay_looks_before_it_does_what_an_earlier_run_may_have_done():
    process, letter = failed("alpha.look")
    process.replay(replay_of(letter, "olga", 1))
    assert process.lines[0].startswith("GET")


# letters sent again by other tools


def test_a_letter_that_any_tool_sends_to_the_interactions_is_a_replay_from_the_failed_step_on():
    process = Harness(configuration({"p": ["alpha.key", "beta.key"]}))
    process.accept("e1")
    process.answer("alpha/key/e1")
    process.answer("beta/key/e1", 400)
    process.checkpoint()
    process.jump(40 * 86400.0)
    send_again(process)
    process.settle()
    assert process.sent == ["POST alpha/key/e1", "POST beta/key/e1", "POST beta/key/e1"]
    assert [(one.run, one.binding_id) for one in process.world.results("e1")] == [
        (0, "alpha.key"), (0, "beta.key"), (1, "beta.key")]
    assert process.world.letters()[-1].state == "succeeded"
    assert process.world.committed[TOPICS.interactions, 0] == 2


def test_a_letter_sent_again_twice_runs_once():
    process, _ = failed("alpha.key")
    send_again(process)
    record = written(process)[0]
    process.world.append(TOPICS.interactions, b"app:ann0", record.value, process.clock.now)
    process.feed()
    process.settle()
    assert [one.run for one in process.world.results("e1")] == [0, 1]


def test_a_letter_under_its_own_key_finds_its_users_partition():
    process, _ = failed("alpha.key")
    send_again(process, key=b"app:ann0:e1")
    process.settle()
    process.feed()
    process.settle()
    assert process.world.letters()[-1].state == "succeeded"


def test_a_letter_that_has_succeeded_runs_nothing_when_it_is_sent_again():
    process, _ = failed("alpha.key")
    for _ in range(2):
        send_again(process)
        process.settle()
    assert len(process.sent) == 2


def test_what_is_in_doubt_is_not_repeated_by_sending_its_letter_again():
    process, letter = failed("alpha.never", answer=LOST)
    assert letter.reason == "in_doubt"
    send_again(process)
    process.settle()
    after = process.world.letters()[-1]
    assert len(process.sent) == 1
    assert (after.state, "--after-checking" in after.note) == ("open", True)


def test_an_unreadable_message_whose_letter_is_sent_again_runs_once_it_can_be_read():
    process = Harness(configuration({"p": ["alpha.key"]}))
    process.engine.plans.apps.pop("app")
    process.accept("e1")
    process.checkpoint()
    process.engine.configure(configuration({"p": ["alpha.key"]}, version="v2"))
    send_again(process)
    process.settle()
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")]


def test_a_letter_that_a_crash_cuts_short_is_taken_up_again():
    process, _ = failed("alpha.key")
    send_again(process)
    after = process.crash()
    after.settle()
    assert after.world.letters()[-1].state == "succeeded"


# headers


def test_a_letter_can_be_filtered_by_its_headers_and_keeps_those_of_its_message():
    process = Harness(configuration({"p": ["alpha.key"]}))
    message = process.world.publish(EVENT, NOW)
    message._headers = [("trace", b"t1"), ("prompt-actions-old", b"x")]
    process.feed()
    process.answer(answer=400)
    process.checkpoint()
    headers = dict(written(process)[-1].headers)
    assert headers["trace"] == b"t1"
    assert "prompt-actions-old" not in headers
    asked = {"app": b"app", "user": b"ann0", "event": b"e1", "prompt": b"p", "connector": b"alpha", "action": b"key",
             "reason": b"rejected", "state": b"open", "interaction": b"accept", "replays": b"0"}
    assert {name: headers.get(f"prompt-actions-{name}") for name in asked} == asked


def test_a_forwarded_message_keeps_its_headers():
    process = Harness(configuration({"p": ["alpha.key"]}))
    message = process.world.append(TOPICS.interactions, b"app:ann1", CODEC.encode_event(EVENT), NOW, partition=1)
    message._headers = [("trace", b"t1")]
    process.feed()
    process.checkpoint()
    forwarded = [one for one in process.world.records if one.topic == TOPICS.interactions]
    assert [list(one.headers) for one in forwarded] == [[("trace", b"t1")]]
