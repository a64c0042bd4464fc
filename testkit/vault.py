"""A Vault for tests: the part of its HTTP API that reading secrets needs, or a real OpenBao server where one is."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import requests

ROOT = "root-token"
ROLE, SECRET_ID = "reader", "a-secret-id"
TEAM = "team"
JWT = "a-service-account"
Answer = tuple[int, Mapping[str, Any]]

STORED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("", "secret/data/stripe"): {"api_key": "sk_from_vault", "number": 7, "empty": ""},
    ("", "old/stripe"): {"api_key": "sk_from_version_1"},
    (TEAM, "secret/data/stripe"): {"api_key": "sk_of_the_team"},
}
"""By namespace and path: what both have."""


class Running(NamedTuple):
    """A server that answers."""

    address: str
    role: str
    """AppRole's role id."""
    secret_id: str
    calls: list[str]
    """Paths that were asked for; empty where the server is real."""


class _Handler(BaseHTTPRequestHandler):
    calls: list[str]

    def log_message(self, format: str, *_args: Any) -> None:
        del format

    def do_GET(self) -> None:
        self._say(*self._read(self.path.removeprefix("/v1/")))

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self._say(*_login(self.path.removeprefix("/v1/"), given))

    def _read(self, path: str) -> Answer:
        self.calls.append(path)
        if self.headers.get("X-Vault-Token") not in {ROOT, "from-login"} or path.startswith("forbidden"):
            return 403, {"errors": ["permission denied"]}
        if path.startswith("down"):
            return 503, {"errors": ["Vault is sealed"]}
        found = STORED.get((self.headers.get("X-Vault-Namespace", "").strip("/"), path))
        if found is None:
            return 404, {"errors": []}
        return 200, {"data": {"data": found, "metadata": {"version": 1}} if "/data/" in path else found}

    def _say(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _login(path: str, given: Mapping[str, Any]) -> Answer:
    right = {
        "auth/approle/login": {"role_id": ROLE, "secret_id": SECRET_ID},
        "auth/kubernetes/login": {"role": ROLE, "jwt": JWT},
    }
    if given != right.get(path):
        return 400, {"errors": [f"invalid role or secret ID: {given}"]}
    return 200, {"auth": {"client_token": "from-login", "lease_duration": 60}}


@contextmanager
def emulated_vault() -> Iterator[Running]:
    """The API, emulated on the loopback."""
    handler = type("Handler", (_Handler,), {"calls": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Running(f"http://127.0.0.1:{server.server_address[1]}", ROLE, SECRET_ID, handler.calls)  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def binary(*folders: Path) -> str | None:
    """A server's program in one of the folders, or on the path."""
    places = [*(shutil.which(name, path=str(folder)) for folder in folders for name in ("bao", "vault")),
              shutil.which("bao"), shutil.which("vault")]
    return next((one for one in places if one), None)


@contextmanager
def real_vault(program: str) -> Iterator[Running]:
    """A development server in memory, with the same secrets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "server", "-dev", f"-dev-root-token-id={ROOT}", f"-dev-listen-address=127.0.0.1:{port}",
               "-dev-no-store-token"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield _filled(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _filled(address: str) -> Running:
    with requests.Session() as session:
        session.headers["X-Vault-Token"] = ROOT
        _await(session, address)

        def post(path: str, body: Mapping[str, Any], namespace: str = "") -> Any:
            answer = session.post(f"{address}/v1/{path}", json=body, headers={"X-Vault-Namespace": namespace})
            answer.raise_for_status()
            return answer.json() if answer.content else {}

        post(f"sys/namespaces/{TEAM}", {})
        post("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, TEAM)
        post("sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
        for (namespace, path), fields in STORED.items():
            post(path, {"data": fields} if "/data/" in path else fields, namespace)
        post("sys/auth/approle", {"type": "approle"})
        post("sys/policies/acl/read", {"policy": 'path "secret/data/*" { capabilities = ["read"] }'})
        post("auth/approle/role/reader", {"token_policies": "read"})
        role = session.get(f"{address}/v1/auth/approle/role/reader/role-id").json()["data"]["role_id"]
        secret = post("auth/approle/role/reader/secret-id", {})["data"]["secret_id"]
    return Running(address, role, secret, [])


def _await(session: requests.Session, address: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if session.get(f"{address}/v1/sys/health", timeout=2).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"no server answers at {address}")
