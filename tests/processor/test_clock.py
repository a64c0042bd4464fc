from processor.clock import LARGEST_STEP, SteadyClock


class Hands:
    def __init__(self):
        self.wall, self.monotonic = 1_000_000.0, 50.0

    def clock(self):
        return SteadyClock(lambda: self.wall, lambda: self.monotonic)


def test_it_begins_with_the_time_of_day_and_goes_on_with_the_monotonic_clock():
    hands = Hands()
    clock = hands.clock()
    hands.monotonic += 7
    assert clock() == 1_000_007.0


def test_a_wall_clock_that_is_set_back_by_an_hour_never_makes_it_run_backwards():
    hands = Hands()
    clock = hands.clock()
    hands.wall -= 3600
    seen = []
    for _ in range(100):
        hands.monotonic += 0.25
        hands.wall += 0.25
        clock.correct()
        seen.append(clock())
    assert seen == sorted(seen)
    assert seen[0] > 1_000_000.0


def test_a_wall_clock_that_is_ahead_is_followed_in_small_steps():
    hands = Hands()
    clock = hands.clock()
    hands.wall += 1.0
    clock.correct()
    assert 0 < clock() - 1_000_000.0 < LARGEST_STEP * 1.01
    for _ in range(1000):
        clock.correct()
    assert abs(clock() - hands.wall) < 0.001
