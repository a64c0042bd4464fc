"""Reads `config/topics.yaml`: what each topic is for, its partitions and settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from processor.config import documents, durations
from processor.config.errors import ConfigErrors, nearest
from processor.config.fields import Place, checked
from processor.config.reading import Reading
from processor.kafka.topics import DEFAULT_REPLICATION, USER_ROLES, TopicSpec

FILE = "topics.yaml"
_PACKAGE = Path(__file__).parents[1]
PLACES = (_PACKAGE / "_data" / "config" / FILE, _PACKAGE.parent / "config" / FILE)
"""The file that comes with the package: installed, and in a checkout."""


class Topic(BaseModel):
    """One topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str = Field("", description="What it is for.")
    partitions: Literal["users"] | int = Field(description="`users` where the key names a user, else a number.")
    settings: dict[str, str | bool | int | float] = Field(
        {}, description="Kafka's own settings of topics; times may carry a unit, such as 7d.")


class Topics(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: int = Field(ge=1, description="Of each topic whose key names a user.")
    replication: int = Field(DEFAULT_REPLICATION, ge=-1, description="-1 is the broker's own default.")
    topics: dict[str, Topic] = Field(description="By what each is for; the names are the settings `topics.*`.")


def topics_path(config_folder: Path) -> Path:
    """The user's own file, or the one that comes with the package."""
    places = (config_folder / FILE, *PLACES)
    return next((one for one in places if one.exists()), places[0])


def read_topics(path: Path, names: Mapping[str, str]) -> tuple[TopicSpec, ...]:
    """The topics as they should be, under these names by role; raises ConfigErrors with every mistake."""
    document, errors = documents.read(path)
    reading = Reading(path.parent, {}, {}, errors=errors)
    place = Place(document)
    raw = document.mapping((), document.data, reading.errors)
    shape = checked(Topics, raw, place, reading) if not reading.errors else None
    specs = _specs(shape, names, place, reading) if shape else ()
    if reading.errors:
        raise ConfigErrors(reading.errors)
    return specs


def _specs(shape: Topics, names: Mapping[str, str], place: Place, reading: Reading) -> tuple[TopicSpec, ...]:
    for role in shape.topics.keys() - names.keys():
        here = place.at("topics", role)
        reading.errors.append(here.error(f"no topic of the processor is called '{role}'", nearest(role, names),
                                         key=True))
    for role in names.keys() - shape.topics.keys():
        reading.errors.append(place.at("topics").error(f"'{role}' is missing", "copy it from the original file"))
    return tuple(_spec(role, names[role], shape, place.at("topics", role), reading)
                 for role in names if role in shape.topics)


def _spec(role: str, name: str, shape: Topics, place: Place, reading: Reading) -> TopicSpec:
    topic = shape.topics[role]
    if (topic.partitions == "users") != (role in USER_ROLES):
        hint = "write 'users'" if role in USER_ROLES else "write a number"
        reading.errors.append(place.at("partitions").error("does not fit what the topic is for", hint))
    count = shape.partitions if topic.partitions == "users" else topic.partitions
    settings = {key: _setting(key, value, place, reading) for key, value in topic.settings.items()}
    return TopicSpec(role, name, count, settings, topic.why, shape.replication)


def _setting(name: str, value: str | bool | float, place: Place, reading: Reading) -> str:
    """As Kafka writes it; times may carry a unit."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value}"
    if not name.endswith(".ms") or text.lstrip("-").isdigit():
        return text
    try:
        return str(round(durations.seconds(text) * 1000))
    except ValueError as error:
        reading.errors.append(place.at("settings", name).error(str(error)))
        return text
