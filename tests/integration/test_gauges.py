"""Gauges that tell how it is: each that is declared is set by a process that runs."""

import time

from processor.metrics import declarations
from testkit.processor.apps import event, one_app


def test_every_gauge_that_is_declared_is_set_while_it_runs(site, vendors):
    site.configure(one_app(vendors.url))
    processor = site.started()
    now = int(time.time() * 1000)
    site.publish(*(event(number, f"u{number}", time=now) for number in range(20)))
    with site.results() as results:
        results.at_least(20)
    processor.until(lambda: processor.metric("state_keys", store="finished") >= 0 and
                    "prompt_actions_consumer_lag{" in processor.get("/metrics").text, 15, "the slow gauges")
    page = processor.get("/metrics").text
    unset = [one.name for one in declarations().values()
             if one.kind == "gauge" and f"\n{one.name} " not in page and f"\n{one.name}{{" not in page]
    # rows that only trouble brings
    assert set(unset) <= {"prompt_actions_waiting", "prompt_actions_restore_remaining"}
    assert processor.metric("build_info") == 1
    assert processor.metric("rebalances_total", kind="assigned") >= 4
    assert processor.metric("consumer_lag", topic=site.topics["interactions"]) == 0
    assert processor.metric("loop_turn_seconds") < 5
    assert processor.metric("state_bytes") > 0
