"""JSON Schemas of the files of a config folder, made from the models: editors complete, explain and check by them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from connectors.kit.action import Action
from connectors.kit.connector import Connector
from connectors.kit.event import CHAIN_INTERACTIONS, EXPORT_INTERACTIONS
from connectors.kit.export import Export
from processor.config import durations, secrets
from processor.config.shapes import AppShape, BindingShape, ConnectorShape, ExportShape, LimitsShape
from processor.kafka.topics_file import Topics
from processor.settings import ProcessorSettings, TopicSettings

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What editors read best."""
FILE = "{}.schema.json"
COMMAND = "prompt-actions config schema"
Schema = dict[str, Any]
Models = Mapping[type[BaseModel], Schema]
"""By model, the schema or a reference to it."""

_FORM_WORDS = ("options", "placeholder", "group", "public")
"""Members of a field that only our own forms read."""


class Collected(NamedTuple):
    """Models as schemas: references by model, and what they lead to."""

    of: Models
    definitions: Schema


def schemas(known: Mapping[str, Connector]) -> Mapping[str, Schema]:
    """The schema of each kind of file, by the name of its own file."""
    made = {
        "app": _app(known), "connectors": _connectors(known), "prompts": _prompts(known), "processor": _processor(),
        "topics": _topics(),
    }
    return {FILE.format(name): {"$schema": DIALECT, "$comment": f"Made by `{COMMAND}`; changes are lost.", **one}
            for name, one in made.items()}


