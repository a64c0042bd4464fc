"""Work in threads: its progress, its end, its failure, and how it is stopped."""

import threading

import pytest

from console.letters.work import MOST_AT_ONCE, Busy, Work, Works


class ExpectedError(Exception):
    pass


@pytest.fixture
def works():
    made = Works((ExpectedError,))
    yield made
    made.close()


def work(name="w1", kind="close"):
    return Work(name, kind, "olga", "all letters", "shop", 0.0)


def test_work_ends_with_its_result(works):
    made = works.begin(work(), lambda _work: 7)
    assert made.wait(10)
    assert (made.state, made.result) == ("done", 7)
    assert works.of("w1") is made
    assert works.all("close") == [made]


def test_it_is_stopped_at_its_next_word_of_progress(works):
    told, asked = threading.Event(), threading.Event()

    def task(one):
        one.progress(1, 9)
        told.set()
        assert asked.wait(10)
        one.progress(2)
        raise AssertionError("went on")

    made = works.begin(work(), task)
    assert told.wait(10)
    made.stop()
    asked.set()
    assert made.wait(10)
    assert (made.state, made.seen, made.total) == ("stopped", 2, 9)


def test_an_expected_failure_is_told_in_its_words_and_a_bug_is_not(works):
    def fails(error):
        def task(_work):
            raise error

        return task

    expected = works.begin(work("w1"), fails(ExpectedError("no broker answers")))
    bug = works.begin(work("w2"), fails(KeyError("secret")))
    assert expected.wait(10)
    assert bug.wait(10)
    assert (expected.state, expected.said) == ("failed", "no broker answers")
    assert "secret" not in bug.said


def test_the_same_work_is_not_begun_twice_and_not_too_much_at_once(works):
    go = threading.Event()
    first = works.begin(work("w0"), lambda _work: go.wait(10))
    with pytest.raises(Busy, match="under way already"):
        works.begin(work("w0"), lambda _work: None)
    for at in range(1, MOST_AT_ONCE):
        works.begin(work(f"w{at}"), lambda _work: go.wait(10))
    with pytest.raises(Busy, match="wait for one"):
        works.begin(work("more"), lambda _work: None)
    go.set()
    assert first.wait(10)
    assert works.begin(work("w0"), lambda _work: None).wait(10)
