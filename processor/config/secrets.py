"""References to secrets: files and the environment hold the values, the configuration only says where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

Resolver = Callable[[str, Mapping[str, str], Path], str]
"""From what stands behind the scheme, the environment and the config folder to the value; raises SecretError."""

MAX_BYTES = 1 << 20


class SecretError(ValueError):
    """A reference that leads to no value; the message names the reference, never a value."""


def _from_environment(name: str, environ: Mapping[str, str], _folder: Path) -> str:
    value = environ.get(name)
    if not value:
        state = "is empty" if value == "" else "is not set"
        raise SecretError(f"the environment variable {name} {state}")
    return value


def _from_file(name: str, _environ: Mapping[str, str], folder: Path) -> str:
    path = folder / name
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise SecretError(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"the file {path} is no UTF-8 text") from None
    if len(data) > MAX_BYTES:
        raise SecretError(f"the file {path} is larger than 1 MiB")
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretError(f"the file {path} is empty")
    return value


RESOLVERS: dict[str, Resolver] = {"env": _from_environment, "file": _from_file}
"""By scheme; further ones are put in here."""


def forms() -> str:
    """How a reference is written, for hints."""
    return "write a reference: " + " or ".join(f"{scheme}:{_EXAMPLES.get(scheme, '...')}" for scheme in RESOLVERS)


_EXAMPLES = {"env": "NAME_OF_VARIABLE", "file": "path/to/secret"}


def reference(value: Any) -> str | None:
    """`value` as a reference (`env:NAME`, or the mapping `{env: NAME}`), or None where it is none."""
    if isinstance(value, dict) and len(value) == 1:
        scheme, name = next(iter(value.items()))
        value = f"{scheme}:{name}" if isinstance(name, str) else None
    if not isinstance(value, str):
        return None
    scheme, separator, name = value.partition(":")
    return value if separator and name.strip() and scheme in RESOLVERS else None


def resolve(text: str, environ: Mapping[str, str], folder: Path = Path()) -> SecretStr:
    """The secret that a reference leads to; raises SecretError where there is none."""
    scheme, _, name = text.partition(":")
    resolver = RESOLVERS.get(scheme)
    if resolver is None:
        raise SecretError(f"not a reference; {forms()}")
    return SecretStr(resolver(name.strip(), environ, folder))
