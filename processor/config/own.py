"""Reads the processor's own settings: the file first, the environment over it, every mistake with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError

from processor.config import documents, secrets
from processor.config.documents import Document, Mark, PathOf
from processor.config.errors import ConfigError, ConfigErrors, nearest
from processor.config.fields import Place, explained, opened
from processor.config.reading import Reading
from processor.config.vault import Access
from processor.settings import DELIMITER, PREFIX, ProcessorSettings, VaultSettings, property_name

DEFAULT_FILE = Path("config/processor.yaml")
FILE_VARIABLE = PREFIX + "SETTINGS_FILE"
"""Environment variable that names another file."""

PROPERTY_FIELDS = ("properties", "consumer_properties", "producer_properties")
MAPPINGS = (*PROPERTY_FIELDS, "overrides", "role_of")
"""Settings whose own names are free."""
SECRET_PROPERTIES = ("password", "secret", "ssl.key.pem", "sasl.oauthbearer.config", "sasl.jaas.config")
ENVIRONMENT = "environment"


def load_settings(
    environ: Mapping[str, str], file: Path | None = None, given: Mapping[str, Any] | None = None
) -> ProcessorSettings:
    """The settings; raises ConfigErrors with every mistake.

    `file` is read where it is named (here or in the environment), else `config/processor.yaml` where there
    is one. `given` stands over file and environment, as the options of a command do.
    """
    document, errors = document_of(environ, file)
    place = Place(document)
    reading = Reading(Path(document.file).parent, environ, {}, errors=errors)
    raw = document.mapping((), document.data, reading.errors)
    values, unresolved = opened(ProcessorSettings, raw, place, reading)
    _open_properties(values, place, reading, unresolved)
    variables = variables_of(environ, reading)
    merged = merge(merge(values, _from_environment(variables, reading)), given or {})
    made = _validated(merged, place, reading, unresolved, variables)
    if made is None or reading.errors:
        raise ConfigErrors(reading.errors)
    secrets.configure(made.secrets.keys, _vault(made.secrets.vault, environ), environ, reading.folder)
    return made


def _vault(given: VaultSettings, environ: Mapping[str, str]) -> Access:
    """Settings of Vault, with the variables of its own tools where they say nothing."""
    token = given.token.get_secret_value() if given.token else environ.get("VAULT_TOKEN", "")
    return Access(
        given.address or environ.get("VAULT_ADDR", ""), given.namespace or environ.get("VAULT_NAMESPACE", ""),
        given.login, token, given.mount, given.role, given.secret_id.get_secret_value() if given.secret_id else "",
        given.jwt_file, given.ca_file or environ.get("VAULT_CACERT", ""), given.keep, given.timeout,
    )


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings as one; where both have a value, that of `over`."""
    made = dict(under)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(made.get(name), Mapping)
        made[name] = merge(made[name], value) if both else value
    return made


def document_of(environ: Mapping[str, str], file: Path | None) -> tuple[Document, list[ConfigError]]:
    """The file of the settings, which may be none, and the mistakes of its form."""
    named = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    path = named or DEFAULT_FILE
    if named is None and not path.exists():
        return Document(str(path), None, {}, {}), []
    return documents.read(path)


def _open_properties(values: dict[str, Any], place: Place, reading: Reading, unresolved: list[PathOf]) -> None:
    """Resolve references among librdkafka's properties; secret ones must be references."""
    kafka = values.get("kafka")
    for field in PROPERTY_FIELDS:
        found = kafka.get(field) if isinstance(kafka, dict) else None
        given: dict[str, Any] = found if isinstance(found, dict) else {}
        for name, value in given.items():
            here = place.at("kafka", field, name)
            reference = secrets.reference(value)
            if reference is not None:
                given[name] = _resolved(reference, here, reading)
            elif is_secret_property(name):
                unresolved.append(here.path)
                reading.errors.append(here.error("a secret must not stand in the file", secrets.forms()))


def is_secret_property(name: str) -> bool:
    """Whether a property of librdkafka is a secret."""
    return any(word in name.replace("_", ".") for word in SECRET_PROPERTIES)


def _resolved(reference: str, place: Place, reading: Reading) -> str:
    try:
        return reading.secret(reference).get_secret_value()
    except secrets.SecretError as error:
        reading.errors.append(place.error(str(error), f"set it, or mend '{reference}'"))
        return ""


def variables_of(environ: Mapping[str, str], reading: Reading) -> dict[PathOf, str]:
    """Our environment variables by the path of the setting they give; unknown ones are mistakes."""
    found: dict[PathOf, str] = {}
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or name.upper() == FILE_VARIABLE:
            continue
        path = tuple(name[len(PREFIX):].lower().split(DELIMITER))
        wrong = _unknown(path)
        if wrong is None:
            found[path] = name
        else:
            reading.errors.append(ConfigError(ENVIRONMENT, 0, 0, name, "unknown setting", wrong))
    return found


def _unknown(path: tuple[str, ...]) -> str | None:
    """A hint where no setting has this path."""
    model: type[BaseModel] | None = ProcessorSettings
    for depth, part in enumerate(path):
        if model is None:
            return None if set(path[:depth]) & set(MAPPINGS) else "it has no further parts"
        if part not in model.model_fields:
            start = PREFIX + "".join(one.upper() + DELIMITER for one in path[:depth])
            return nearest(start + part.upper(), [start + name.upper() for name in model.model_fields])
        model = group_of(model, part)
    return None


def group_of(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The model of a field that is a group of settings itself."""
    annotation = model.model_fields[field].annotation
    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _from_environment(variables: Mapping[PathOf, str], reading: Reading) -> dict[str, Any]:
    source = EnvSettingsSource(ProcessorSettings)
    source.env_vars = {name.lower(): reading.environ[name] for name in variables.values()}
    try:
        values = source()
    except SettingsError as error:
        reading.errors.append(ConfigError(ENVIRONMENT, 0, 0, "", str(error), "nested values are JSON"))
        return {}
    kafka = values.get("kafka", {})
    for field in PROPERTY_FIELDS:
        if isinstance(kafka.get(field), dict):
            kafka[field] = {property_name(name): value for name, value in kafka[field].items()}
    return values


def _validated(
    merged: dict[str, Any], place: Place, reading: Reading, unresolved: list[PathOf], variables: Mapping[PathOf, str]
) -> ProcessorSettings | None:
    try:
        return ProcessorSettings(**merged)
    except ValidationError as error:
        details = error.errors(include_url=False)
    from_variables = [one for one in details if _variable(one["loc"], variables)]
    from_file = [one for one in details if not _variable(one["loc"], variables)]
    reading.errors.extend(explained(from_file, ProcessorSettings, place, reading, unresolved))
    for one in from_variables:
        name = _variable(one["loc"], variables)
        marks = {one["loc"]: Mark(0, 0)}
        found = explained([one], ProcessorSettings, Place(Document(ENVIRONMENT, None, marks, {})), reading)
        reading.errors.extend(each._replace(line=0, column=0, field=name) for each in found)
    return None


def _variable(loc: tuple[str | int, ...], variables: Mapping[PathOf, str]) -> str:
    """The environment variable that gave the value at `loc`, or ""."""
    return next((name for path, name in variables.items() if loc[:len(path)] == path), "")
