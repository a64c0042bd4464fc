"""How the reference pages say things: tables, types, times, and how safe a repeat is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connectors.kit.action import Action, Repeat
from connectors.kit.fields import Settings
from processor.cli.connectors import spoken
from testkit.asked import made

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def code(text: str) -> str:
    """A name as it is written in configuration."""
    return f"`{text}`"


def listed(names: Iterable[str]) -> str:
    """Several names with commas."""
    return ", ".join(names)


def cell(text: str) -> str:
    """Text that does not break out of its cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, line by line."""
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(cell(one) for one in row) + " |"


def duration(seconds: float) -> str:
    """A time in words."""
    if math.isinf(seconds):
        return "ever"
    for unit, name in _UNITS:
        if seconds >= unit and seconds % unit == 0:
            number = int(seconds // unit)
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{seconds:g} seconds"


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number:,} bytes"


def fields_table(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a form, those of its parts behind them."""
    yield from table(("field", "what it takes", "for what"), _rows(model, ""))


def _rows(model: type[BaseModel], where: str) -> Iterator[tuple[str, str, str]]:
    for name, found in model.model_fields.items():
        yield f"**{found.title or name}** {code(where + name)}", _takes(found), _what_for(found)
        for part in _parts(found.annotation):
            yield from _rows(part, f"{where}{name}.")


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)


def _takes(found: FieldInfo) -> str:
    parts = [spoken(found.annotation).removeprefix(" | "), *_bounds(found)]
    if found.is_required():
        parts.append("required")
        return "; ".join(parts)
    default = found.get_default(call_default_factory=True)
    plain = isinstance(default, (bool, int, float, str)) and default != ""
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    return "; ".join([*parts, f"by default {code(shown)}" if plain else "may be left empty"])


def _bounds(found: FieldInfo) -> Iterator[str]:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for one in found.metadata:
        for name, word in words.items():
            bound = getattr(one, name, None)
            if bound is not None:
                yield f"{word} {bound}"


def _what_for(found: FieldInfo) -> str:
    extra = found.json_schema_extra if isinstance(found.json_schema_extra, dict) else {}
    picked = f"To pick from the list {code(str(extra['options']))}." if extra.get("options") else ""
    return " ".join(one for one in (_sentence(found.description or ""), picked) if one)


def _sentence(text: str) -> str:
    """Text with a capital in front, unless it begins with a name."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def safeties(action: Action, settings: type[Settings]) -> list[tuple[str, Repeat]]:
    """How safe a repeat is, and with which parameters or settings it is otherwise."""
    if action.repeat_of is None:
        return [("", action.repeat)]
    usual = _safety(action, made(action.params), made(settings)) or action.repeat
    found = [("", usual)]
    for name, value in _variations(action.params):
        found += _other(usual, _safety(action, made(action.params, **{name: value}), made(settings)),
                        f" where '{action.params.model_fields[name].title}' is {_said(value)}")
    for name, value in _variations(settings):
        found += _other(usual, _safety(action, made(action.params), made(settings, **{name: value})),
                        f" where the setting '{settings.model_fields[name].title}' is {_said(value)}")
    return found


def _other(usual: Repeat, safety: Repeat | None, when: str) -> list[tuple[str, Repeat]]:
    return [] if safety in (None, usual) else [(when, safety)]


def _safety(action: Action, params: Any, settings: Any) -> Repeat | None:
    """The action's own word for it; None where it cannot tell without more."""
    try:
        return action.safety(params, settings)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _variations(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Each field by itself with each value that it can be chosen to have, or with some text."""
    for name, one in model.model_fields.items():
        if get_origin(one.annotation) is Literal:
            yield from ((name, value) for value in get_args(one.annotation))
        elif one.annotation is bool:
            yield from ((name, value) for value in (True, False))
        elif one.annotation is str:
            yield name, "given"


def _said(value: Any) -> str:
    return "given" if value == "given" else code(str(value).lower() if isinstance(value, bool) else str(value))


def repeats(safety: Repeat, vendor: str, keeps_keys: float) -> str:
    """What keeps an action from being done twice."""
    kept = f" for {duration(keeps_keys)}" if keeps_keys else ""
    return {
        Repeat.HARMLESS: "Doing it twice leaves the same state, so it is done again where an answer was lost.",
        Repeat.KEY: f"Every try carries the same key, by which {vendor} recognises a repeat{kept}; it has no second"
                    " effect.",
        Repeat.LOOK_BEFORE: f"It looks at {vendor} first and finds what an earlier try did.",
        Repeat.NEVER: f"{vendor} recognises no repeats here, so a request whose answer was lost is not sent again.",
    }[safety]


def doubt(safety: Repeat, vendor: str, keeps_keys: float, more: str = "") -> str:
    """What the outcome `in_doubt` means, and what a person does about it; `more` are further ways into it."""
    lost = f"the first try had no answer and lies back more than {duration(keeps_keys)}, or where "
    later = lost if keeps_keys and not math.isinf(keeps_keys) else ""
    besides = f" {more}" if more else ""
    act = f"Look in {vendor} whether it was done, then close the dead letter, or replay it if it was not."
    return {
        Repeat.HARMLESS: "It never ends `in_doubt`.",
        Repeat.KEY: f"It ends `in_doubt` only where {later}{vendor} saw the key with other contents.{besides} {act}",
        Repeat.LOOK_BEFORE: "It ends `in_doubt` only where what it finds does not tell; the message says what to look"
                            f" for.{besides}",
        Repeat.NEVER: f"`in_doubt` means: it was sent, and nobody knows whether it arrived. {act}",
    }[safety]
