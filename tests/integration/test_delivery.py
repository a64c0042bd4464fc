"""Without transactions, the main job is done too."""

import time

from testkit.processor.apps import event, one_app


def test_at_least_once_runs_every_event_and_goes_on_after_a_restart(site, vendors):
    site.configure(one_app(vendors.url))
    processor = site.started(delivery="at_least_once")
    now = int(time.time() * 1000)
    site.sync("alpha", {f"u{number}": {"email_address": f"u{number}@example.com"} for number in range(50)})
    site.publish(*(event(number, f"u{number % 50}", "letter", time=now) for number in range(300)))
    with site.results() as results:
        results.at_least(200)
        processor.end()
        processor.start()
        found = results.at_least(600)
        processor.until(lambda: processor.metric("books_events_in_flight") == 0, what="nothing in flight")
        processor.end()
    assert {one.value.outcome for one in found} == {"succeeded"}
    assert len({(one.value.event_id, one.value.binding_id) for one in found}) == 600
    assert vendors.counts("sendgrid") == {"mail.sent": 300}
