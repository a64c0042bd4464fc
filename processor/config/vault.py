"""Secrets that lie in HashiCorp Vault or OpenBao, as `vault:<path>#<field>`: read over HTTP and kept shortly."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from processor.config.errors import SecretError

FORM = "vault:secret/data/path#field"
RENEW_BEFORE = 10.0
"""Seconds before a token's end at which another one is asked for."""

Login = Literal["token", "approle", "kubernetes"]
MOUNTS: Mapping[str, str] = {"approle": "approle", "kubernetes": "kubernetes"}


class Access(NamedTuple):
    """How Vault is reached, and as whom."""

    address: str = ""
    namespace: str = ""
    login: Login = "token"
    token: str = ""
    mount: str = ""
    """Of the login method; "" for its usual one."""
    role: str = ""
    """AppRole's role id, or the name of a Kubernetes role."""
    secret_id: str = ""
    """AppRole's."""
    jwt_file: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    ca_file: str = ""
    keep: float = 30.0
    """Seconds for which what was read is used again."""
    timeout: float = 5.0

    def __repr__(self) -> str:
        return f"Access({self.login} at {self.address or 'no address'})"


class _Kept(NamedTuple):
    fields: Mapping[str, Any]
    until: float


class Vault:
    """Reads secrets, several fields of one path with one call."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._client: Any = None
        self._signed_until = 0.0

    def read(self, name: str) -> str:
        """The value of `<path>#<field>`; raises SecretError, which names path and field."""
        path, _, field = name.partition("#")
        path = path.strip().strip("/")
        if not path or not field:
            raise SecretError(f"'vault:{name}' names no path and field; write {FORM}")
        found = self._fields(path)
        if field not in found:
            raise SecretError(f"vault:{path} has no field '{field}'; it has: {', '.join(sorted(found)) or 'none'}")
        value = found[field]
        if not isinstance(value, str) or not value:
            raise SecretError(f"vault:{path}#{field} is {'empty' if value in ('', None) else 'no text'}")
        return value

    def _fields(self, path: str) -> Mapping[str, Any]:
        now = self._clock()
        kept = self._kept.get(path)
        if kept is not None and now < kept.until:
            return kept.fields
        found = self._asked(path)
        self._kept[path] = _Kept(found, now + self._access.keep)
        return found

    def _asked(self, path: str) -> Mapping[str, Any]:
        hvac, client = _library(path), self._signed_in(path)
        try:
            answer = client.read(path)
        except hvac.exceptions.Forbidden:
            self._client = None
            raise SecretError(f"vault:{path}: {self._access.address} refuses it (403): the token is over, or its policy"
                              " has no right to read this path") from None
        except (hvac.exceptions.VaultError, OSError) as error:
            raise SecretError(f"vault:{path}: {_said(error, self._access)}") from None
        return self._told(path, answer)

    def _told(self, path: str, answer: Any) -> Mapping[str, Any]:
        data = answer.get("data") if isinstance(answer, dict) else None
        if isinstance(data, dict) and isinstance(data.get("metadata"), dict) and "data" in data:
            data = data["data"]  # version 2 of the KV engine wraps it
        if not isinstance(data, dict):
            hint = "" if "/data/" in f"/{path}" else "; in a KV engine of version 2 the path has /data/ in it"
            raise SecretError(f"vault:{path}: there is nothing at {self._access.address}{hint}")
        return data

    def _signed_in(self, path: str) -> Any:
        if self._client is not None and self._clock() < self._signed_until:
            return self._client
        hvac = _library(path)
        access = self._access
        if not access.address:
            raise SecretError(f"vault:{path}: set secrets.vault.address, or VAULT_ADDR")
        client = hvac.Client(url=access.address, namespace=access.namespace or None, timeout=access.timeout,
                             verify=access.ca_file or True, token=access.token or "")
        try:
            lease = _sign_in(client, access)
        except (hvac.exceptions.VaultError, OSError) as error:
            raise SecretError(f"vault:{path}: sign-in by {access.login}: {_said(error, access)}") from None
        self._client, self._signed_until = client, self._clock() + lease
        return client


def _sign_in(client: Any, access: Access) -> float:
    """Get a token where there is none; returns for how long it is used."""
    if access.login == "token":
        if not access.token:
            raise OSError("set secrets.vault.token, or VAULT_TOKEN")
        return float("inf")
    mount = access.mount or MOUNTS[access.login]
    if not access.role:
        raise OSError("set secrets.vault.role")
    if access.login == "approle":
        answer = client.auth.approle.login(access.role, access.secret_id or None, mount_point=mount)
    else:
        jwt = access.jwt_file.read_text("utf-8").strip()
        answer = client.auth.kubernetes.login(role=access.role, jwt=jwt, mount_point=mount)
    lease = float(answer["auth"].get("lease_duration") or 0)
    return max(lease - RENEW_BEFORE, lease / 2) if lease else float("inf")


def _library(path: str) -> Any:
    try:
        import hvac  # noqa: PLC0415 - an extra
    except ImportError:
        raise SecretError(f"vault:{path}: the library for Vault is not there; install prompt-actions[vault]") from None
    return hvac


def _said(error: Exception, access: Access) -> str:
    """What went wrong, without anything that was sent: an answer could repeat it."""
    kind = type(error).__name__
    words = {
        "InvalidPath": "there is no such path, or its engine is not mounted", "VaultDown": "it is sealed or down (503)",
        "InvalidRequest": "it refuses the request (400): role, secret id or mount are wrong",
        "Unauthorized": "it refuses the token (401)", "RateLimitExceeded": "too many requests (429)",
        "ConnectTimeout": "no connection in time", "ReadTimeout": "no answer in time", "ConnectionError":
        "no connection", "SSLError": "its certificate is not trusted; see secrets.vault.ca_file",
        "MissingSchema": "the address begins with neither http:// nor https://",
    }
    own = str(error) if type(error) is OSError else words.get(kind, kind)
    if isinstance(error, OSError) and error.filename:
        own = f"{error.filename} cannot be read: {error.strerror}"
    return f"{access.address}: {own}"
