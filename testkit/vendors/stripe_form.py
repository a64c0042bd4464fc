"""Stripe's form encoding with brackets, and its strictness about parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Refused, answer

MEMBER = re.compile(r"\[([^\]]*)\]")


def error(status: int, message: str, *, type: str = "invalid_request_error", **more: str | None) -> Answer:
    """Stripe's error body."""
    fields = {"type": type, "message": message, **{name: value for name, value in more.items() if value}}
    if "code" in fields:
        fields["doc_url"] = f"https://stripe.com/docs/error-codes/{str(fields['code']).replace('_', '-')}"
    return answer(status, {"error": fields})


def refuse(status: int, message: str, *, began: bool = True, type: str = "invalid_request_error",
           **more: str | None) -> Refused:
    """The exception that ends a request with Stripe's error body."""
    return Refused(error(status, message, type=type, **more), began=began)


def no_such(what: str, id: str, param: str, status: int = 400) -> Refused:
    """Stripe's answer to an id that names nothing."""
    return refuse(status, f"No such {what}: '{id}'", code="resource_missing", param=param)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[0][b]=1` as {"a": [{"b": "1"}]}; an empty bracket appends."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head = name.partition("[")[0]
        _put(root, [head, *MEMBER.findall(name[len(head):])], value)
    return {name: _lists(value) for name, value in root.items()}


def _put(here: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        below = here.setdefault(part, {})
        if not isinstance(below, dict):
            raise refuse(400, f"Invalid parameter: {path[0]} is used as a value and as a hash", began=False,
                         param=path[0])
        here = below
    here[path[-1] or str(len(here))] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    whole = {name: _lists(below) for name, below in value.items()}
    if whole and all(name.isdigit() for name in whole):
        return [whole[name] for name in sorted(whole, key=int)]
    return whole


def check_names(params: Mapping[str, Any], allowed: Collection[str], where: str = "") -> None:
    """Refuse parameters that Stripe does not know."""
    for name in params:
        if name not in allowed and (where or name != "expand"):
            full = f"{where}[{name}]" if where else name
            raise refuse(400, f"Received unknown parameter: {full}", began=False, code="parameter_unknown", param=full)


def check_choice(params: Mapping[str, Any], name: str, allowed: Collection[str], where: str = "") -> str:
    """The value of an enumeration, or empty; refuses what is none of it."""
    value = params.get(name, "")
    if value and value not in allowed:
        full = f"{where}[{name}]" if where else name
        raise refuse(400, f"Invalid {full}: must be one of {', '.join(sorted(allowed))}", began=False, param=full)
    return str(value)


def boolean(params: Mapping[str, Any], name: str) -> bool | None:
    """A boolean, or None where it is absent."""
    if name not in params:
        return None
    if params[name] not in ("true", "false"):
        raise refuse(400, f"Invalid boolean: {params[name]}", began=False, param=name)
    return bool(params[name] == "true")


def integer(params: Mapping[str, Any], name: str, full: str = "") -> int | None:
    """An integer, or None where it is absent."""
    if params.get(name, "") == "":
        return None
    try:
        return int(params[name])
    except ValueError:
        raise refuse(400, f"Invalid integer: {params[name]}", began=False, code="parameter_invalid_integer",
                     param=full or name) from None


def required(params: Mapping[str, Any], name: str, full: str = "") -> Any:
    """A parameter that must be there."""
    if params.get(name) in (None, ""):
        full = full or name
        raise refuse(400, f"Missing required param: {full}.", began=False, code="parameter_missing", param=full)
    return params[name]


def hashes(params: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of hashes; empty where it is absent or cleared."""
    value = params.get(name) or []
    if not isinstance(value, list) or any(not isinstance(one, dict) for one in value):
        raise refuse(400, f"Invalid array: {name}", began=False, param=name)
    return value
