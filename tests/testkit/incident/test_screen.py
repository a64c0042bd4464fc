"""What a screen shows decides what the recorded page says, and when keys are pressed."""

import pytest

from testkit.incident.screen import Screen


def shown(*parts):
    screen = Screen()
    for one in parts:
        screen.feed(one)
    return screen.text


def test_lines_stand_below_one_another():
    assert shown("one\r\ntwo  \r\n\r\n") == "one\ntwo"


def test_a_bar_stands_where_it_ended():
    again = "\r\x1b[2K\x1b[1A\x1b[2K"
    assert shown("\x1b[?25lsent 1/9\r\nended 0/9", again, "sent 9/9\r\nended 8/9", "\r\n\x1b[?25h", "done") == \
        "sent 9/9\nended 8/9\ndone"


def test_what_is_written_over_is_gone_and_the_rest_stays():
    assert shown("abcdef\rxy") == "xycdef"


def test_colours_leave_no_trace():
    assert shown("\x1b[1;31mred\x1b[0m") == "red"


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_control_that_comes_in_two_parts_is_one(cut):
    text = "old\r\x1b[2Knew"
    assert shown(text[:cut], text[cut:]) == "new"
