"""A kill while an export that Google would count twice is under way: in doubt, and not sent again."""

import time

import pytest

from testkit.processor.apps import event
from testkit.vendors import settings

NAME, EXPORT = "google_analytics", "export_prompt_event"

pytestmark = pytest.mark.broker


def test_what_a_kill_cut_is_in_doubt_and_not_sent_again(site, vendors):
    site.configure({"alpha/app": {"title": "Alpha"}, "alpha/prompts": {}, "alpha/connectors": {
        NAME: {"settings": settings.referring(NAME, vendors.url), "exports": {EXPORT: {}}}}})
    vendors.fault("silence", vendor=NAME, times=1)
    processor = site.started(environ=settings.environment([NAME]))
    now = int(time.time() * 1000)
    site.publish(*(event(number, "u1", time=now) for number in range(3)))
    processor.until(lambda: vendors.taken().get(NAME), what="the batch at Google")
    processor.kill()
    site.publish(event(3, "u1", time=now))
    site.started(environ=settings.environment([NAME]))
    with site.results() as results, site.letters() as letters:
        ended = {one.value.event_id: (one.value.outcome, one.value.reason, one.value.code)
                 for one in results.at_least(4, 40)}
        assert ended.pop("e00003") == ("succeeded", "", "")
        assert set(ended.values()) == {("failed", "in_doubt", "started")}
        assert len(letters.at_least(3)) == 3
    assert vendors.taken()[NAME] == 2
