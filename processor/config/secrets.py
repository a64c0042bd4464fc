"""References to secrets: where the values are, or the values sealed; the configuration never has them in clear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from processor.config.errors import SecretError
from processor.config.keyring import SCHEME, Keyring, key_of
from processor.config.vault import Access, Vault

__all__ = ["RESOLVERS", "Resolver", "SecretError", "configure", "forms", "keyring", "keyring_of", "reference",
           "resolve"]

Resolver = Callable[[str, Mapping[str, str], Path, str], str]
"""From what stands behind the scheme, the environment, the config folder and the app to the value.

Raises SecretError.
"""

MAX_BYTES = 1 << 20


class _Sources:
    """What this process opens sealed secrets and asks Vault with; made when first asked for."""

    def __init__(self, make_keyring: Callable[[], Keyring], access: Access) -> None:
        self._make_keyring = make_keyring
        self._access = access

    @cached_property
    def keyring(self) -> Keyring:
        return self._make_keyring()

    @cached_property
    def vault(self) -> Vault:
        return Vault(self._access)


_sources = _Sources(lambda: Keyring(()), Access())


def configure(keys: Iterable[str], access: Access, environ: Mapping[str, str], folder: Path) -> None:
    """Say which keys (references) this process has and how it reaches Vault: once, where settings are read."""
    global _sources  # noqa: PLW0603 - one process has one keyring, like one environment
    given = tuple(keys)
    _sources = _Sources(lambda: keyring_of(given, environ, folder), access)


def keyring() -> Keyring:
    """The keys of this process; raises SecretError where one cannot be had."""
    return _sources.keyring


def keyring_of(keys: Iterable[str], environ: Mapping[str, str], folder: Path) -> Keyring:
    """The keys that references lead to."""
    found = []
    for one in keys:
        if one.startswith(f"{SCHEME}:"):
            raise SecretError(f"secrets.keys: a key cannot be sealed itself; {forms()}")
        try:
            found.append(key_of(resolve(one, environ, folder).get_secret_value()))
        except SecretError as error:
            raise SecretError(f"secrets.keys: {error}") from None
    return Keyring(found)


def _from_environment(name: str, environ: Mapping[str, str], _folder: Path, _app: str) -> str:
    value = environ.get(name)
    if not value:
        state = "is empty" if value == "" else "is not set"
        raise SecretError(f"the environment variable {name} {state}")
    return value


def _from_file(name: str, _environ: Mapping[str, str], folder: Path, _app: str) -> str:
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


def _from_vault(name: str, _environ: Mapping[str, str], _folder: Path, _app: str) -> str:
    return _sources.vault.read(name)


def _sealed(name: str, _environ: Mapping[str, str], _folder: Path, app: str) -> str:
    return keyring().open(f"{SCHEME}:{name}", app)


RESOLVERS: dict[str, Resolver] = {
    "env": _from_environment, "file": _from_file, "vault": _from_vault, SCHEME: _sealed}
"""By scheme; further ones are put in here."""


def forms() -> str:
    """How a reference is written, for hints."""
    *names, last = (f"{scheme}:{_EXAMPLES.get(scheme, '...')}" for scheme in RESOLVERS)
    return f"write a reference: {', '.join(names)} or {last}"


_EXAMPLES = {"env": "NAME_OF_VARIABLE", "file": "path/to/secret", "vault": "secret/data/path#field",
             SCHEME: "..., which `prompt-actions secrets seal` makes"}


def reference(value: Any) -> str | None:
    """`value` as a reference (`env:NAME`, or the mapping `{env: NAME}`), or None where it is none."""
    if isinstance(value, dict) and len(value) == 1:
        scheme, name = next(iter(value.items()))
        value = f"{scheme}:{name}" if isinstance(name, str) else None
    if not isinstance(value, str):
        return None
    scheme, separator, name = value.partition(":")
    return value if separator and name.strip() and scheme in RESOLVERS else None


def resolve(text: str, environ: Mapping[str, str], folder: Path = Path(), app: str = "") -> SecretStr:
    """The secret that a reference in the configuration of `app` leads to; raises SecretError where there is none."""
    scheme, _, name = text.partition(":")
    resolver = RESOLVERS.get(scheme)
    if resolver is None:
        raise SecretError(f"not a reference; {forms()}")
    return SecretStr(resolver(name.strip(), environ, folder, app))
