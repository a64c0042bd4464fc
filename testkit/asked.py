"""What actions and exports ask about users and events, found out by running them with nobody in particular."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr

from connectors.kit import Call, Connector, Event, Response
from connectors.kit.action import Action
from connectors.kit.export import Export

STEPS = 4
"""Requests after which a flow has asked what it asks."""
NOW = 1_800_000_000.0
ANYTHING = "1"
PLAIN: Mapping[Any, Any] = {int: 1, float: 1.0, bool: True, Decimal: Decimal(1), SecretStr: SecretStr(ANYTHING)}
"""What a required field holds by its type; all others hold a text."""


class Asked(NamedTuple):
    """Names that an action or export looks up."""

    attributes: tuple[str, ...]
    context: tuple[str, ...]


class Listening(Mapping[str, Any]):
    """A mapping that notes which names it is asked for, and answers all of them alike."""

    def __init__(self, reply: str | None, heard: dict[str, None]) -> None:
        self._reply = reply
        self._heard = heard

    def __getitem__(self, name: str) -> Any:
        self._heard[name] = None
        if self._reply is None:
            raise KeyError(name)
        return self._reply

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def asked(connector: Connector, operation: Action | Export) -> Asked:
    """Names that it asks for, whatever of user and event is known, and however the settings are switched."""
    attributes: dict[str, None] = {}
    context: dict[str, None] = {}
    for synced, told, switches in product((None, ANYTHING), (None, ANYTHING), (False, True)):
        call = _call(connector, operation, Listening(synced, attributes), Listening(told, context), switches=switches)
        try:
            _run(operation, call)
        except Exception:  # noqa: BLE001, S112 - nobody in particular is served; what was asked is all that counts
            continue
    attributes.pop(ANYTHING, None)  # the name in a parameter that names an attribute
    return Asked(tuple(attributes), tuple(context))


def _call(
    connector: Connector, operation: Action | Export, attributes: Mapping[str, Any], context: Mapping[str, Any], *,
    switches: bool,
) -> Call[Any, Any]:
    form = {one.name: "ann@example.com" for one in getattr(operation, "form_inputs", ())}
    event = Event("e", "a", "u", "p", "accept", int(NOW * 1000), form=form, context=context)
    flipped = {name: not one.default for name, one in connector.settings.model_fields.items()
               if switches and one.annotation is bool}
    settings = made(connector.settings, **flipped)
    return Call(event, attributes, made(operation.params), settings, now=NOW, outcome_id="o")


def _run(operation: Action | Export, call: Call[Any, Any]) -> None:
    if isinstance(operation, Export):
        operation.item(call)
        return
    flow = operation.run(call)
    next(flow)
    for _ in range(STEPS):
        flow.send(Response(200, {}, b"{}"))


def made(model: type[BaseModel], **given: Any) -> Any:
    """A form filled with its defaults and, where a field is required, with the simplest value; unchecked."""
    values = {name: _simplest(one.annotation) if one.is_required() else one.get_default(call_default_factory=True)
              for name, one in model.model_fields.items()}
    return model.model_construct(**{**values, **given})


def _simplest(annotation: Any) -> Any:
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    return PLAIN.get(annotation, ANYTHING)
