"""The configuration compiled for the hot path: what runs for an interaction of a prompt, nothing left to look up."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.action import Repeat
from processor.engine.flight import Route
from processor.engine.gate import Gate

if TYPE_CHECKING:
    from processor.config.model import App, AppConnector, Binding, Configuration, ExportBinding
    from processor.engine.options import EngineOptions

LONGEST_CALL: Final = 0.8
"""Share of the drain's budget that one call may take: what is under way can then end before partitions leave."""


class Step:
    """One binding, ready to run."""

    __slots__ = (
        "absent", "action", "action_id", "binding", "connector_id", "expires", "form_needed", "gate", "id",
        "keeps_keys", "looks", "max_age_ms", "never", "overtakes", "params", "position", "repeat", "required_all",
        "required_any", "route", "run", "settings", "stops",
    )

    def __init__(self, binding: Binding, route: Route) -> None:
        action = binding.action
        self.binding = binding
        self.id = binding.id
        self.position = binding.position
        self.connector_id = binding.connector.id
        self.action = action
        self.action_id = action.id
        self.run = action.run
        self.params = binding.params
        self.settings = binding.settings
        self.route = route
        self.gate = route.gate
        self.repeat = action.safety(binding.params, binding.settings)
        self.never = self.repeat is Repeat.NEVER and binding.in_doubt == "hold"
        self.keeps_keys = action.keeps_keys
        self.expires = self.repeat is Repeat.KEY and 0 < action.keeps_keys < inf and binding.in_doubt == "hold"
        """Whether the vendor forgets the keys by which it recognises a repeat."""
        self.looks = self.repeat is Repeat.LOOK_BEFORE
        """Whether it looks for what an earlier try did."""
        self.stops = binding.on_error == "stop"
        self.overtakes = binding.order == "overtake"
        self.max_age_ms = 0 if binding.max_age is None else int(binding.max_age * 1000)
        self.absent = action.absent
        self.required_all = action.requires.all_of
        self.required_any = action.requires.any_of
        self.form_needed = any(one.required for one in action.form_inputs)

    def lacking(self, attributes: Mapping[str, Any], form: Mapping[str, str]) -> tuple[str, ...]:
        """Required attributes and form inputs that are absent; the usual case costs one look-up each."""
        get = attributes.get
        for name in self.required_all:
            if get(name) in (None, ""):
                return self.absent(attributes, form)
        any_of = self.required_any
        if any_of:
            for name in any_of:
                if get(name) not in (None, ""):
                    break
            else:
                return self.absent(attributes, form)
        return self.absent(attributes, form) if self.form_needed else ()


class ExportStep:
    """One export binding, ready to run."""

    __slots__ = ("binding", "connector_id", "export", "export_id", "gate", "id", "interactions", "params", "prompts",
                 "route", "settings")

    position = -1

    def __init__(self, binding: ExportBinding, route: Route) -> None:
        self.binding = binding
        self.id = binding.id
        self.connector_id = binding.connector.id
        self.export = binding.export
        self.export_id = binding.export.id
        self.interactions = binding.interactions
        self.prompts = binding.prompts
        self.params = binding.params
        self.settings = binding.settings
        self.route = route
        self.gate = route.gate


class Plan:
    """What runs for one interaction of one prompt: steps in order, exports beside them."""

    __slots__ = ("app", "exports", "steps", "version")

    def __init__(self, app: App, steps: tuple[Step, ...], exports: tuple[ExportStep, ...]) -> None:
        self.app = app
        self.version = app.version
        self.steps = steps
        self.exports = exports

    @property
    def connectors(self) -> frozenset[str]:
        """Connectors that the chain may call."""
        return frozenset(step.connector_id for step in self.steps)


class AppPlans:
    """All plans of one app."""

    __slots__ = ("_exports", "_plans", "_steps", "app", "routes", "sync_plan", "syncs")

    def __init__(self, app: App, routes: Mapping[str, Route]) -> None:
        self.app = app
        self.routes = routes
        exports = tuple(ExportStep(one, routes[one.connector.id]) for one in app.exports)
        self._exports = tuple(one for one in exports if one.export.trigger == "interaction")
        self.syncs = tuple(one for one in exports if one.export.trigger == "attributes")
        """Exports that run when attributes change."""
        self.sync_plan = Plan(app, (), self.syncs)
        """What runs when attributes change."""
        self._plans: dict[tuple[str, str], Plan] = {}
        self._steps = {
            (prompt.id, interaction): tuple(Step(one, routes[one.connector.id]) for one in chain)
            for prompt in app.prompts.values() for interaction, chain in prompt.chains.items()
        }

    def plan(self, prompt_id: str, interaction: str) -> Plan:
        """The plan of one interaction of one prompt; prompts without bindings are only exported."""
        key = (prompt_id, interaction)
        found = self._plans.get(key)
        if found is None:
            found = self._make(prompt_id, interaction)
            if key in self._steps or len(self._plans) < 10_000:
                self._plans[key] = found
        return found

    def syncs_wanted(self, changed: set[str]) -> bool:
        """Whether any sync sends one of the changed attributes; a sync that names none sends all."""
        wanted = [getattr(step.params, "traits", None) for step in self.syncs]
        return any(not names or not changed.isdisjoint(names) for names in wanted)

    def _make(self, prompt_id: str, interaction: str) -> Plan:
        exports = tuple(
            one for one in self._exports
            if interaction in one.interactions and (one.prompts is None or prompt_id in one.prompts)
        )
        return Plan(self.app, self._steps.get((prompt_id, interaction), ()), exports)


class Plans:
    """All apps' plans; gates and tokens outlive a change of the configuration."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self.gates: dict[tuple[str, str], Gate] = {}
        self.apps: dict[str, AppPlans] = {}
        self.version = ""

    def take(self, configuration: Configuration) -> set[str]:
        """Compile another configuration; returns ids of the apps that changed."""
        # a changed secret leaves the version as it was, so whole apps are compared
        changed = {
            app.id for app in configuration.apps.values()
            if app.id not in self.apps or self.apps[app.id].app != app
        } | (set(self.apps) - set(configuration.apps))
        kept = {name: plans for name, plans in self.apps.items()
                if name in configuration.apps and name not in changed}
        made = {name: self._compile(configuration.apps[name]) for name in changed if name in configuration.apps}
        self.apps = kept | made
        self.version = configuration.version
        return changed

    def _compile(self, app: App) -> AppPlans:
        return AppPlans(app, {name: self._route(app, one) for name, one in app.connectors.items() if one.active})

    def _route(self, app: App, used: AppConnector) -> Route:
        connector = used.connector
        key = (app.id, connector.id)
        gate = self.gates.get(key)
        if gate is None:
            gate = self.gates[key] = Gate(app.id, connector.id, used.limits, self._options.circuit)
        gate.limit(used.limits)
        return Route(
            connector.id, gate, connector.signer(used.settings), connector.read, settings=used.settings,
            timeout=min(used.limits.timeout, self._options.drain * LONGEST_CALL),
            tokens=connector.tokens, token_cache={},
            public_only=connector.foreign_addresses and not getattr(used.settings, "allow_private_addresses", False),
        )


