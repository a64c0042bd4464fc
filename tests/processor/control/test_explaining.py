"""A dry run: which bindings run, wait, fail, expire or are skipped, and what the first call would look like."""

import json
import time
import uuid
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, Producer

from connectors.kit import Rejected
from connectors.kit.event import Event
from processor.avro.codec import Codec
from processor.config.files import load
from processor.control.explaining import exports, steps
from processor.model.attributes import AttributesState
from testkit.kafka.mock import MockKafka
from testkit.vendors import example

NOW = 1_800_000_000.0
COUPON = {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}
TICKET = {"action": "zendesk.create_ticket", "max_age": "1d"}
PROMPTS = {"offer": {"accept": [COUPON, TICKET], "decline": [{**COUPON, "on_error": "continue"}, TICKET]}}
ANN = {"email_address": "ann@example.com", "stripe_id": "cus_0123456789"}


@pytest.fixture
def app(site):
    site.write("stripe", "zendesk", "mixpanel", prompts=PROMPTS)
    path = site.folder / "apps/shop/connectors.yaml"
    path.write_text(path.read_text() + "  exports: {export_prompt_event: {interactions: [accept]}}\n")
    return load(site.folder, site.environ).apps["shop"]


def event(interaction="accept", ago=0.0, **form):
    return Event("e1", "shop", "ann-1", "offer", interaction, int((NOW - ago) * 1000), form=form)


def verdicts(app, attributes, **more):
    return [one.verdict for one in steps(app, event(**more), attributes, NOW, grace=30)]


def test_all_run_where_all_is_there(app):
    assert verdicts(app, ANN) == ["runs", "runs"]


def test_what_is_missing_stops_the_chain_or_does_not(app):
    assert verdicts(app, {}) == ["missing", "skipped"]
    assert verdicts(app, {}, interaction="decline") == ["missing", "runs"]
    first, second = steps(app, event(), {}, NOW, grace=30)
    assert "stripe_id or email_address" in first.says
    assert "wait 30 s" in first.says
    assert f"behind '{first.binding}'" in second.says


def test_an_old_interaction_expires_where_a_binding_says_so(app):
    assert verdicts(app, ANN, ago=90_000) == ["runs", "expired"]


def test_exports_are_named_for_the_interactions_that_they_take(app):
    assert [one.binding for one in exports(app, event(), ANN, NOW)] == ["mixpanel.export_prompt_event"]
    assert exports(app, event("decline"), ANN, NOW) == []


def test_the_first_request_is_unsigned_and_masked(app, site):
    shown = [*steps(app, event(), ANN, NOW), *exports(app, event(), ANN, NOW)]
    text = str([one.request for one in shown])
    assert shown[0].request.method in ("GET", "POST")
    for hidden in (*ANN.values(), "ann-1", *site.environ.values()):
        assert len(hidden) < 8 or hidden not in text


def test_what_a_failing_action_says_is_masked(app):
    """The coupon's binding is made to fail before its first call, with the user's address in its words."""
    def refuse(call):
        raise Rejected("no", f"{call.attribute('email_address')} is not wanted")
        yield

    [binding, _] = app.chain("offer", "accept")
    crooked = replace(binding, action=replace(binding.action, run=refuse))
    prompt = replace(app.prompts["offer"], chains={"accept": (crooked,)})
    [one] = steps(replace(app, prompts={"offer": prompt}), event(), ANN, NOW)
    assert (one.verdict, one.says) == ("fails", "would fail as rejected: *** is not wanted")


def test_the_whole_example_can_be_explained():
    """No action or export of the example breaks while it is explained, with and without attributes."""
    for app in load(example_folder(), example.environment()).apps.values():
        for prompt in app.prompts.values():
            for interaction in prompt.chains:
                for attributes in ({}, {**ANN, "account_code": "a1", "zendesk_id": "7"}):
                    made = event(interaction)._replace(prompt_id=prompt.id, app_id=app.id)
                    for one in (*steps(app, made, attributes, NOW), *exports(app, made, attributes, NOW)):
                        assert "broken" not in one.says
                        assert "bug" not in one.says


def example_folder():
    from pathlib import Path

    return Path(__file__).resolve().parents[3] / "config"


# the command, with attributes from a changelog


@pytest.fixture(scope="module")
def kafka():
    with MockKafka() as mock:
        yield mock.bootstrap_servers


@pytest.fixture
def run(app, site, kafka, control):
    """Runs `explain`; returns what it told and the exit code."""
    topic = f"changelog.{uuid.uuid4().hex}"
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test", "allow.auto.create.topics": True})
    while not consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        time.sleep(0.05)
    consumer.close()
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    producer.produce(topic, Codec().encode_attributes_state(AttributesState(ANN, 3, 4)), b"shop:ann-1")
    producer.flush(10)

    def explain(*arguments):
        return site.run("explain", *arguments, PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS=kafka,
                        PROMPT_ACTIONS_TOPICS__ATTRIBUTES_CHANGELOG=topic)

    return explain


def test_the_command_uses_the_users_attributes_and_calls_nobody(run, control):
    ran = run("shop", "ann-1", "offer", "accept", "-o", "json")
    told = json.loads(ran.stdout)
    assert ran.exit_code == 0, ran.output
    assert [one["verdict"] for one in told["chain"]] == ["runs", "runs"]
    assert told["attributes"] == ["email_address", "stripe_id"]
    assert "request" not in told["chain"][0]
    assert [control.requests(name) for name in ("stripe", "zendesk", "mixpanel")] == [[], [], []]


def test_check_shows_the_first_request(run):
    told = json.loads(run("shop", "ann-1", "offer", "accept", "--check", "-o", "json").stdout)
    assert told["chain"][0]["request"]["path"].startswith("/v1/")
    table = run("shop", "ann-1", "offer", "accept", "--check", "-o", "table")
    assert "/v1/" in table.stdout
    assert ANN["stripe_id"] not in table.stdout


def test_somebody_unknown_is_told_what_is_missing(run):
    ran = run("shop", "bob", "offer", "accept", "-o", "table")
    assert ran.exit_code == 3
    assert "Nothing is known of the user" in ran.stderr
    assert "missing" in ran.stdout


def test_an_old_interaction_can_be_asked_about(run):
    told = json.loads(run("shop", "ann-1", "offer", "accept", "--ago", "2d", "-o", "json").stdout)
    assert [one["verdict"] for one in told["chain"]] == ["runs", "expired"]


@pytest.mark.parametrize(("arguments", "says"), [
    (("shap", "u", "offer", "accept"), "did you mean 'shop'?"),
    (("shop", "u", "offer", "acept"), "did you mean 'accept'?"),
    (("shop", "u", "offer", "accept", "--ago", "soon"), "no length of time"),
    (("shop", "u", "offer", "accept", "--form", "x"), "NAME=VALUE"),
])
def test_what_is_typed_wrongly_is_a_usage_error(run, arguments, says):
    ran = run(*arguments)
    assert (ran.exit_code, says in ran.stderr) == (2, True)


def test_a_prompt_that_nobody_bound_is_noted(run):
    ran = run("shop", "ann-1", "ofer", "accept", "-o", "json")
    assert "did you mean 'offer'?" in ran.stderr
    assert json.loads(ran.stdout)["chain"] == []
