"""The one sentence: the worst of what is known, by name, with where to go."""

from console.activity.outcomes import Ages
from console.health.processors import Processor
from console.health.verdict import Facts, judge
from console.health.watching import DrawnUp, Reading
from processor.books.balance import Books, Difference, PartitionBooks
from processor.waiting import Group

NOW = 1_800_000_000.0
AT = int(NOW * 1000)
GOOD = Processor("http://one:9464/metrics", answers=True, ready=True, why="")
AWAY = Processor("http://two:9464/metrics", answers=False, ready=False, why="does not answer (ConnectionError)")
RESTORING = Processor("http://two:9464/metrics", answers=True, ready=False, why="restoring state")
READING = Reading(NOW, {"prompt.interactions": 3}, [GOOD])


def facts(**fields):
    made = Facts(READING, ages=Ages(100, 80, 400), titles={"stripe": "Stripe"}, base="/apps/shop", now=NOW)
    return made._replace(**fields)


def group(cause, **fields):
    return Group("shop", "stripe", cause, 12, AT - 7_200_000, "e1", 0)._replace(**fields)


def first(**fields):
    found = judge(facts(**fields))[0]
    return found.grade, found.text


def test_all_is_well_says_how_quick_it_is():
    grade, text = first()
    assert grade == "good"
    assert text == "All is well: events are acted on within 400 ms (95 in 100), and no vendor is waited for."


def test_where_nothing_ends_all_is_quiet():
    assert first(ages=None)[1].startswith("All is quiet")


def test_refused_credentials_are_worse_than_a_vendor_that_is_down():
    found = judge(facts(waiting=[group("circuit", connector="zendesk"), group("settings")]))
    assert [one.grade for one in found] == ["bad", "warn"]
    assert found[0].text == ("Stripe refuses its credentials or settings: 12 chains wait, the oldest for 2 h.")
    assert found[0].href == "/apps/shop/connectors/stripe"
    assert found[1].text.startswith("A vendor is down: 12 chains wait")


def test_of_all_apps_together_it_is_said_whose_it_is():
    assert "for shop" in first(waiting=[group("circuit")], base="")[1]


def test_a_short_wait_for_a_limit_and_waits_that_mend_themselves_are_not_trouble():
    short = [group("limit", oldest=AT - 5000), group("retry"), group("attributes"), group("order")]
    assert first(waiting=short)[0] == "good"
    assert first(waiting=[group("limit")])[0] == "warn"


def test_a_processor_that_is_away_is_named_and_all_of_them_are_worse():
    some = first(reading=READING._replace(processors=[GOOD, AWAY]))
    assert some[0] == "warn"
    assert "1 of 2 processors does not answer" in some[1]
    assert "http://two:9464" in some[1]
    assert first(reading=READING._replace(processors=[AWAY]))[0] == "bad"
    assert "takes no events now" in first(reading=READING._replace(processors=[GOOD, RESTORING]))[1]


def test_books_of_a_processor_must_differ_twice_to_be_told():
    once = GOOD._replace(sums={"books_events_in": 5})
    assert first(reading=READING._replace(processors=[once]))[0] == "good"
    assert "do not balance" in first(reading=READING._replace(processors=[once._replace(differed=True)]))[1]


def test_books_that_do_not_balance_are_bad():
    books = Books([PartitionBooks(0)], [Difference("lost", 0, "shop", "e1", "no trace")], 1)
    assert first(books=DrawnUp(books, NOW, 24))[0] == "bad"
    assert first(books=DrawnUp(books._replace(difference_count=0), NOW, 24))[0] == "good"


def test_lag_and_age_are_late():
    assert "50,000 messages behind" in first(reading=READING._replace(lag={"prompt.interactions": 50_000}))[1]
    assert "half of them after more than 2 min" in first(ages=Ages(10, 120_000, 300_000))[1]


def test_nothing_is_called_well_that_cannot_be_seen():
    assert first(reading=Reading(NOW, trouble="no broker answers"))[0] == "bad"
    assert first(reading=Reading())[0] == "warn"
    assert first(reading=READING._replace(at=NOW - 120))[0] == "warn"
    assert first(trouble="there is no topic")[0] == "warn"
