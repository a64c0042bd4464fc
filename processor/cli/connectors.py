"""`prompt-actions connectors`: what can be called, with which settings, parameters and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel, SecretStr

from connectors.kit.action import Action, Requires
from connectors.kit.connector import Connector
from connectors.kit.export import Export
from processor.cli.output import Form, emit, emit_json, output_option, plain
from processor.cli.vendor_calls import check_command, options_command


@click.group()
def connectors() -> None:
    """Show what can be called, and what it needs; test connections, list what there is to pick."""


connectors.add_command(check_command)
connectors.add_command(options_command)


@connectors.command("list")
@output_option
def list_(form: Form) -> None:
    """All connectors there are."""
    from connectors.kit.catalogue import catalogue

    rows = [{
        "id": one.id, "title": one.title, "category": one.category, "addon": one.addon,
        "actions": list(one.actions), "exports": list(one.exports), "api_version": one.api_version,
    } for one in catalogue().values()]
    emit(rows, ("id", "title", "category", "addon", "actions", "exports"), form)


@connectors.command()
@click.argument("connector_id", metavar="ID")
@output_option
def show(connector_id: str, form: Form) -> None:
    """One connector: settings, actions with their parameters, exports, limits."""
    from connectors.kit.catalogue import catalogue
    from processor.config.errors import nearest

    connector = catalogue().get(connector_id)
    if connector is None:
        raise click.UsageError(f"no connector '{connector_id}' ({nearest(connector_id, catalogue())})")
    described = describe(connector)
    if form == "json":
        emit_json(described)
    else:
        _page(described)


def describe(connector: Connector) -> dict[str, Any]:
    """All that a person must know to set a connector up and bind its actions."""
    limits = connector.limits
    return {
        "id": connector.id, "title": connector.title, "category": connector.category, "help": connector.help,
        "docs": connector.docs, "api_version": connector.api_version, "addon": connector.addon,
        "confidence": connector.confidence,
        "limits": {"rate": limits.rate, "concurrency": limits.concurrency, "timeout": limits.timeout},
        "settings": list(_fields(connector.settings)),
        "actions": [_action(one) for one in connector.actions.values()],
        "exports": [_export(one) for one in connector.exports.values()],
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "id": action.id, "title": action.title, "help": action.help, "kind": action.kind,
        "repeat": action.repeat.value, "requires": _requires(action.requires),
        "form_inputs": [{"name": one.name, "title": one.title, "required": one.required}
                        for one in action.form_inputs],
        "params": list(_fields(action.params)),
    }


def _export(export: Export) -> dict[str, Any]:
    return {
        "id": export.id, "title": export.title, "help": export.help, "trigger": export.trigger,
        "repeat": export.repeat.value, "requires": _requires(export.requires), "params": list(_fields(export.params)),
    }


def _requires(requires: Requires) -> dict[str, list[str]]:
    return {"any_of": list(requires.any_of), "all_of": list(requires.all_of)}


def _fields(model: type[BaseModel]) -> Iterable[dict[str, Any]]:
    for name, one in model.model_fields.items():
        default = None if one.is_required() else one.get_default(call_default_factory=True)
        extra = one.json_schema_extra if isinstance(one.json_schema_extra, dict) else {}
        yield {
            "name": name, "title": one.title or "", "type": spoken(one.annotation), "required": one.is_required(),
            "default": default if isinstance(default, (bool, int, float, str)) and default != "" else None,
            "options": extra.get("options", ""), "help": one.description or "",
        }


WORDS: Mapping[Any, str] = {
    bool: "true | false", int: "whole number", float: "number", str: "text",
    SecretStr: "secret (env:NAME or file:PATH)",
}


def spoken(annotation: Any) -> str:
    """A type in words of people who fill in forms."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in WORDS:
        return WORDS[annotation]
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin is Annotated:
        return spoken(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(spoken(one) for one in parts if one is not type(None))
    return _many(origin, parts) if parts else "mapping"


def _many(origin: Any, parts: tuple[Any, ...]) -> str:
    if origin in (list, tuple, set, frozenset, Sequence):
        return f"list of {spoken(parts[0])}"
    return f"mapping of names to {spoken(parts[-1])}"


FIELD_COLUMNS = ("name", "title", "type", "required", "default", "options", "help")


def _page(found: dict[str, Any]) -> None:
    click.echo(plain(f"{found['title']} ({found['id']})"))
    for name in ("help", "docs", "api_version", "confidence"):
        if found[name]:
            click.echo(plain(f"  {name.replace('_', ' ')}: {found[name]}"))
    if found["addon"]:
        click.echo("  an add-on: each app that uses it lists it under addons in app.yaml")
    limits = found["limits"]
    rate = f"{limits['rate']:g} requests a second" if limits["rate"] else "no known rate"
    click.echo(f"  limits: {rate}, {limits['concurrency']} calls at once, {limits['timeout']:g} s a call\n")
    emit(found["settings"], FIELD_COLUMNS, "table", "Settings")
    for one in found["actions"]:
        _part(f"{found['id']}.{one['id']}", one, f"repeat: {one['repeat']}")
    for one in found["exports"]:
        _part(f"{found['id']}.{one['id']}", one, f"export of {one['trigger']}s")


def _part(name: str, one: dict[str, Any], more: str) -> None:
    click.echo(plain(f"\n{name}: {one['title']}"))
    if one["help"]:
        click.echo(plain(f"  {one['help']}"))
    for label, key in (("one of", "any_of"), ("all of", "all_of")):
        if one["requires"][key]:
            click.echo(plain(f"  needs {label} the attributes {', '.join(one['requires'][key])}"))
    for form_input in one.get("form_inputs", ()):
        needed = "needs" if form_input["required"] else "takes"
        click.echo(plain(f"  {needed} the form input {form_input['name']} ({form_input['title']})"))
    click.echo(f"  {more}")
    if one["params"]:
        emit(one["params"], FIELD_COLUMNS, "table")
