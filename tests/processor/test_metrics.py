"""Metrics: plain numbers in the loop, right families at the scrape, and pages that name only what exists."""

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from processor.metrics import Counter, Gauge, Histogram, Metrics, declarations, status_class, table

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "config/grafana").rglob("*.json"))
RULES = ROOT / "config/prometheus/rules.yml"
RULES_TEST = ROOT / "config/prometheus/rules.test.yml"


def scrape(metrics):
    """What Prometheus would read: (name, labels) to value."""
    found = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    return found


def exposed_names():
    """Every series name that a scrape can hold."""
    names = set()
    for one in declarations().values():
        ends = ("_bucket", "_count", "_sum") if one.kind == "histogram" else ("",)
        names |= {f"{one.name}{end}" for end in ends}
    return names


def test_counters_add_up_by_labels():
    metrics = Metrics()
    metrics.outcome("stripe", "apply_coupon", "succeeded")
    metrics.outcome("stripe", "apply_coupon", "succeeded")
    metrics.outcome("stripe", "apply_coupon", "failed", "rejected")
    seen = scrape(metrics)
    labels = (("action", "apply_coupon"), ("connector", "stripe"), ("outcome", "failed"), ("reason", "rejected"))
    assert seen[("prompt_actions_outcomes_total", labels)] == 1
    assert metrics.outcomes.value("stripe", "apply_coupon", "succeeded", "") == 2


def test_a_histogram_sorts_into_buckets_whose_bounds_belong_to_them():
    metrics = Metrics()
    for seconds in (0.001, 0.005, 0.3, 61.0):
        metrics.call("stripe", "2xx", seconds)
    seen = scrape(metrics)
    name = "prompt_actions_call_duration_seconds"
    assert seen[(f"{name}_bucket", (("connector", "stripe"), ("le", "0.005")))] == 2
    assert seen[(f"{name}_bucket", (("connector", "stripe"), ("le", "0.5")))] == 3
    assert seen[(f"{name}_bucket", (("connector", "stripe"), ("le", "60.0")))] == 3
    assert seen[(f"{name}_bucket", (("connector", "stripe"), ("le", "+Inf")))] == 4
    assert seen[(f"{name}_count", (("connector", "stripe"),))] == 4
    assert seen[(f"{name}_sum", (("connector", "stripe"),))] == pytest.approx(61.306)
    assert metrics.call_duration_seconds.value("stripe") == (4, pytest.approx(61.306))


def test_what_left_is_gone_after_a_replacement():
    metrics = Metrics()
    metrics.consumer_lag.set(5, "t", "0")
    metrics.consumer_lag.replace({("t", "1"): 7})
    lag = [labels for name, labels in scrape(metrics) if name == "prompt_actions_consumer_lag"]
    assert lag == [(("partition", "1"), ("topic", "t"))]


def test_metrics_without_labels_are_there_before_anything_happens():
    # An alert on a rate needs a first value to compare with.
    assert scrape(Metrics())[("prompt_actions_events_finished_total", ())] == 0


def test_two_processes_in_one_test_do_not_share_numbers():
    one, other = Metrics(), Metrics()
    one.events_finished.add()
    assert other.events_finished.value() == 0


@pytest.mark.parametrize("use", [
    lambda metrics: metrics.outcomes.add("stripe"),
    lambda metrics: metrics.consumer_lag.set(1.0, "t"),
    lambda metrics: metrics.consumer_lag.replace({("t",): 1.0}),
    lambda metrics: metrics.in_flight_chains.add("x"),
    lambda metrics: metrics.call_duration_seconds.observe(1.0),
])  # fmt: skip
def test_a_wrong_number_of_labels_is_told_where_it_happens(use):
    with pytest.raises(ValueError, match="labels"):
        use(Metrics())


def test_a_scrape_in_the_midst_of_counting_holds_together():
    metrics = Metrics()
    stop = []

    def count():
        number = 0
        while not stop:
            metrics.outcome("c", f"a{number % 5000}", "succeeded")
            number += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for _ in range(20):
            generate_latest(metrics.registry)
    finally:
        stop.append(1)
        thread.join()


def test_every_metric_says_what_it_means_and_what_to_do():
    for name, one in declarations().items():
        assert one.meaning.endswith("."), name
        assert one.act.endswith("."), name
        assert isinstance(one, (Counter, Gauge, Histogram))


def test_no_label_names_a_user_an_event_a_prompt_or_an_app():
    # Each would make as many series as there are of them, and users are nobody's business here.
    forbidden = {"user", "user_id", "event", "event_id", "prompt", "prompt_id", "app", "app_id"}
    for name, one in declarations().items():
        assert not forbidden & set(one.labels), name


def test_a_status_is_labelled_by_its_class():
    assert [status_class(status) for status in (200, 404, 429, 503)] == ["2xx", "4xx", "429", "5xx"]


def test_the_operators_page_has_the_table_of_the_code():
    page = (ROOT / "docs/operating.md").read_text()
    told = page.partition("<!-- metrics: begin -->\n")[2].partition("\n<!-- metrics: end -->")[0]
    assert told == table(), "run: python -c 'from processor.metrics import table; print(table())'"


def test_there_is_a_dashboard():
    assert DASHBOARDS


@pytest.mark.parametrize("path", [*DASHBOARDS, RULES], ids=lambda path: path.name)
def test_dashboards_and_rules_name_only_metrics_that_exist(path):
    used = set(re.findall(r"prompt_actions_\w+", path.read_text()))
    assert used, "no metric is used"
    assert used <= exposed_names(), f"not in processor/metrics.py: {sorted(used - exposed_names())}"


@pytest.mark.parametrize("path", [*DASHBOARDS, RULES], ids=lambda path: path.name)
def test_dashboards_and_rules_group_only_by_labels_that_exist(path):
    known = {label for one in declarations().values() for label in one.labels} | {"le", "instance", "job"}
    for group in re.findall(r"\b(?:by|on|without) ?\(([^)]*)\)", path.read_text()):
        assert {label.strip() for label in group.split(",")} <= known, group


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_every_panel_explains_itself_and_lets_the_data_source_be_chosen(path):
    board = json.loads(path.read_text())
    variables = {one["name"]: one["type"] for one in board["templating"]["list"]}
    assert variables["datasource"] == "datasource"
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert all(target["expr"] for target in panel["targets"])


def test_every_alert_has_a_severity_and_a_place_in_the_operators_page():
    page = (ROOT / "docs/operating.md").read_text()
    anchors = {re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-")
               for line in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}
    alerts = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert {"NoProgress", "EventsTooOld", "DeadLetters", "ConnectorPaused", "CheckpointsFail"} <= {
        rule["alert"].removeprefix("PromptActions") for rule in alerts
    }
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"].partition("docs/operating.md#")[2] in anchors, rule["alert"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_alerts_fire_when_they_should():
    done = subprocess.run(["promtool", "test", "rules", str(RULES_TEST)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_own_tests_name_only_what_exists():
    # Holds where promtool is absent too.
    text = RULES_TEST.read_text()
    assert set(re.findall(r"prompt_actions_\w+", text)) <= exposed_names()
    alerts = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    assert {test["alertname"] for one in yaml.safe_load(text)["tests"] for test in one["alert_rule_test"]} <= alerts
