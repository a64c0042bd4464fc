"""The form of one binding: the action's parameters, then what becomes of the chain when it fails or is late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.kit.action import Action, Repeat
from connectors.kit.connector import Connector
from console.forms.fields import Choice, FormField, fields_of
from console.forms.typed import shown, typed
from console.prompts.cards import target_of
from console.prompts.chains import Raw
from console.prompts.checking import alone, inside
from console.security.refusals import Invalid
from console.visit import Visit
from processor.config import durations
from processor.config.errors import ConfigErrors

PARAMS, RULES = "p.", "b."
"""Beginnings of the names of fields."""
ON_ERROR = FormField(
    "on_error", "If this fails", "choice", "What has been done before stays done.", default="stop", choices=(
        Choice("stop", "stop: what comes behind it is not done", "stop"),
        Choice("continue", "continue: go on with the next action", "continue")))
MAX_AGE = FormField(
    "max_age", "Not if older than", "text", f"{durations.EXAMPLES.capitalize()}. An interaction that is older is not"
    " acted upon any more. Empty: at any age.", "3d")
IN_DOUBT = FormField(
    "in_doubt", "If nobody knows whether it was done", "choice", "Such as after a call whose answer was lost.",
    default="hold", choices=(
        Choice("hold", "leave it to a person: a dead letter", "hold"),
        Choice("retry", "do it again, even if that is twice", "retry")))
ORDER = FormField(
    "order", "While an earlier event of the same user is held up", "choice", default="hold", choices=(
        Choice("hold", "wait for it", "hold"), Choice("overtake", "do not wait", "overtake")))
NAME = FormField(
    "id", "Name in results and dead letters", "text", "Letters, digits and _ . # -, once a chain. Empty: by the action."
    " Under another name it is another action for events that have begun.")
MORE = (IN_DOUBT, ORDER, NAME)
FIELDS = (ON_ERROR, MAX_AGE, *MORE)
SAFETY: Mapping[Repeat, str] = {
    Repeat.HARMLESS: "Doing it twice does no harm, so it is repeated when in doubt.",
    Repeat.KEY: "The vendor recognises a repeated call, so it is done once.",
    Repeat.LOOK_BEFORE: "It looks at the vendor before it is repeated, so it is done once.",
    Repeat.NEVER: "Nothing protects it from being done twice, so it is not repeated when in doubt.",
}


class BindingForm(NamedTuple):
    """A binding as somebody types it."""

    connector: Connector
    action: Action
    binding: dict[str, Any]
    """What the chain would get."""
    texts: Mapping[str, str]
    """What stands in the fields, by their names."""
    wrong: Mapping[str, str]
    others: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the chain can take it."""
        return not self.wrong and not self.others

    @property
    def name(self) -> str:
        """Connector and action, with a dot between."""
        return f"{self.connector.id}.{self.action.id}"


def named(visit: Visit, action: str) -> tuple[Connector, Action]:
    """Connector and action of a form; raises Invalid."""
    connector, found = target_of(visit, action)
    if connector is None or found is None:
        raise Invalid(f"There is no action '{action}'.")
    return connector, found


def opened(visit: Visit, binding: Raw) -> BindingForm:
    """The form of a binding as it is."""
    connector, action = named(visit, str(binding.get("action", "")))
    params = binding.get("params")
    texts = {PARAMS + name: text for name, text in shown(fields_of(action.params), params or {}).items()}
    texts |= {RULES + name: text for name, text in shown(FIELDS, binding).items()}
    return BindingForm(connector, action, dict(binding), texts, {})


def sent(visit: Visit, action: str) -> BindingForm:
    """The form as it was sent, checked by itself: with what is wrong at each field."""
    connector, found = named(visit, action)
    params = typed(fields_of(found.params), visit.form, PARAMS)
    rules = typed(FIELDS, visit.form, RULES)
    binding: dict[str, Any] = {"action": action}
    if params.values:
        binding["params"] = params.values
    binding |= {one.name: rules.values[one.name] for one in (NAME, ON_ERROR, MAX_AGE, IN_DOUBT, ORDER)
                if one.name in rules.values}
    texts = {PARAMS + name: text for name, text in params.texts.items()}
    texts |= {RULES + name: text for name, text in rules.texts.items()}
    made = BindingForm(connector, found, binding, texts, {PARAMS + name: why for name, why in params.wrong.items()})
    return made if made.wrong else _checked(visit, made)


def _checked(visit: Visit, form: BindingForm) -> BindingForm:
    try:
        alone(visit, "x", {"accept": [form.binding]})
    except ConfigErrors as found:
        wrong, others = dict(form.wrong), []
        for one in found.errors:
            place = inside("x", one)
            name = _field(place[1]) if place else ""
            if name in form.texts:
                wrong.setdefault(name, one.said)
            elif place:
                others.append(one.said)
        return form._replace(wrong=wrong, others=tuple(others))
    return form


def _field(rest: str) -> str:
    """The field that the way to a mistake leads to."""
    part, _, inner = rest.partition(".")
    return PARAMS + inner.split(".")[0].split("[")[0] if part == "params" and inner else RULES + part
