"""A vendor that is down, or that refuses our credentials, costs others nothing and loses nothing."""

import time

import pytest

from testkit.processor import apps
from testkit.processor.apps import call, event, mail

EVENTS = 60
USERS = 10


@pytest.fixture
def app(site, vendors):
    """Prompt `both` calls the customer, then mails; `mail` only mails; `call` only calls."""
    site.configure(files(vendors))


def files(vendors, **sendgrid):
    return {
        "alpha/app": {"title": "Alpha"},
        "alpha/connectors": {"custom_api": apps.custom_api(vendors.url),
                             "sendgrid": apps.sendgrid(vendors.url, **sendgrid)},
        "alpha/prompts": {"call": {"accept": [call()]}, "mail": {"accept": [mail()]},
                          "both": {"accept": [call(), mail(on_error="continue")]}},
    }


def publish(site, prompt, first=0):
    now = int(time.time() * 1000)
    users = {f"u{number}": {"email_address": f"u{number}@example.com"} for number in range(USERS)}
    site.sync("alpha", users)
    site.publish(*(event(first + number, f"u{number % USERS}", prompt, time=now) for number in range(EVENTS)))


def in_order(effects):
    """Whether each user's effects happened in the order of the events, which the paths tell."""
    latest = {}
    for one in effects:
        number = int(one.detail["path"].rsplit("/e")[-1])
        if number < latest.get(one.user, -1):
            return False
        latest[one.user] = number
    return True


def everything_ended_well(site, results, count):
    found = results.at_least(count, 40)
    assert {one.value.outcome for one in found} == {"succeeded"}
    assert len({(one.value.event_id, one.value.binding_id) for one in found}) == len(found) == count
    with site.letters() as letters:
        assert not letters.now(1)


def test_a_vendor_that_is_down_delays_only_its_own_calls_and_gets_all_when_it_is_back(site, vendors, app):
    processor = site.started()
    down = vendors.fault("answer", vendor="custom_api", status=503)
    publish(site, "call")
    processor.until(lambda: processor.metric("circuits_open", connector="custom_api") == 1, what="the circuit opens")
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked")
    began = time.monotonic()
    publish(site, "mail", first=1000)
    with site.results() as results:
        assert {one.value.connector for one in results.at_least(EVENTS, 10)} == {"sendgrid"}
        assert time.monotonic() - began < 10
        calls = vendors.taken()["custom_api"]
        time.sleep(1)
        assert vendors.taken()["custom_api"] - calls <= 1  # a probe at most
        vendors.clear(down)
        everything_ended_well(site, results, 2 * EVENTS)
    assert in_order(vendors.ledger("custom_api"))
    processor.until(lambda: processor.metric("circuits_open", connector="custom_api") == 0, what="the circuit closes")
    assert processor.metric("books_events_parked") == 0
    assert processor.metric("books_events_in") == processor.metric("books_events_finished") == 2 * EVENTS


def test_what_is_parked_during_an_outage_survives_a_kill_and_the_loss_of_the_local_state(site, vendors, app):
    processor = site.started()
    down = vendors.fault("answer", vendor="custom_api", status=503)
    publish(site, "both")
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked")
    time.sleep(0.3)  # one more checkpoint
    processor.kill()
    site.forget_state()
    processor.start()
    processor.wait_ready()
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked again")
    assert not vendors.ledger()
    vendors.clear(down)
    with site.results() as results:
        everything_ended_well(site, results, 2 * EVENTS)
    assert in_order(vendors.ledger("custom_api"))
    assert len(vendors.ledger("sendgrid")) == EVENTS


def test_wrong_credentials_pause_the_connector_until_they_are_mended(site, vendors, app, monkeypatch):
    monkeypatch.setenv("SENDGRID_WITHDRAWN_KEY", "SG.withdrawn")
    site.configure(files(vendors, api_key="env:SENDGRID_WITHDRAWN_KEY"))
    processor = site.started()
    publish(site, "both")
    processor.until(lambda: processor.metric("connector_paused", connector="sendgrid") == 1, what="the pause")
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked")
    assert vendors.taken()["sendgrid"] < EVENTS
    with site.results() as results:
        assert {one.value.connector for one in results.now(1)} == {"custom_api"}
        site.configure(files(vendors))
        everything_ended_well(site, results, 2 * EVENTS)
    assert processor.metric("connector_paused", connector="sendgrid") == 0
    assert len(vendors.ledger("sendgrid")) == EVENTS


def test_a_retry_after_holds_the_vendor_for_that_long_and_costs_no_attempt(site, vendors, app):
    site.started()
    vendors.fault("answer", vendor="custom_api", status=429, retry_after=2, times=1)
    publish(site, "call")
    with site.results() as results:
        everything_ended_well(site, results, EVENTS)
        attempts = [one.value.attempts for one in results.now()]
    first, *others = vendors.requests("custom_api")
    held = [one for one in others if first.time + 0.5 < one.time < first.time + 1.9]
    assert not held
    assert max(attempts) == 1
