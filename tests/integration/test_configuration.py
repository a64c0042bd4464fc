"""Files that change are taken up while it runs; a mistake in them changes nothing."""

import time

from testkit.processor.apps import call, event, one_app


def test_a_changed_file_is_taken_up_without_a_restart_and_a_bad_one_keeps_the_old(site, vendors):
    files = one_app(vendors.url)
    site.configure(files)
    processor = site.started()
    pid, now = processor.pid, int(time.time() * 1000)
    with site.results() as results:
        site.publish(event(1, "u1", "news", time=now))  # a prompt that nothing is bound to yet
        site.publish(event(2, "u1", time=now))
        assert [one.value.event_id for one in results.at_least(1)] == ["e00002"]

        site.configure({"alpha/prompts": files["alpha/prompts"] | {"news": {"accept": [call("once")]}}})
        processor.until(lambda: processor.metric("config_reloads_total", result="taken") == 1, what="the change")
        site.publish(event(3, "u1", "news", time=now))
        assert [one.value.event_id for one in results.at_least(2)][1:] == ["e00003"]

        site.configure({"alpha/prompts": {"news": {"accept": [{"action": "custom_api.call_apis"}]}}})
        processor.until(lambda: processor.metric("config_reloads_total", result="refused") == 1, what="the refusal")
        [told] = processor.said("configuration refused, the running one is kept")
        assert "prompts.yaml" in told["error"]
        assert "call_api" in told["error"]
        site.publish(event(4, "u1", "news", time=now))
        assert [one.value.event_id for one in results.at_least(3)][2:] == ["e00004"]
    assert processor.pid == pid


def test_each_outcome_names_the_version_of_the_configuration_that_it_ran_under(site, vendors):
    files = one_app(vendors.url)
    site.configure(files)
    processor = site.started()
    now = int(time.time() * 1000)
    with site.results() as results:
        site.publish(event(1, time=now))
        results.at_least(1)
        site.configure({"alpha/prompts": {"offer": {"accept": [call("once")]}}})
        processor.until(lambda: processor.metric("config_reloads_total", result="taken") == 1, what="the change")
        site.publish(event(2, time=now))
        first, second = results.at_least(2)
    assert first.value.config_version != second.value.config_version
    assert "" not in (first.value.config_version, second.value.config_version)
