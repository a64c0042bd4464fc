"""Plans: what runs for an interaction, what changes with a configuration, and what outlives it."""

from dataclasses import replace

import pytest

from connectors.kit import Limits, Repeat
from processor.config.model import configuration_of
from processor.engine.options import EngineOptions
from processor.engine.plan import Plans
from testkit.engine.vendors import Bind, configuration, vendor

CHAINS = {"p": ["alpha.key", Bind("alpha.never", on_error="continue", max_age=60.0, order="overtake"), "beta.needs"]}


def plans(config, **options):
    made = Plans(EngineOptions(**options))
    made.take(config)
    return made


def test_a_plan_has_the_steps_in_their_order_and_the_exports_beside_them():
    plan = plans(configuration(CHAINS, exports=["mix"])).apps["app"].plan("p", "accept")
    assert [one.id for one in plan.steps] == ["alpha.key", "alpha.never", "beta.needs"]
    assert [one.position for one in plan.steps] == [0, 1, 2]
    assert [one.id for one in plan.exports] == ["mix.events"]
    assert plan.connectors == {"alpha", "beta"}


@pytest.mark.parametrize(("prompt", "interaction", "steps", "exports"), [
    ("p", "decline", 0, 1), ("p", "dismiss", 0, 0), ("unknown", "accept", 0, 1), ("unknown", "timeout", 0, 0),
])
def test_what_is_not_bound_is_only_exported_and_only_where_subscribed(prompt, interaction, steps, exports):
    plan = plans(configuration(CHAINS, exports=["mix"])).apps["app"].plan(prompt, interaction)
    assert (len(plan.steps), len(plan.exports)) == (steps, exports)


def test_an_export_may_be_of_some_prompts_only():
    config = configuration(CHAINS, exports=["mix"])
    app = config.apps["app"]
    some = replace(app, exports=(replace(app.exports[0], prompts=frozenset({"p"})),))
    made = plans(configuration_of({"app": some})).apps["app"]
    assert len(made.plan("p", "accept").exports) == 1
    assert len(made.plan("q", "accept").exports) == 0


def test_a_step_says_what_its_binding_says():
    first, second, _ = plans(configuration(CHAINS)).apps["app"].plan("p", "accept").steps
    assert (first.stops, first.overtakes, first.max_age_ms, first.never) == (True, False, 0, False)
    assert (second.stops, second.overtakes, second.max_age_ms, second.never) == (False, True, 60_000, True)
    assert first.repeat is Repeat.KEY


def test_a_binding_that_says_retry_is_not_one_that_must_not_be_repeated():
    config = configuration({"p": [Bind("alpha.never", in_doubt="retry")]})
    step, = plans(config).apps["app"].plan("p", "accept").steps
    assert step.never is False


@pytest.mark.parametrize(("attributes", "lacks"), [
    ({}, ("email",)), ({"email": None}, ("email",)), ({"email": ""}, ("email",)), ({"email": "a"}, ()),
])
def test_a_step_knows_what_is_absent(attributes, lacks):
    step = plans(configuration(CHAINS)).apps["app"].plan("p", "accept").steps[2]
    assert step.lacking(attributes, {}) == lacks


def test_only_apps_that_changed_are_compiled_anew():
    one, two = (configuration(CHAINS, app_id=name).apps[name] for name in ("one", "two"))
    made = plans(configuration_of({"one": one, "two": two}))
    kept = made.apps["one"]
    changed = configuration(CHAINS, app_id="two", secret="other").apps["two"]
    assert made.take(configuration_of({"one": one, "two": changed})) == {"two"}
    assert made.apps["one"] is kept


def test_apps_that_came_and_went_are_changed_too():
    one, two = (configuration(CHAINS, app_id=name).apps[name] for name in ("one", "two"))
    made = plans(configuration_of({"one": one}))
    assert made.take(configuration_of({"two": two})) == {"one", "two"}
    assert set(made.apps) == {"two"}


def test_a_gate_outlives_a_change_of_the_configuration_and_takes_up_its_limits():
    made = plans(configuration(CHAINS, limits=Limits(concurrency=3)))
    gate = made.gates["app", "alpha"]
    gate.busy = 2
    made.take(configuration(CHAINS, limits=Limits(concurrency=9), version="v2"))
    step = made.apps["app"].plan("p", "accept").steps[0]
    assert step.gate is gate
    assert (gate.busy, gate.concurrency) == (2, 9)


def test_two_apps_share_no_gate():
    one, two = (configuration(CHAINS, app_id=name).apps[name] for name in ("one", "two"))
    made = plans(configuration_of({"one": one, "two": two}))
    assert made.gates["one", "alpha"] is not made.gates["two", "alpha"]


def test_a_call_is_never_longer_than_a_drain_lets_it_be():
    config = configuration({"p": ["alpha.key"]}, connectors=[vendor("alpha", limits=Limits(timeout=60.0))])
    step, = plans(config, drain=10.0).apps["app"].plan("p", "accept").steps
    assert step.route.timeout == 8.0


def test_prompts_that_nobody_configured_do_not_fill_memory():
    app = plans(configuration(CHAINS, exports=["mix"])).apps["app"]
    for number in range(10_050):
        app.plan(f"made up {number}", "accept")
    assert len(app._plans) <= 10_000
    assert len(app.plan("p", "accept").steps) == 3
