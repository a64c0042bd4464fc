"""`prompts.yaml` and `prompts/*.yaml`: what each interaction with a prompt sets off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from connectors.kit.action import Action
from connectors.kit.connector import Connector, OptionsFlow
from connectors.kit.event import CHAIN_INTERACTIONS, EXPORT_INTERACTIONS
from connectors.kit.fields import Params, Settings
from processor.config.connectors import Entry
from processor.config.documents import kind
from processor.config.errors import nearest
from processor.config.fields import Place, checked, checked_part
from processor.config.model import Binding, Chain, Prompt
from processor.config.reading import Reading
from processor.config.shapes import BindingShape

KEYS = frozenset({"title", *CHAIN_INTERACTIONS})


class Source(NamedTuple):
    """A prompt as it stands in a file."""

    place: Place
    raw: Mapping[str, Any]


def sources(places: Iterable[Place], reading: Reading) -> dict[str, Source]:
    """The prompts of an app, by id, from all its files; an id that comes twice is a mistake."""
    found: dict[str, Source] = {}
    for place in places:
        for name, value in place.document.mapping((), place.document.data, reading.errors).items():
            here = place.at(name)
            if name in found:
                reading.errors.append(here.error(f"two prompts have the id '{name}'",
                                                 f"the other is at {found[name].place.text()}", key=True))
                continue
            found[name] = Source(here, here.document.mapping(here.path, value, reading.errors))
    return found


def prompt(name: str, source: Source, found: Mapping[str, Entry], reading: Reading) -> Prompt:
    """The prompt with its chains; mistakes are noted in `reading`."""
    _check_keys(source, reading)
    title = source.raw.get("title", "")
    if not isinstance(title, str):
        reading.errors.append(source.place.at("title").error(f"expected a text, found {kind(title)}"))
        title = ""
    chains = {one: _chain(source.raw[one], source.place.at(one), found, reading)
              for one in CHAIN_INTERACTIONS if one in source.raw}
    return Prompt(name, title, MappingProxyType({one: chain for one, chain in chains.items() if chain}))


def _check_keys(source: Source, reading: Reading) -> None:
    for key in source.raw:
        place = source.place.at(key)
        if key in KEYS:
            continue
        if key in EXPORT_INTERACTIONS:
            hint = "such events are only exported; bind to " + ", ".join(CHAIN_INTERACTIONS)
            reading.errors.append(place.error(f"no actions can be bound to '{key}'", hint, key=True))
        else:
            reading.errors.append(place.error(f"unknown interaction '{key}'", nearest(key, KEYS), key=True))


def _chain(raw: Any, place: Place, found: Mapping[str, Entry], reading: Reading) -> Chain:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        reading.errors.append(place.error(f"expected a list of actions, found {kind(raw)}",
                                          "begin each with '- action: <connector>.<action>'"))
        return ()
    reader = _ChainReader(found, reading)
    bindings = [reader.binding(one, place.at(at), at) for at, one in enumerate(raw)]
    return tuple(one for one in bindings if one is not None)


class _ChainReader:
    """Reads the bindings of one chain and gives them their ids."""

    def __init__(self, found: Mapping[str, Entry], reading: Reading) -> None:
        self.found = found
        self.reading = reading
        self.seen: Counter[str] = Counter()
        self.taken: dict[str, Place] = {}

    def binding(self, raw: Any, place: Place, position: int) -> Binding | None:
        """One entry of the chain; None with its mistakes noted."""
        values = place.document.mapping(place.path, raw, self.reading.errors)
        shape = checked(BindingShape, values, place, self.reading) if isinstance(raw, dict) else None
        name = values.get("action")
        target = self._action(name, place.at("action")) if isinstance(name, str) else None
        if target is None:
            return None
        connector, action = target
        entry = self._usable(connector, place.at("action"))
        params = checked_part(action.params, values.get("params"), place.at("params"), self.reading)
        if shape is None:
            return None
        identity = self._identity(shape, f"{connector.id}.{action.id}", place)
        if entry is None or entry.made is None or params is None:
            return None
        self._check_picks(entry, params, entry.made.settings, place.at("params"))
        return Binding(identity, position, connector, action, params, entry.made.settings,
                       shape.on_error, shape.max_age, shape.in_doubt, shape.order)

    def _check_picks(self, entry: Entry, params: Params, settings: Settings, place: Place) -> None:
        """Where a pick list needs no call of the vendor, what was picked must be on it."""
        for name, field in type(params).model_fields.items():
            extra = field.json_schema_extra
            listed = entry.connector.options.get(str(extra.get("options", ""))) if isinstance(extra, dict) else None
            value = getattr(params, name)
            known = _known(listed, settings, entry) if listed and isinstance(value, str) and value else None
            if known is not None and value not in known:
                self._note(place.at(name), f"'{value}' is not there to pick", nearest(value, known))

    def _identity(self, shape: BindingShape, default: str, place: Place) -> str:
        self.seen[default] += 1
        identity = shape.id or (default if self.seen[default] == 1 else f"{default}#{self.seen[default]}")
        if identity in self.taken:
            self.reading.errors.append(place.at("id").error(
                f"two bindings of this chain have the id '{identity}'",
                f"the other is at {self.taken[identity].text()}"))
        self.taken.setdefault(identity, place)
        return identity

    def _action(self, name: str, place: Place) -> tuple[Connector, Action] | None:
        connector_id, _, action_id = name.partition(".")
        connector = self.reading.catalogue.get(connector_id)
        if connector is None:
            self._note(place, f"unknown connector '{connector_id}'", nearest(connector_id, self.reading.catalogue))
            return None
        action = connector.actions.get(action_id)
        if action is not None:
            return connector, action
        if action_id in connector.exports:
            self._note(place, f"'{name}' is an export, not an action",
                       f"put it under exports of '{connector_id}' in connectors.yaml")
        else:
            self._note(place, f"unknown action '{name}'",
                       nearest(name, [f"{connector_id}.{one}" for one in connector.actions]))
        return None

    def _usable(self, connector: Connector, place: Place) -> Entry | None:
        entry = self.found.get(connector.id)
        if entry is None:
            self._note(place, f"connector '{connector.id}' is not set up for this app",
                       "add it with its settings to connectors.yaml")
        elif not entry.active:
            self._note(place, f"connector '{connector.id}' is not active for this app",
                       f"set active: true at {entry.place.text()}")
        return entry

    def _note(self, place: Place, message: str, hint: str) -> None:
        self.reading.errors.append(place.error(message, hint))


def _known(listed: Any, settings: Settings, entry: Entry) -> list[str] | None:
    try:
        return _without_calls(listed(settings))
    except Exception:
        if entry.whole:
            raise
        return None  # it may be for want of a secret


def _without_calls(flow: OptionsFlow) -> list[str] | None:
    """The entries of a pick list that comes from settings alone; None where the vendor has to be asked."""
    try:
        next(flow)
    except StopIteration as end:
        return [one.value for one in end.value]
    flow.close()
    return None