def text_of(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path, known: Mapping[str, Connector]) -> dict[Path, bool]:
    """Write all schemas into `folder`; tells of each file whether it changed."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[Path, bool] = {}
    for name, schema in schemas(known).items():
        path, text = folder / name, text_of(schema)
        found[path] = not path.exists() or path.read_text("utf-8") != text
        if found[path]:
            path.write_text(text, "utf-8")
    return found


# the files


def _app(known: Mapping[str, Connector]) -> Schema:
    collected = _collect([AppShape])
    addons = [one.id for one in known.values() if one.addon]
    schema = _whole(collected, AppShape, "An app")
    schema["properties"]["addons"] = {
        "type": "array", "items": {"enum": addons}, "description": "Add-on connectors that the app has."}
    return schema


def _connectors(known: Mapping[str, Connector]) -> Schema:
    exports = [export.params for one in known.values() for export in one.exports.values()]
    collected = _collect([*(one.settings for one in known.values()), *exports, ConnectorShape, ExportShape,
                          LimitsShape])
    return {
        "title": "The connectors of an app", **_closed({name: _entry(one, collected) for name, one in known.items()}),
        "$defs": collected.definitions,
    }


def _entry(connector: Connector, collected: Collected) -> Schema:
    """One entry of `connectors.yaml`."""
    members = _members(collected, ConnectorShape)
    settings = collected.of[connector.settings]
    needed = ["settings"] if _required(settings, collected) else []
    members["settings"] = settings if needed else _nullable(settings)
    members["exports"] = _nullable(_closed({
        name: _export(export, collected) for name, export in connector.exports.items()}))
    body = {"title": connector.title, "description": connector.help, **_closed(members), "required": needed}
    return body if needed else _nullable(body)


def _export(export: Export, collected: Collected) -> Schema:
    members = _members(collected, ExportShape)
    params = collected.of[export.params]
    needed = ["params"] if _required(params, collected) else []
    members["params"] = params if needed else _nullable(params)
    names = {"type": "array", "items": {"enum": list(EXPORT_INTERACTIONS)}}
    members["interactions"] = _nullable(names) if export.trigger == "interaction" else {"type": "null"}
    body = {"title": export.title, "description": export.help, **_closed(members), "required": needed}
    return body if needed else _nullable(body)


def _prompts(known: Mapping[str, Connector]) -> Schema:
    actions = {f"{one.id}.{action.id}": action for one in known.values() for action in one.actions.values()}
    collected = _collect([*(one.params for one in actions.values()), BindingShape])
    chain = {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/binding"}}, {"type": "null"}]}
    prompt = _closed({"title": {"type": "string"}, **dict.fromkeys(CHAIN_INTERACTIONS, chain)})
    return {
        "title": "The prompts of an app", "type": ["object", "null"], "additionalProperties": _nullable(prompt),
        "$defs": {"binding": _binding(actions, collected), **collected.definitions},
    }


def _binding(actions: Mapping[str, Action], collected: Collected) -> Schema:
    members = _members(collected, BindingShape)
    members["action"] = {
        "description": "What to do: <connector>.<action>", "enum": list(actions),
        "enumDescriptions": [one.title for one in actions.values()]}
    members["params"] = {"type": ["object", "null"], "description": "The action's parameters."}
    return {**_closed(members), "required": ["action"],
            "allOf": [_when(name, action, collected) for name, action in actions.items()]}


def _when(name: str, action: Action, collected: Collected) -> Schema:
    params = collected.of[action.params]
    needed = ["params"] if _required(params, collected) else []
    return {
        "if": {"properties": {"action": {"const": name}}, "required": ["action"]},
        "then": {"properties": {"params": params if needed else _nullable(params)}, "required": needed},
    }


def _processor() -> Schema:
    collected = _collect([ProcessorSettings])
    return _whole(collected, ProcessorSettings, "Settings of the processor")


def _topics() -> Schema:
    collected = _collect([Topics])
    schema = _whole(collected, Topics, "The topics that the processor needs")
    named = {name: {"$ref": "#/$defs/Topic"} for name in TopicSettings.model_fields}
    schema["properties"]["topics"] = {**_closed(named), "required": list(named)}
    return schema


# parts


def _collect(models: Iterable[type[BaseModel]]) -> Collected:
    wanted = list(dict.fromkeys(models))
    found, whole = models_json_schema([(one, "validation") for one in wanted], ref_template="#/$defs/{model}")
    tidy = _Tidier()
    definitions = {name: tidy.node(one) for name, one in whole.get("$defs", {}).items()}
    return Collected({model: found[model, "validation"] for model in wanted}, definitions)


class _Tidier:
    """Turns what pydantic tells into what may stand in the files."""

    def __init__(self) -> None:
        self.secret = _secret()

    def node(self, value: Any) -> Any:
        """A part of a schema: secrets are references, our forms' own words are left out, lengths of time are spoken."""
        if isinstance(value, list):
            return [self.node(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("format") == "password":
            return {name: value[name] for name in ("title", "description") if name in value} | self.secret
        return self._rest(value)

    def _rest(self, value: Mapping[str, Any]) -> Schema:
        made = {name: self._members(one) if name == "properties" else self.node(one) for name, one in value.items()}
        if "options" in value and isinstance(value["options"], str):
            hint = f"Picks from the vendor's list '{value['options']}' (prompt-actions connectors options)."
            made["description"] = f"{made['description']} {hint}" if made.get("description") else hint
        if isinstance(value.get("placeholder"), str):
            made["examples"] = [value["placeholder"]]
        if value.get("format") == "length-of-time" and isinstance(value.get("default"), float):
            made["default"] = durations.spoken(value["default"])
        if "$ref" in value:
            made.pop("default", None)  # told by the members of what it refers to
        return {name: one for name, one in made.items() if name not in _FORM_WORDS}

    def _members(self, value: Mapping[str, Any]) -> Schema:
        """Properties by name; their names are not words of the schema."""
        return {name: self.node(one) for name, one in value.items()}


def _secret() -> Schema:
    """A reference to a secret, never its value."""
    schemes = list(secrets.RESOLVERS)
    return {"anyOf": [
        {"type": "string", "pattern": f"^({'|'.join(schemes)}):.*\\S"},
        {**_closed({one: {"type": "string"} for one in schemes}), "minProperties": 1, "maxProperties": 1},
    ], "examples": [f"{one}:..." for one in schemes]}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _target(reference: Schema, collected: Collected) -> Schema:
    found: Schema = collected.definitions[reference["$ref"].rpartition("/")[2]]
    return found


def _required(reference: Schema, collected: Collected) -> bool:
    return bool(_target(reference, collected).get("required"))


def _members(collected: Collected, model: type[BaseModel]) -> Schema:
    return dict(_target(collected.of[model], collected)["properties"])


def _whole(collected: Collected, model: type[BaseModel], title: str) -> Schema:
    """The schema of a file that is one model."""
    own = dict(_target(collected.of[model], collected))
    name = collected.of[model]["$ref"].rpartition("/")[2]
    rest = {key: one for key, one in collected.definitions.items() if key != name}
    return {**own, "title": title, **({"$defs": rest} if rest else {})}
