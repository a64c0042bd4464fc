"""What the config topic holds, record by record: keys, values, and the versions that they make up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.config.errors import ConfigError
from processor.config.store import Version
from processor.config.versions import Versions
from processor.kafka.config_topic import Told
from processor.model.config_version import ConfigVersion

_KEPT_KEY = re.compile(r"(.+)@([0-9]{10})")


class Heard(NamedTuple):
    """What some records led to."""

    names: frozenset[str]
    """Whose versions are others now."""
    errors: tuple[ConfigError, ...]
    """Records that cannot be read."""


def current_key(name: str) -> bytes:
    """Of the version that is current."""
    return name.encode()


def kept_key(name: str, number: int) -> bytes:
    """Of a version in the history."""
    return f"{name}@{number:010}".encode()


def value_of(codec: Codec, version: Version) -> bytes:
    """A version as the topic has it."""
    content = None if version.content is None else json.dumps(version.content).encode()
    return codec.encode_config_version(ConfigVersion(*version[:6], content))


def hear(told: Iterable[Told], versions: Versions, codec: Codec) -> Heard:
    """Take records over into `versions`.

    Only the keys of the history are forgotten with a null: so nobody's slip of a tool takes an app away.
    """
    names: set[str] = set()
    errors: list[ConfigError] = []
    for one in told:
        key = one.key.decode("utf-8", "replace")
        kept = _KEPT_KEY.fullmatch(key)
        name = kept[1] if kept else key
        if one.anew:
            versions.clear()
        if one.value is None:
            if kept:
                versions.drop(name, int(kept[2]))
            continue
        try:
            _keep(name, one.value, versions, codec)
        except (Undecodable, ValueError) as error:
            errors.append(ConfigError(one.place, 0, 0, key, f"cannot be read: {error}", "apply the app again"))
        else:
            names.add(name)
    return Heard(frozenset(names), tuple(errors))


def _keep(name: str, value: bytes, versions: Versions, codec: Codec) -> None:
    found = codec.config_version(value)
    if found.name != name:
        raise ValueError(f"it is of '{found.name}'")
    if found.content is not None and not isinstance(orjson.loads(found.content), dict):
        raise ValueError("its content is no mapping")
    versions.keep(Version(*found[:6], None), found.content)
