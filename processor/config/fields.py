"""Checks a part of a file against a pydantic model: secrets resolved, each mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from processor.config import secrets
from processor.config.documents import Document, PathOf
from processor.config.errors import ConfigError, field_path, nearest
from processor.config.reading import Reading

M = TypeVar("M", bound=BaseModel)


class Place(NamedTuple):
    """A part of a file."""

    document: Document
    path: PathOf = ()

    def at(self, *parts: str | int) -> Place:
        """A place further inside."""
        return Place(self.document, (*self.path, *parts))

    def error(self, message: str, hint: str = "", *, key: bool = False) -> ConfigError:
        """A mistake here."""
        return self.document.error(self.path, message, hint, key=key)

    def text(self) -> str:
        """File and line, as messages name other places; the field where there are no lines."""
        line = self.document.mark(self.path, key=True).line
        return f"{self.document.file}:{line}" if line else f"{self.document.file} {field_path(self.path)}"


class Spelled(str):
    """A text of the environment, which knows nothing but texts: it may stand for a truth value."""

    __slots__ = ()


def checked(model: type[M], raw: Mapping[str, Any], place: Place, reading: Reading, *, live: bool = True) -> M | None:
    """`raw` as a `model`, or None with its mistakes noted in `reading`.

    Where not `live`, secrets that cannot be resolved are no mistake: the value is not going to be used.
    """
    values, unresolved = opened(model, raw, place, reading, live=live)
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        found = explained(error.errors(include_url=False), model, place, reading, unresolved)
        reading.errors.extend(found)
        if found or not (reading.lenient or not live):
            return None
        return model.model_construct(**values) if reading.lenient else model.model_construct()
    return None if live and unresolved and not reading.lenient else made


def opened(
    model: type[BaseModel], raw: Mapping[str, Any], place: Place, reading: Reading, *, live: bool = True
) -> tuple[dict[str, Any], list[PathOf]]:
    """`raw` with secrets in the place of their references, and the paths of what is reported as wrong already."""
    opener = _Opener(reading, live=live)
    return opener.fields(model, raw, place), opener.unresolved


def checked_part(model: type[M], raw: Any, place: Place, reading: Reading, *, live: bool = True) -> M | None:
    """The same for a part that may be absent; what is no mapping is reported with the shape around it."""
    if raw is None or isinstance(raw, dict):
        return checked(model, raw or {}, place, reading, live=live)
    return None


class _Opener:
    """Puts secrets in the place of their references, following the types of a model."""

    def __init__(self, reading: Reading, *, live: bool) -> None:
        self.reading = reading
        self.live = live
        self.unresolved: list[PathOf] = []

    def fields(self, model: type[BaseModel], raw: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """`raw` with its secrets resolved."""
        types = {name: one.annotation for name, one in model.model_fields.items()}
        types |= {one.alias: one.annotation for one in model.model_fields.values() if one.alias}
        return {name: self.value(types.get(name), value, place.at(name)) for name, value in raw.items()}

    def value(self, annotation: Any, value: Any, place: Place) -> Any:
        """`value`, of a field typed `annotation`, with its secrets resolved."""
        kinds = tuple(_parts(annotation))
        if SecretStr in kinds:
            return None if value is None and type(None) in kinds else self._secret(value, place)
        wrong = _confused(kinds, value)
        if wrong:
            self.unresolved.append(place.path)
            self.reading.errors.append(place.error(*wrong))
        for one in kinds:
            if isinstance(value, dict):
                value = self._mapping(one, value, place)
            elif isinstance(value, list) and get_args(one) and not _is_model(one):
                value = [self.value(get_args(one)[0], item, place.at(at)) for at, item in enumerate(value)]
        return value

    def _mapping(self, kind: Any, value: dict[str, Any], place: Place) -> dict[str, Any]:
        if _is_model(kind):
            return self.fields(kind, value, place)
        if get_origin(kind) in (dict, Mapping) or "Mapping" in str(get_origin(kind)):
            inner = get_args(kind)[1]
            return {name: self.value(inner, one, place.at(name)) for name, one in value.items()}
        return value

    def _secret(self, value: Any, place: Place) -> SecretStr:
        if isinstance(value, SecretStr):
            return value
        reference = secrets.reference(value)
        if reference is None:
            self.reading.errors.append(place.error("a secret must not stand in the file", secrets.forms()))
        else:
            try:
                return self.reading.secret(reference)
            except secrets.SecretError as error:
                if self.reading.lenient:
                    self.reading.missing.append(reference)
                elif self.live:
                    self.reading.errors.append(place.error(str(error), f"set it, or mend '{reference}'"))
        self.unresolved.append(place.path)
        return SecretStr("unresolved")


def _parts(annotation: Any) -> Iterable[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for one in get_args(annotation):
            yield from _parts(one)
    else:
        yield annotation


def _confused(kinds: Sequence[Any], value: Any) -> tuple[str, str] | None:
    """What is wrong with a truth value, or with what stands for one: pydantic takes "on" for true, and true for 1."""
    if isinstance(value, bool):
        number = bool not in kinds and any(one in kinds for one in (int, float, Decimal))
        return ("a truth value is no number", "write a number") if number else None
    truth = bool in kinds and isinstance(value, (str, int, float)) and type(value) not in (*kinds, Spelled)
    return (f"'{value}' is no truth value", "write true or false") if truth else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def explained(
    details: Iterable[Any], model: type[BaseModel], place: Place, reading: Reading, known: Iterable[PathOf] = ()
) -> list[ConfigError]:
    """The mistakes of a validation (pydantic's details), with places; those at `known` paths are left out."""
    found: dict[tuple[PathOf, str], ConfigError] = {}
    skipped = tuple(known)
    for one in details:
        path = _inside(place, one["loc"], missing=one["type"] == "missing")
        if any(path[:len(bad)] == bad for bad in skipped):
            continue
        made = _one(one, model, Place(place.document, path))
        made = made._replace(message=reading.masked(made.message), hint=reading.masked(made.hint))
        found.setdefault((path, made.message), made)
    return list(found.values())


def _inside(place: Place, loc: tuple[str | int, ...], *, missing: bool) -> PathOf:
    """The part of pydantic's location that the file has (it names union members and the like too)."""
    path, known = place.path, place.document.values
    for at, part in enumerate(loc):
        # A validator may name a field of a field as one word, with dots.
        words = part.split(".") if isinstance(part, str) and (*path, part) not in known else [part]
        for word in words:
            longer = (*path, word)
            if longer not in known and not (missing and at == len(loc) - 1):
                return path
            path = longer
    return path


def _one(one: Any, model: type[BaseModel], place: Place) -> ConfigError:
    kind, name = one["type"], str(one["loc"][-1]) if one["loc"] else ""
    if kind == "missing":
        return place.error(f"'{name}' is missing", _title(model, one["loc"]), key=True)
    if kind == "extra_forbidden":
        owner = _model_at(model, one["loc"][:-1])
        return place.error(f"unknown key '{name}'", nearest(name, owner.model_fields) if owner else "", key=True)
    if kind in ("literal_error", "enum"):
        allowed = re.findall(r"'([^']*)'", one["ctx"]["expected"])
        return place.error(f"'{one['input']}' is not allowed", nearest(str(one["input"]), allowed))
    message = one["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return place.error(message.replace("Input should be", "must be"), _title(model, one["loc"]))


def _model_at(model: type[BaseModel] | None, loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    for part in loc:
        field = model.model_fields.get(str(part)) if model else None
        if field is not None:
            model = _first_model(field.annotation)
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    for one in _parts(annotation):
        if _is_model(one):
            return one  # type: ignore[no-any-return]
        for inner in get_args(one):
            found = _first_model(inner)
            if found:
                return found
    return None


def _title(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    owner = _model_at(model, loc[:-1]) if loc else None
    field = owner.model_fields.get(str(loc[-1])) if owner else None
    if field is None:
        return ""
    return ": ".join(part for part in (field.title, field.description) if part)
