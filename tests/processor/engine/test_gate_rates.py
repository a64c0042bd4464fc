"""Rates that are learned from 429s: fast down, once a burst, slowly up, and forgotten in the end."""

from random import Random

import pytest

from connectors.kit import Limits
from processor.engine.circuit import CircuitPolicy
from processor.engine.gate import LEAST_LEARNED, MOST_CREDIT, STRAY, UNTROUBLED, Gate
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration

NOW = 1_800_000_000.0


def gate(**limits):
    return Gate("shop", "alpha", Limits(**limits), CircuitPolicy())


def answers(one, count, start=NOW):
    for number in range(count):
        one.answered(start + number / count)


def test_calls_that_were_out_together_halve_the_rate_once():
    one = gate(rate=100.0)
    told = [one.throttled(NOW - 1, NOW + number / 100) for number in range(50)]
    assert told == [True] + [False] * 49
    assert (one.bucket.factor, one.throttles) == (0.5, 1)
    assert one.throttled(NOW + 1, NOW + 2)
    assert (one.bucket.factor, one.throttles) == (0.25, 2)


def test_the_rate_comes_back_fast_until_it_is_near_what_was_too_much_then_by_a_hundredth_a_second():
    one = gate(rate=1000.0)
    one.throttled(NOW - 1, NOW)
    factors = []
    for second in range(1, 6):
        answers(one, 500, NOW + second)
        factors.append(one.bucket.factor)
    assert factors == pytest.approx([0.75, 0.9, 0.91, 0.92, 0.93], abs=0.011)


def test_without_a_declared_rate_what_went_through_before_the_429s_is_the_rate():
    one = gate()
    answers(one, 40)
    answers(one, 40, NOW + 1)
    assert one.bucket is None
    for number in range(5):
        one.throttled(NOW + 1.5, NOW + 2 + number / 100)
    assert one.bucket.learned
    assert one.bucket.rate * one.bucket.factor == pytest.approx(20, abs=1)


def test_a_429_among_many_good_answers_is_its_own_calls_trouble():
    one = gate()
    answers(one, STRAY)
    assert not one.throttled(NOW + 1, NOW + 1)
    assert one.stray
    assert (one.bucket, one.throttles) == (None, 0)


