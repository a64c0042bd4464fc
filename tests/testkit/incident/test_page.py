"""Two recordings differ by nothing that nobody did."""

from datetime import UTC, datetime

from testkit.incident.page import Alike, outline, page
from testkit.incident.walk import Step

BEGAN = datetime(2026, 11, 24, 12, 58, 20, tzinfo=UTC)


def alike():
    return Alike(BEGAN, {"interactions": "test-77.interactions"})


def test_moments_are_those_of_the_night():
    assert alike()("at 2026-11-24 12:59:07Z") == "at 2027-01-12 03:01:07Z"
    assert alike()("│ 11-24 12:59 │") == "│ 01-12 03:01 │"


def test_an_id_is_the_same_wherever_it_stands_and_however_long_it_is_shown():
    one = alike()
    whole, other = one("Letter def4e2969728a82:"), one("run aaaabbbb ")
    assert one("│ def4e29697 │") == f"│ {whole[7:17]} │"
    assert other[4:12] not in whole
    assert alike()("Letter 0123456789abcde:") == whole, "another recording's first id"
    assert one("event e10000, req_00000000000349") == "event e10000, req_00000000000349"


def test_topics_have_their_usual_names():
    assert alike()("test-77.interactions, partition 2") == "prompt.interactions, partition 2"


def test_a_step_is_its_words_its_command_and_its_screen():
    text = page([Step("Now:", "books", "a " * 80, 3)], 5000, alike())
    assert "5,000 dead letters" in text
    assert "\nNow:\n\n```console\n$ prompt-actions books\na a" in text
    assert "\n[exit 3]\n```\n" in text
    assert max(len(line) for line in text.partition("```console")[2].splitlines()) <= 120


def test_recordings_of_more_letters_have_the_same_outline_and_other_commands_another():
    few = page([Step("All 300:", "books", "300 of them"), Step("ends")], 300, alike())
    many = page([Step("All 5000:", "books", "5000 of them"), Step("ends")], 5000, alike())
    assert outline(few) == outline(many)
    assert outline(few) != outline(few.replace("books", "doctor"))
    assert outline(few) != outline(few.replace("ends", "goes on"))
