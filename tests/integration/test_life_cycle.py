"""A processor tells truthfully how it is, from its start to its end."""

import time

from testkit.processor.apps import event, one_app


def test_live_ready_and_metrics_answer_truthfully_through_start_run_and_stop(site, vendors):
    site.configure(one_app(vendors.url))
    vendors.fault("delay", vendor="custom_api", delay=1.5, times=1)
    processor = site.processor()
    processor.start()
    processor.until(lambda: processor.port != 0, what="the port")
    assert processor.get("/live").status == 200
    assert processor.get("/ready").status == 503
    processor.wait_ready()
    site.publish(event(1, time=int(time.time() * 1000)))
    processor.until(lambda: processor.metric("books_events_in_flight") == 1, what="the event in flight")
    processor.terminate()
    processor.until(lambda: processor.get("/ready") == (503, "stopping\n"), 1.4, "not ready while stopping")
    assert processor.get("/live").status == 200
    assert processor.wait() == 0
    assert processor.get("/live").status == 0
    with site.results() as results:
        assert [one.value.outcome for one in results.at_least(1)] == ["succeeded"]


def test_metrics_hold_what_happened(site, vendors):
    site.configure(one_app(vendors.url))
    processor = site.started()
    now = int(time.time() * 1000)
    site.publish(*(event(number, f"u{number}", time=now) for number in range(20)))
    with site.results() as results:
        results.at_least(20)
    processor.until(lambda: processor.metric("books_events_finished") == 20, what="the books")
    assert processor.metric("events_consumed_total", topic=site.topics["interactions"]) == 20
    assert processor.metric("outcomes_total", connector="custom_api", outcome="succeeded") == 20
    assert processor.metric("calls_total", connector="custom_api") == 20
    assert processor.metric("books_bindings_planned") == processor.metric("books_outcomes") == 20
    assert processor.metric("books_events_in") == 20
    processor.end()
    assert processor.said("stopped")