def test_a_limit_is_believed_after_ten_429s_however_well_all_went_before():
    one = gate()
    answers(one, 10_000)
    told = [one.throttled(NOW + 1, NOW + 1 + number / 1000) for number in range(MOST_CREDIT // STRAY + 1)]
    assert told == [False] * (MOST_CREDIT // STRAY) + [True]
    assert one.bucket.learned


def test_a_first_429_out_of_the_blue_teaches_nothing_a_second_in_a_row_does():
    one = gate()
    one.throttled(NOW - 1, NOW)
    assert one.bucket is None
    one.throttled(NOW + 1, NOW + 2)
    assert one.bucket.rate == LEAST_LEARNED


def test_under_a_learned_rate_at_least_a_call_a_second_goes_out():
    one = gate()
    for number in range(20):
        one.throttled(NOW + number, NOW + number + 0.5)
    assert one.bucket.rate * one.bucket.factor == pytest.approx(1.0)


def test_a_learned_rate_is_forgotten_once_the_vendor_has_been_content_for_long():
    one = gate()
    answers(one, 10)
    one.throttled(NOW + 1, NOW + 1.4)
    one.throttled(NOW + 1.45, NOW + 1.5)
    second = 0
    while one.bucket is not None and second < 1000:
        second += 1
        one.answered(NOW + 1.5 + second)
    assert UNTROUBLED <= second < 2 * UNTROUBLED


def test_a_learned_rate_survives_a_change_of_the_configuration_and_yields_to_a_declared_one():
    one = gate()
    answers(one, 10)
    one.throttled(NOW + 1, NOW + 1.4)
    one.throttled(NOW + 1.45, NOW + 1.5)
    learned = one.bucket
    one.limit(Limits())
    assert one.bucket is learned
    one.limit(Limits(rate=5.0))
    assert (one.bucket.rate, one.bucket.learned) == (5.0, False)


def vendor_that_bears(process, rate, seconds):
    """Answers each call at once, by 429 where more than `rate` came within its second; how many each second let by."""
    seen, refused, now = {}, 0, process.clock.now
    while process.clock.now < now + seconds:
        while process.calls:
            call = process.calls[0]
            second = int(process.clock.now)
            seen[second] = seen.get(second, 0) + 1
            refused += seen[second] > rate
            process.transport.answer(call, 429 if seen[second] > rate else 200)
            process.turn()
        process.advance(0.05)
    return refused


def test_a_vendor_that_names_no_rate_is_not_stormed():
    """With 300 calls waiting and ten a second let by, all end well, and most seconds see no refusal."""
    process = Harness(configuration({"p": ["alpha.key"]}))
    for number in range(300):
        process.accept(f"e{number}", f"user{number}")
    refused = vendor_that_bears(process, 10, 120)
    process.checkpoint()
    ended = process.world.results()
    assert [one.outcome for one in ended].count("succeeded") == len(ended)
    assert len(ended) >= 250
    assert {one.attempts for one in ended} == {1}
    # The first burst is refused, since nobody could know.
    assert refused < 300


def through(one, refuses, *, demand=400, seconds=60):
    """Calls by demand, answered at once; by second, how many the vendor took and how many it refused."""
    taken, refused, wanted = [0] * seconds, [0] * seconds, 0.0
    for tick in range(seconds * 200):
        now, second = NOW + tick / 200, tick // 200
        wanted = min(wanted + demand / 200, 1000)
        while wanted >= 1 and one.wait(now) == 0.0:
            one.busy -= 1
            wanted -= 1
            if not refuses(taken[second], refused[second]):
                taken[second] += 1
                one.answered(now)
                continue
            refused[second] += 1
            one.throttled(now, now + 0.001)
            if not one.stray:
                one.throttled_until = now + 1.0
    return taken, refused


@pytest.mark.parametrize("seed", [1, 2, 3])  # with the first, the very first answers hold a 429
def test_a_vendor_that_says_429_now_and_then_is_called_as_one_that_does_not(seed):
    """One in a hundred, at whatever rate: a rate that is lowered for it ends near nothing."""
    chance = Random(seed)
    taken, _ = through(gate(), lambda _taken, _refused: chance.random() < 0.01)
    assert sum(taken[10:]) / 50 > 0.9 * 400


def in_waves(one, chance, *, together=500, waves=80, every=0.05):
    """As many calls at once as the gate lets, their answers together a wave later; how many went out in each."""
    sizes = []
    for wave in range(waves):
        sent = NOW + wave * every
        size = next(number for number in range(together + 1) if number == together or one.wait(sent))
        refused = sum(chance.random() < 0.01 for _ in range(size))  # these come first: a refusal is no work
        for number in range(size):
            one.busy -= 1
            if number >= refused:
                one.answered(sent + every)
            elif one.throttled(sent, sent + number / 10_000):
                one.throttled_until = sent + 1.0
        sizes.append(size)
    return sizes


def test_a_few_429s_before_any_answer_do_not_slow_a_vendor_down_whose_answers_are_on_their_way():
    """A hundredth of what is out is refused, and that is heard before the vendor has answered anything."""
    for seed in range(60):
        assert sum(in_waves(gate(concurrency=500), Random(seed))[40:]) > 0.9 * 40 * 500, seed


@pytest.mark.parametrize("limit", [5, 20, 100, 300])
def test_a_limit_that_nobody_declared_is_found_and_kept_to(limit):
    """Most of what the vendor would take goes through, and few calls are refused."""
    taken, refused = through(gate(), lambda taken, _refused: taken >= limit)
    assert sum(taken[10:]) / 50 > 0.6 * limit
    assert sum(refused[10:]) < 0.05 * sum(taken[10:])
