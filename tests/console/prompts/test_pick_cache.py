"""Pick lists are kept for a while, asked for once by all who look, and a refusal is soon asked again."""

import threading

from connectors.kit.connector import Option
from console.prompts.pick_cache import FRESH, MOST, REFUSED, Picked, Picks

KEY = ("shop", "stripe", "d1", "coupons")
LIST = Picked([Option("a", "A")])


class Vendor:
    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    def __call__(self):
        self.asked += 1
        return self.answer


def test_a_list_is_asked_again_when_it_is_old_and_a_refusal_sooner():
    now = [0.0]
    picks, vendor = Picks(lambda: now[0]), Vendor(LIST)
    assert picks.of(KEY, vendor) is LIST
    now[0] = FRESH - 1
    picks.of(KEY, vendor)
    assert vendor.asked == 1
    now[0] = FRESH
    picks.of(KEY, vendor)
    assert vendor.asked == 2
    away = Vendor(Picked(why="no answer"))
    other = (*KEY[:3], "prices")
    picks.of(other, away)
    now[0] += REFUSED
    picks.of(other, away)
    assert away.asked == 2


def test_other_settings_are_another_list():
    picks, vendor = Picks(), Vendor(LIST)
    picks.of(KEY, vendor)
    picks.of(("shop", "stripe", "d2", "coupons"), vendor)
    assert vendor.asked == 2


def test_those_who_look_at_once_wait_for_one_answer():
    picks, entered, go = Picks(), threading.Event(), threading.Event()
    vendor = Vendor(LIST)

    def slow():
        entered.set()
        assert go.wait(5)
        return vendor()

    found = []
    threads = [threading.Thread(target=lambda: found.append(picks.of(KEY, slow))) for _ in range(3)]
    for one in threads:
        one.start()
    assert entered.wait(5)
    go.set()
    for one in threads:
        one.join(5)
    assert found == [LIST] * 3
    assert vendor.asked == 1


def test_what_is_kept_is_bounded():
    picks = Picks()
    for at in range(MOST + 20):
        picks.of(("shop", "stripe", str(at), "coupons"), lambda: LIST)
    assert len(picks._kept) == MOST
    assert len(picks._asking) <= MOST
